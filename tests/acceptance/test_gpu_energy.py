"""Energy of real nvidia-smi logs, through the whole pipeline, against their own integral."""

from __future__ import annotations

import csv
import gzip
import os
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import func, select

from collectors.gpu.reading_files import ReadReport
from collectors.gpu.smi_log import SmiOptions, read_smi_log
from storage import telemetry
from storage.engine import Store
from storage.roll_up import roll_up
from storage.tables.telemetry import gpu_day, gpu_hour, gpu_minute

DATA = Path(
    os.environ.get("SPENDWATT_ACCEPTANCE_DATA", Path(__file__).parents[3] / "shared" / "data")
)
LOGS = sorted((DATA / "gpu").glob("smi_*.csv.gz"))
NOW = datetime(2026, 3, 1, tzinfo=UTC)
POWER = ("power.draw.average [W]", "power.draw [W]")


def integral(path: Path) -> tuple[float, float]:
    """Give joules and seconds of a log: the trapezoid of its power over all of its rows."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, skipinitialspace=True))
    column = next(name for name in POWER if name in rows[0])
    points = []
    for row in rows:
        at = datetime.strptime(row["timestamp"], "%Y/%m/%d %H:%M:%S.%f").replace(tzinfo=UTC)
        points.append((at, float(row[column].removesuffix(" W"))))
    joules = sum(
        (a + b) / 2 * (later - earlier).total_seconds()
        for (earlier, a), (later, b) in pairwise(points)
    )
    return joules, (points[-1][0] - points[0][0]).total_seconds()


@pytest.mark.skipif(not LOGS, reason=f"there are no nvidia-smi logs in {DATA / 'gpu'}")
@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.name)
def test_stored_energy_is_that_of_the_log(path: Path, store: Store) -> None:
    report = ReadReport(str(path))
    minutes = read_smi_log(path, report, SmiOptions(gpu=path.name))
    saved = telemetry.save(store, path.name, minutes, now=NOW, history=True)
    assert (saved.refused, report.refused) == ({}, {})
    roll_up(store, now=NOW)
    expected, seconds = integral(path)
    with store.read() as connection:
        for table in (gpu_minute, gpu_hour, gpu_day):
            joules, covered = connection.execute(
                select(
                    func.sum(table.c.energy_integrated_joules), func.sum(table.c.covered_seconds)
                )
            ).one()
            assert float(joules) == pytest.approx(expected, rel=0.02)
            assert float(covered) == pytest.approx(seconds, abs=0.01 * seconds + 3)
