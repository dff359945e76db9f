from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest

from service.cli.app import run
from service.cli.chart import two_curves

ARTICLE = """
name = "article"
[cloud]
per_year = "20000 USD"
[own]
purchase_price = "50000 USD"
running_per_year = "5000 USD"
useful_life_years = 5
"""
PARTS = """
[cloud]
gpu_hours_per_month = 5000
price_per_gpu_hour = "2.50 USD"
growth_percent_per_month = 1
[own]
name = "eight-h100"
gpus = 8
purchase_price = "250000 USD"
useful_life_years = 4
power_watts = 8000
maintenance_percent_per_year = 5
STAFF
cost_of_capital_percent_per_year = 8
[energy]
price_per_kwh = "0.15 USD"
pue = 1.3
[move]
migration_cost = "10000 USD"
"""


@pytest.fixture
def calculate(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    def ask(text: str, *more: str) -> tuple[int, str, str]:
        file = tmp_path / "scenario.toml"
        file.write_text(text)
        code = run(["breakeven", "--scenario", str(file), *more], {})
        out, err = capsys.readouterr()
        return code, out, err

    return ask


def test_article_is_ahead_after_forty_months_and_needs_no_database(calculate) -> None:
    code, out, _ = calculate(ARTICLE)
    assert code == 0
    assert "paid back after 40.0 months" in out
    assert "o stay in the cloud" in out
    assert "own.salvage_value = not set, not counted (default)" in out


def test_article_costs_60k_in_the_cloud_over_three_years_to_the_cent(calculate) -> None:
    _, out, _ = calculate(ARTICLE, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 61
    assert rows[36]["stay_total"] == "60000"
    assert rows[36]["go_total"] == "65000"
    assert Decimal(rows[40]["position"]) == 0


def test_demand_that_outgrows_the_server_buys_the_next_and_says_when(calculate) -> None:
    _, out, _ = calculate(PARTS.replace("STAFF", 'staff_per_month = "500 USD"'))
    assert "never" in out
    assert "demand outgrows the first servers in month 17" in out


def test_parts_give_every_figure_as_json(calculate) -> None:
    code, out, _ = calculate(
        PARTS.replace("STAFF", 'staff_per_month = "500 USD"').replace("month = 1", "month = 0.5"),
        "--format",
        "json",
    )
    (answer,) = json.loads(out)["data"]
    assert code == 0
    assert answer["answer"] == "date"
    assert answer["cloud_per_month"] == "12500"
    assert answer["upfront"] == "260000"
    assert answer["utilization"] == pytest.approx(5000 / (8 * 730), abs=1e-4)
    assert len(answer["months"]) == 49
    origins = {item["key"]: item["origin"] for item in answer["assumptions"]}
    assert origins["own.power_watts"] == "configured"
    assert origins["cloud.growth_percent_per_month"] == "configured"


def test_staff_that_is_not_set_makes_the_answer_unknown_by_its_key(calculate) -> None:
    code, out, _ = calculate(PARTS.replace("STAFF", ""))
    assert code == 0
    assert "unknown: set own.staff_per_month" in out


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (ARTICLE.replace('per_year = "20000 USD"', ""), "cloud: give one of per_month, per_year"),
        (
            ARTICLE.replace("useful_life_years = 5", "useful_life_years = -5"),
            "own.useful_life_years",
        ),
        (ARTICLE.replace('"50000 USD"', "50000"), "own.purchase_price: write an amount"),
        (ARTICLE + "colour = 1", "own.colour: is not a setting"),
        (ARTICLE.replace("[own]", "growth_percent_per_month = 900\n[own]"), "cloud.growth_percent"),
        ("[cloud", "is not TOML"),
    ],
)
def test_bad_scenario_names_each_key_and_ends_with_code_2(calculate, text: str, line: str) -> None:
    code, out, err = calculate(text)
    assert code == 2
    assert line in err
    assert out == ""


KEEP = """
[cloud]
per_month = "CLOUD USD"
[keep]
resale_value = "12000 USD"
resale_at_end = "3000 USD"
life_left_months = 24
running_per_month = "280 USD"
cost_of_capital_percent_per_year = 8
"""


@pytest.mark.parametrize(("cloud", "answer"), [("900", "never"), ("600", "already")])
def test_hardware_already_bought_is_kept_or_moved_by_what_it_would_bring(
    calculate, cloud: str, answer: str
) -> None:
    code, out, _ = calculate(KEEP.replace("CLOUD", cloud), "--format", "json")
    (found,) = json.loads(out)["data"]
    assert code == 0
    assert found["direction"] == "own_to_cloud"
    assert found["own_per_month"] == "705.2"
    assert found["answer"] == answer
    assert Decimal(found["saving_per_month"]) == Decimal("705.20") - Decimal(cloud)


def test_moving_cost_delays_what_renting_saves(calculate) -> None:
    dear = KEEP.replace("CLOUD", "600") + '[move]\nmigration_cost = "1052 USD"\n'
    _, out, _ = calculate(dear.replace("year = 8", "year = 0"))
    assert "keep, USD in all" in out
    assert "paid back after 19.1 months" in out


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (ARTICLE + KEEP.split("USD", 1)[1].lstrip('"'), "give [own], hardware to buy, or [keep]"),
        ('[cloud]\nper_month = "1 USD"\n', "give [own], hardware to buy, or [keep]"),
        (KEEP.replace("CLOUD", "9").replace("running_per_month", "colour"), "keep.colour"),
        (KEEP.replace("CLOUD", "9").replace("= 24", "= 0"), "keep.life_left_months"),
    ],
)
def test_bad_keep_names_its_key(calculate, text: str, line: str) -> None:
    code, _, err = calculate(text)
    assert code == 2
    assert line in err


def test_absent_scenario_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["breakeven", "--scenario", str(tmp_path / "no.toml")], {}) == 2
    assert "no.toml cannot be read" in capsys.readouterr().err


def test_amounts_in_two_currencies_name_the_key_and_the_missing_rate(calculate) -> None:
    _, out, _ = calculate(ARTICLE.replace('"5000 USD"', '"5000 EUR"'))
    assert "set own.running_per_month in USD, or a rate EUR to USD" in out


def test_scenario_beside_a_name_is_refused(calculate) -> None:
    code, _, err = calculate(ARTICLE, "--workload", "train")
    assert code == 2
    assert "Leave --workload and --asset out" in err


def test_chart_marks_where_the_curves_meet() -> None:
    stay = [Decimal(n) for n in range(11)]
    drawn = two_curves(stay, [Decimal(5)] * 11, labels=("a", "b"), width=11, height=11)
    assert drawn.count("*") == 1
    assert drawn.splitlines()[5].endswith("xxxxx*xxxxx")


CONFIG = """
[storage]
url = "sqlite:///{folder}/s.db"
[[assets]]
name = "rack-a"
match = "host:node-a*"
[[quotes]]
name = "h100"
price_per_gpu_hour = "3.00 USD"
"""


def test_configured_asset_without_its_settings_names_every_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "spendwatt.toml"
    config.write_text(CONFIG.format(folder=tmp_path))
    assert run(["--config", str(config), "db", "upgrade"], {}) == 0
    assert run(["--config", str(config), "breakeven", "--asset", "rack-a"], {}) == 0
    out = capsys.readouterr().out
    assert "rack-a against h100: unknown: set assets.rack-a.purchase_price" in out
    for key in ("staff_per_month", "resale_value", "purchased_on", "host_overhead_watts"):
        assert f"assets.rack-a.{key}" in out


def test_asking_for_what_is_not_configured_lists_what_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "spendwatt.toml"
    config.write_text(CONFIG.format(folder=tmp_path))
    run(["--config", str(config), "db", "upgrade"], {})
    assert run(["--config", str(config), "breakeven", "--workload", "train"], {}) == 2
    assert "nothing is named train. There is: asset rack-a" in capsys.readouterr().err


def test_nothing_configured_says_what_to_configure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "spendwatt.toml"
    config.write_text(f'[storage]\nurl = "sqlite:///{tmp_path}/s.db"\n')
    run(["--config", str(config), "db", "upgrade"], {})
    assert run(["--config", str(config), "breakeven"], {}) == 2
    assert "--scenario FILE" in capsys.readouterr().err
