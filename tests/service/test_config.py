"""The settings: read from a file and variables, every problem told at once."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.config import Settings, load
from service.config.hardware import AssetEntry, HardwareOptionEntry, QuoteEntry, WorkloadEntry
from service.config.money import BudgetEntry, LabelEntry, TariffEntry
from spendwatt.errors import ConfigError, MoneyError
from spendwatt.estate import Asset, Budget, HardwareOption, LabelRule, Quote, Workload
from spendwatt.money import Money, parse_money

EVERYTHING_WRONG = """
[storage]
urll = "sqlite:///x.db"
minute_retention = "a month"

[server]
host = 3
port = 99999
public_url = "spend.example.org"

[display]
timezone = "Mars/Phobos"

[energy]
pue = 0.5

[[collectors]]
name = "aws"
kind = "focus_file"

[[collectors]]
name = "aws"
kind = "focus_files"
pth = "bills"
schedule = "every morning"

[[assets]]
name = "rack a"
match = "node-a*"
purchase_price = 250000
useful_life_years = -4
comparator = "awz"

[[quotes]]
name = "aws"

[[workloads]]
name = "serving"
option = "h100"

[[budgets]]
name = "ml"
monthly = "40000"
filter = 'label[team]="ml"'

[[labels]]
label = "team"

[currency.rates."2026-13"]
"EUR/USD" = "1.08"

[alerts]
repeat_warning_every = "often"

[[alerts.channels]]
name = "ops"
kind = "slack"
webhook_url_file = "/does/not/exist"

[[alerts.routes]]
channel = "opps"

[analysis]
evry = "1h"

[analysis.budgt]

[colectors]
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "spendwatt.toml"
    file.write_text(text, encoding="utf-8")
    return file


def problems(folder: Path, text: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(written(folder, text), environ or {})
    return list(caught.value.problems)


def test_without_a_file_and_variables_every_default_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = load(None, {})
    assert found.storage.url == "sqlite:///spendwatt.db"
    assert found.server.host == "127.0.0.1"
    assert found.estate().assets == ()


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    expected = (Path(__file__).parent / "config_problems.txt").read_text(encoding="utf-8")
    environ = {"SPENDWATT_SERVER__PORTT": "1", "SPENDWATT_LOGGING__LEVEL": "loud"}
    assert "\n".join(problems(tmp_path, EVERYTHING_WRONG, environ)) + "\n" == expected


def test_a_variable_comes_on_top_of_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, '[server]\nport = 1\nhost = "::1"\n')
    found = load(file, {"SPENDWATT_SERVER__PORT": "2", "SPENDWATT_ENERGY__PUE": "1.3"})
    assert (found.server.port, found.server.host, found.energy.pue) == (2, "::1", Decimal("1.3"))
    assert found.origin(("server", "port")) == "SPENDWATT_SERVER__PORT"
    assert found.origin(("server", "host")) == str(file)
    assert found.origin(("display", "timezone")) == "default"


def test_a_variable_reaches_into_a_section_of_a_section() -> None:
    variable = "SPENDWATT_ANALYSIS__IDLE__WINDOW_MINUTES"
    found = load(None, {variable: "90"})
    assert found.analysis.analyzers["idle"].window_minutes == 90
    assert found.origin(("analysis", "idle", "window_minutes")) == variable


def test_a_variable_without_a_setting_is_named(tmp_path: Path) -> None:
    environ = {"SPENDWATT_FOO__BAR": "1", "SPENDWATT_ENERGY__PUE": "0.5"}
    told = problems(tmp_path, "[foo]\nx = 1\n", environ)
    assert not any("SPENDWATT_FOO__BAR" in line for line in told)
    told = problems(tmp_path, "", environ)
    assert [line.partition(":")[0] for line in told] == [
        "energy.pue (SPENDWATT_ENERGY__PUE)",
        "foo (SPENDWATT_FOO__BAR)",
    ]


def test_a_variable_cannot_make_an_array(tmp_path: Path) -> None:
    (told,) = problems(tmp_path, "", {"SPENDWATT_COLLECTORS__0__NAME": "aws"})
    assert told == (
        "collectors (SPENDWATT_COLLECTORS__0__NAME): is an array of tables: "
        "write it in the file, as [[collectors]]"
    )
    tariff = '[[energy.tariff]]\nname = "a"\nprice_per_kwh = "1 EUR"\nweekdays = "mon"\n'
    assert any("weekdays: must be a list" in line for line in problems(tmp_path, tariff))
    assert "[[alerts.channels]]" in problems(tmp_path, '[alerts.channels]\nname = "a"\n')[0]


def test_variables_without_a_double_underscore_are_nobodys_business(tmp_path: Path) -> None:
    environ = {"SPENDWATT_CONFIG": str(written(tmp_path, "")), "SPENDWATT_ANYTHING": "x"}
    assert load(None, environ) == load(tmp_path / "spendwatt.toml", {})


def test_a_variable_that_reaches_into_an_array_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, '[[assets]]\nname = "a"\nmatch = "host:a"\n')
    with pytest.raises(ConfigError, match="SPENDWATT_ASSETS__NAME"):
        load(file, {"SPENDWATT_ASSETS__NAME": "b"})


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="spendwatt init"):
        load(tmp_path / "none.toml", {})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[server\n", "is not TOML"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (b"a = 1\na = 2\n", "is not TOML"),
    ],
)
def test_a_file_that_is_no_toml_is_told_by_its_name(
    tmp_path: Path, content: bytes, says: str
) -> None:
    file = tmp_path / "broken.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=says) as caught:
        load(file, {})
    assert "broken.toml" in str(caught.value)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "bom.toml"
    file.write_bytes(b"\xef\xbb\xbf[server]\nport = 9\n")
    assert load(file, {}).server.port == 9


def test_a_secret_comes_from_a_file_and_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("hunter2\n", encoding="utf-8")
    text = f'[storage]\nurl = "postgresql://me@db/x"\npassword_file = "{tmp_path / "pw"}"\n'
    found = load(written(tmp_path, text), {})
    assert found.storage.address() == "postgresql://me:hunter2@db/x"
    assert "hunter2" not in repr(found) + str(found.model_dump(mode="json"))


def test_a_password_in_an_address_is_not_shown(tmp_path: Path) -> None:
    text = '[storage]\nurl = "postgresql://me:hunter2@db/x"\n'
    found = load(written(tmp_path, text), {})
    assert "hunter2" not in str(found.model_dump(mode="json"))


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    found = problems(tmp_path, '[storage]\npassword = "a"\npassword_file = "/b"\n')
    assert found == ["storage.password: give it here or by password_file, not both"]


def test_a_wrong_secret_is_not_repeated_in_the_message(tmp_path: Path) -> None:
    found = problems(tmp_path, '[storage]\nurl = "mysql://me:hunter2@db/x"\n')
    assert len(found) == 1
    assert "hunter2" not in found[0]


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        (AssetEntry, Asset),
        (HardwareOptionEntry, HardwareOption),
        (WorkloadEntry, Workload),
        (QuoteEntry, Quote),
        (BudgetEntry, Budget),
        (LabelEntry, LabelRule),
    ],
)
def test_every_field_of_the_estate_can_be_configured(entry: type, value: type) -> None:
    assert {*entry.model_fields} == {field.name for field in fields(value)}


def test_an_estate_is_read_whole(tmp_path: Path) -> None:
    text = """
    [server]
    public_url = "https://spend.example.org/"
    [energy]
    price_per_kwh = "0.15 USD"
    pue = 1.3
    [[assets]]
    name = "rack-a"
    match = "host:node-a*"
    purchase_price = "250,000 usd"
    purchased_on = 2025-03-01
    useful_life_years = 4
    comparator = "workload:serving"
    [[workloads]]
    name = "serving"
    asset = "rack-a"
    filter = 'label[team]:"ml"'
    [[labels]]
    label = "team"
    from_tag = "owner"
    [currency.rates."2026-03"]
    "EUR/USD" = 1.0842
    """
    estate = load(written(tmp_path, text), {}).estate()
    asset = estate.assets[0]
    assert asset.purchase_price == Money(Decimal(250_000), "USD")
    assert asset.purchased_on == date(2025, 3, 1)
    assert asset.maintenance_percent_per_year is None
    assert estate.energy.pue == Decimal("1.3")
    assert estate.energy.bands[0].price_per_kwh == Money(Decimal("0.15"), "USD")
    assert estate.currency_rates == {("2026-03", "EUR", "USD"): Decimal("1.0842")}
    assert estate.public_url == "https://spend.example.org"


def tariff(*entries: str) -> str:
    return "[energy]\ntimezone = 'Europe/Berlin'\n" + "".join(
        f'[[energy.tariff]]\nname = "t{n}"\nprice_per_kwh = "0.{n + 1} EUR"\n{entry}\n'
        for n, entry in enumerate(entries)
    )


def test_a_tariff_table_covers_the_week_once(tmp_path: Path) -> None:
    text = tariff("from_hour = 6\nto_hour = 22", "from_hour = 22\nto_hour = 6")
    price = load(written(tmp_path, text), {}).estate().energy
    assert price.zone == ZoneInfo("Europe/Berlin")
    for day in range(7):
        for hour in range(24):
            names = [
                band.name
                for band in price.bands
                if day in band.weekdays and band.from_hour <= hour < band.to_hour
            ]
            assert names == (["t0"] if 6 <= hour < 22 else ["t1"])


def test_holes_and_overlaps_of_a_tariff_are_named(tmp_path: Path) -> None:
    text = tariff("from_hour = 0\nto_hour = 8", "from_hour = 6\nto_hour = 20\nweekdays = ['mon']")
    (problem,) = problems(tmp_path, text)
    assert "no price for 20:00-24:00 on mon" in problem
    assert "no price for 08:00-24:00 on tue, wed, thu, fri, sat, sun" in problem
    assert "t0 and t1 both price 06:00-08:00 on mon" in problem


def test_a_tariff_in_two_currencies_is_refused(tmp_path: Path) -> None:
    text = tariff("to_hour = 12", "from_hour = 12").replace("0.2 EUR", "0.2 USD")
    assert "EUR and USD" in problems(tmp_path, text)[0]


hours = st.integers(0, 23)


@given(st.lists(st.tuples(hours, st.integers(1, 24), st.sets(st.integers(0, 6), min_size=1))))
@settings(deadline=None, max_examples=60)
def test_a_tariff_is_accepted_exactly_where_every_hour_has_one_price(
    entries: list[tuple[int, int, set[int]]],
) -> None:
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    covered: dict[tuple[int, int], int] = {}
    for start, end, weekdays in entries:
        length = (end - start) if end > start else (24 - start + end)
        for day in weekdays:
            for step in range(length):
                at = (day * 24 + start + step) % 168
                covered[at // 24, at % 24] = covered.get((at // 24, at % 24), 0) + 1
    whole = all(covered.get((day, hour)) == 1 for day in range(7) for hour in range(24))
    values = {
        "tariff": [
            {
                "name": f"t{n}",
                "price_per_kwh": "0.1 EUR",
                "from_hour": start,
                "to_hour": end,
                "weekdays": [days[day] for day in sorted(weekdays)],
            }
            for n, (start, end, weekdays) in enumerate(entries)
        ]
    }
    try:
        Settings.model_validate({"energy": values})
        accepted = True
    except ValueError:
        accepted = False
    assert accepted == (whole or not entries)


def test_a_tariff_that_runs_past_midnight_belongs_to_the_next_day() -> None:
    entry = TariffEntry.model_validate(
        {
            "name": "night",
            "price_per_kwh": "0.1 EUR",
            "weekdays": ["sun"],
            "from_hour": 22,
            "to_hour": 6,
        }
    )
    evening, morning = entry.bands()
    assert (evening.weekdays, evening.from_hour, evening.to_hour) == (frozenset({6}), 22, 24)
    assert (morning.weekdays, morning.from_hour, morning.to_hour) == (frozenset({0}), 0, 6)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("10s", timedelta(seconds=10)),
        ("1.5h", timedelta(minutes=90)),
        ("7d", timedelta(days=7)),
        ("200ms", timedelta(milliseconds=200)),
    ],
)
def test_durations_are_read_as_written(tmp_path: Path, text: str, span: timedelta) -> None:
    found = load(written(tmp_path, f'[analysis]\nevery = "{text}"\n'), {})
    assert found.analysis.every == span


@given(st.text(max_size=30))
@settings(deadline=None, max_examples=60)
def test_a_budget_is_accepted_exactly_where_its_money_can_be_read(text: str) -> None:
    try:
        parse_money(text)
        readable = True
    except MoneyError:
        readable = False
    try:
        Settings.model_validate({"budgets": [{"name": "ml", "monthly": text}]})
        accepted = True
    except ValueError:
        accepted = False
    assert accepted == readable
