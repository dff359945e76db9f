from __future__ import annotations

import csv
import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from analysis.backtest import OUTPUT_COLUMNS
from service.cli.app import run

HEADER = ["usage_date", "account", "provider", "service", "region", "cost", "ingested_at"]
FIRST = date(2025, 1, 6)
DATES = ["--from", "2025-04-06", "--to", "2025-05-10"]


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """One service of $500 a day that costs three times as much from 16 to 18 April."""
    file = tmp_path / "past.csv"
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(HEADER)
        for place in range(125):
            day = FIRST + timedelta(days=place)
            cost = 1500 if 100 <= place < 103 else 500 + place % 5
            writer.writerow([day, "prod", "aws", "compute", "eu", cost, day + timedelta(days=2)])
    return file


def test_a_past_is_replayed_from_a_file_without_a_database(
    ledger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = tmp_path / "told.csv"
    labels = tmp_path / "labels.csv"
    labels.write_text(
        "account,service,kind,direction,start,end,detect_by,ignore_until\n"
        "prod,compute,spike,up,2025-04-16,2025-04-18,2025-04-19,2025-04-28\n"
        "prod,compute,spike,up,2025-03-01,2025-03-02,2025-03-03,2025-03-08\n"
        "prod,compute,spike,up,2025-05-11,2025-05-12,2025-05-13,2025-05-20\n"
    )
    given = ["--ledger", str(ledger), "--output", str(told), "--labels", str(labels)]
    assert run(["backtest", *DATES, *given, "--format", "json"], {}) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {
        "data": [{"month": "2025-04", "direction": "up", "rule": "jump", "shocks": 1, "notices": 1}]
    }
    assert "up: 1 of 1 shocks found (spike 1/1), 0 false" in err
    rows = list(csv.DictReader(told.read_text().splitlines()))
    assert [row["usage_date"] for row in rows] == ["2025-04-16", "2025-04-17", "2025-04-18"]
    assert list(rows[0]) == [*OUTPUT_COLUMNS]


def test_what_cannot_be_replayed_is_said(
    ledger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["backtest", "--from", "2025-05-01", "--to", "2025-04-01"], {}) == 2
    assert "--to 2025-04-01 is before --from 2025-05-01" in capsys.readouterr().err
    assert run(["backtest", *DATES, "--ledger", str(tmp_path / "none.csv")], {}) == 1
    assert "none.csv: No such file" in capsys.readouterr().err
    ledger.write_bytes(b"\xff\xfe\x00\x00not a ledger")
    assert run(["backtest", *DATES, "--ledger", str(ledger)], {}) == 1
    assert "past.csv" in capsys.readouterr().err


def test_a_quiet_past_says_so(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quiet = ["--from", "2025-03-20", "--to", "2025-04-10", "--ledger", str(ledger)]
    assert run(["backtest", *quiet], {}) == 0
    assert "0 shocks, 0 of them worth a message" in capsys.readouterr().err
