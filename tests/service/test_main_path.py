"""The main job by the command line alone: bring in, judge, report."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.cli.app import run

FIRST = datetime(2026, 2, 1, tzinfo=UTC)
LAST = datetime(2026, 2, 2, tzinfo=UTC)
GPU = "GPU-00000000-0000-0000-0000-000000000001"
COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")
REST = {
    "BillingAccountId": "1",
    "BillingCurrency": "USD",
    "BillingPeriodStart": "2026-02-01T00:00:00Z",
    "BillingPeriodEnd": "2026-03-01T00:00:00Z",
    "ChargeCategory": "Usage",
    "ProviderName": "Cloud",
    "PublisherName": "Cloud",
    "InvoiceIssuerName": "Cloud",
    "ServiceCategory": "Compute",
    "Tags": '{"team": "ml"}',
}
COLUMNS = (*COSTS, *REST, "ChargePeriodStart", "ChargePeriodEnd", "ServiceName")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def bill(file: Path, cost: str = "1.10") -> Path:
    """Write a FOCUS bill of February 2026: three days, two services, in one account."""
    with file.open("w", encoding="utf-8", newline="") as out:
        rows = csv.DictWriter(out, COLUMNS)
        rows.writeheader()
        for day in range(3):
            for service in ("Compute", "Storage"):
                start = FIRST + timedelta(days=day)
                end = start + timedelta(days=1)
                rows.writerow(
                    dict.fromkeys(COSTS, cost)
                    | REST
                    | {
                        "ChargePeriodStart": start.isoformat(),
                        "ChargePeriodEnd": end.isoformat(),
                        "ServiceName": service,
                    }
                )
    return file


def readings(file: Path) -> Path:
    """Write a day of one GPU: a busy morning, then memory held without work."""
    with file.open("w", encoding="utf-8") as out:
        out.write("timestamp,gpu_uuid,host,gpu_util_percent,memory_used_bytes,power_draw_watts\n")
        for minute in range(1440):
            at = (FIRST + timedelta(minutes=minute)).isoformat()
            util, watts = (90, 400) if minute < 480 else (0, 70)
            out.write(f"{at},{GPU},node-a1,{util},{40 << 30},{watts}\n")
    return file


def answer(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0, **environ: str) -> Any:
    capsys.readouterr()
    assert run([*args, "--format", "json"], environ) == code
    return json.loads(capsys.readouterr().out)


def test_a_bill_comes_in_and_is_reported_in_a_fresh_folder(
    own_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (delivery,) = answer(capsys, "import", "bill", str(bill(own_folder / "aws.csv")))["deliveries"]
    assert delivery["source"] == "aws"
    assert (delivery["billing_period"], delivery["rows"]) == ("2026-02", 6)
    assert (delivery["billed_cost"], delivery["billing_currency"]) == ("6.6", "USD")
    costs = answer(
        capsys,
        *("report", "costs", "--window", "2026-02-01,2026-03-01", "--aggregate", "service"),
        *("--cost-metric", "billed_cost"),
    )
    assert {(row["service"], row["billed_cost"]) for row in costs["data"]} == {
        ("Compute", "3.3"),
        ("Storage", "3.3"),
    }
    assert costs["total"] == [{"billing_currency": "USD", "billed_cost": "6.6"}]


def test_the_database_may_lie_elsewhere(
    own_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{own_folder / 'other' / 'spend.db'}"
    (own_folder / "other").mkdir()
    file = bill(own_folder / "aws.csv")
    answer(capsys, "import", "bill", str(file), SPENDWATT_STORAGE__URL=url)
    assert not (own_folder / "spendwatt.db").exists()
    answer(capsys, "report", "sources", SPENDWATT_STORAGE__URL=url)


def test_an_old_schema_takes_no_bill(own_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from storage import migrate
    from storage.engine import open_store

    store = open_store("sqlite:///spendwatt.db")
    migrate.upgrade(store, "0001_bills")
    assert run(["import", "bill", str(bill(own_folder / "aws.csv"))], {}) == 1
    assert "spendwatt db upgrade" in capsys.readouterr().err
    assert migrate.current(store) == "0001_bills"
    store.close()


def test_an_idle_gpu_is_found_and_kept(
    own_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(readings(own_folder / "gpu.csv"))
    assert run(["import", "telemetry", file], {}) == 0
    found = answer(capsys, "analyze", "--as-of", LAST.isoformat())["findings"]
    assert [(each["kind"], each["labels"]["host"]) for each in found] == [("idle_gpu", "node-a1")]
    listed = answer(capsys, "findings")["findings"]
    assert [each["id"] for each in listed] == [found[0]["id"]]
    (stretch,) = answer(capsys, "report", "idle", "--window", "2026-02-01,2026-02-02")["data"]
    assert (stretch["gpu_uuid"], stretch["state"]) == (GPU, "idle_held")


def test_a_look_into_the_past_of_a_live_database_keeps_nothing(
    own_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["import", "telemetry", str(readings(own_folder / "gpu.csv"))], {}) == 0
    kept = answer(capsys, "analyze", "--as-of", LAST.isoformat())["findings"]
    assert len(kept) == 1
    before = answer(capsys, "analyze", "--as-of", (FIRST + timedelta(hours=6)).isoformat())
    assert before == {"findings": []}
    assert [each["id"] for each in answer(capsys, "findings")["findings"]] == [kept[0]["id"]]


@pytest.mark.parametrize("moment", ["yesterday", "2026-13-01", ""])
def test_a_moment_that_is_none_is_wrong_usage(
    own_folder: Path, capsys: pytest.CaptureFixture[str], moment: str
) -> None:
    assert run(["db", "upgrade"], {}) == 0
    assert run(["analyze", "--as-of", moment], {}) == 2
    assert "2026-02-28T12:00:00Z" in capsys.readouterr().err


def test_collectors_are_run_by_name_and_their_failure_is_kept(
    own_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (own_folder / "bills").mkdir()
    (own_folder / "spendwatt.toml").write_text(
        '[[collectors]]\nname = "aws"\nkind = "focus_files"\npath = "bills"\n', encoding="utf-8"
    )
    (row,) = answer(capsys, "collect", code=1)["data"]
    assert (row["collector"], row["ok"]) == ("aws", False)
    (finding,) = answer(capsys, "findings")["findings"]
    assert (finding["kind"], finding["labels"]) == ("collector_failed", {"source": "aws"})
    bill(own_folder / "bills" / "february.csv")
    (row,) = answer(capsys, "collect", "aws")["data"]
    assert (row["ok"], row["rows"]) == (True, 6)
    assert answer(capsys, "findings") == {"findings": []}
    (row,) = answer(capsys, "collect", "aws")["data"]
    assert (row["ok"], row["rows"]) == (True, 0)
    assert run(["collect", "awz"], {}) == 2
    assert 'Did you mean "aws"' in capsys.readouterr().err


def test_what_is_old_can_be_dropped_at_once(
    own_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["import", "telemetry", str(readings(own_folder / "gpu.csv"))], {}) == 0
    capsys.readouterr()
    assert run(["db", "prune"], {}) == 0
    assert "1,440 rows are gone" in capsys.readouterr().out
    assert len(answer(capsys, "report", "idle", "--window", "2026-02-01,2026-02-02")["data"]) == 1
