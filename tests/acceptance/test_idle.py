"""Idleness on a real trace of GPU pods, read in as its owner would: as CSV, through the store."""

import csv
import gzip
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collectors.gpu.reading_files import ReadReport
from collectors.gpu.telemetry_csv import read_telemetry_csv
from reports.contract import run_report
from service import idle
from spendwatt.estate import Estate
from storage import telemetry
from storage.engine import Store

DATA = Path(
    os.environ.get("SPENDWATT_ACCEPTANCE_DATA", Path(__file__).parents[3] / "shared" / "data")
)
STEP = 57
"""Seconds of the trace's clock between two samples that are a true minute apart."""
QUIET_PERCENT = 5.0
LONG_SECONDS = 3600

Spans = Mapping[str, Sequence[tuple[float, float]]]


@dataclass(frozen=True)
class Trace:
    samples: Mapping[str, list[tuple[int, float]]]
    """Pod -> (moment, utilization) where it is known."""
    listed: Mapping[str, list[tuple[int, int]]]
    """Pod -> the stretches that are listed as idle."""
    rows: list[dict[str, str]]


@pytest.fixture(scope="module")
def trace() -> Trace:
    """Read the trace and its list of idle stretches from the folder `gpu`."""
    pods = sorted((DATA / "gpu").glob("*_pod_gpu.csv.gz"))
    lists = sorted((DATA / "gpu").glob("*_idle_stretches.csv"))
    if not pods or not lists:
        pytest.skip(f"no pod trace with idle stretches in {DATA / 'gpu'}")
    with gzip.open(pods[0], "rt") as file:
        rows = list(csv.DictReader(file))
    rows.sort(key=lambda row: int(row["ts"]))
    samples, listed = defaultdict(list), defaultdict(list)
    for row in rows:
        if row["gpu_util_pct"]:
            samples[row["pod"]].append((int(row["ts"]), float(row["gpu_util_pct"])))
    with lists[0].open() as file:
        for row in csv.DictReader(file):
            listed[row["pod"]].append((int(row["start_ts"]), int(row["end_ts"]) + STEP))
    return Trace(samples, listed, rows)


@dataclass(frozen=True)
class Clock:
    """How the trace's moments are told to Spendwatt, and back."""

    origin: int
    scale: float

    def told(self, ts: int) -> float:
        return self.origin + (ts - self.origin) * self.scale

    def traced(self, moment: datetime) -> float:
        return self.origin + (moment.timestamp() - self.origin) / self.scale


def write_csv(path: Path, trace: Trace, clock: Clock) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["timestamp", "gpu_uuid", "gpu_util_percent", "memory_used_bytes"])
        for row in trace.rows:
            moment = round(clock.told(int(row["ts"])), 3)
            writer.writerow([moment, row["pod"], row["gpu_util_pct"], row["gpu_mem_used_bytes"]])


def told_idle(store: Store, path: Path, clock: Clock) -> Spans:
    """Import the file, and give what the report `idle` says, in the trace's own time."""
    minutes = read_telemetry_csv(path, ReadReport(str(path)))
    now = datetime(2030, 1, 1, tzinfo=UTC)
    saved = telemetry.save(store, "trace", minutes, now=now, history=True)
    assert saved.saved > 0
    assert saved.refused == {}
    idle.refresh(store)
    start = datetime.fromtimestamp(clock.origin, UTC) - timedelta(days=1)
    window = f"{start.isoformat()},{(start + timedelta(days=4)).isoformat()}"
    table = run_report("idle", {"window": window, "limit": "100000"}, store, Estate(), now)
    spans = defaultdict(list)
    for row in table.rows:
        assert row["state"] in {"idle_held", "idle_empty"}
        spans[row["gpu_uuid"]].append(
            (clock.traced(row["started_at"]), clock.traced(row["ended_at"]))
        )
    return spans


def inside(trace: Trace, spans: Spans, *, at_least: int = 0) -> float:
    """Give the share of the listed stretches' seconds that lie in the spans."""
    listed = covered = 0.0
    for pod, stretches in trace.listed.items():
        for start, end in stretches:
            if end - start >= at_least:
                listed += end - start
                covered += sum(max(0, min(end, b) - max(start, a)) for a, b in spans.get(pod, ()))
    return covered / listed


def quiet(trace: Trace, spans: Spans) -> float:
    """Give the share of the samples in the spans that are under 5 %."""
    utils = [
        util
        for pod, samples in trace.samples.items()
        for ts, util in samples
        if any(start <= ts < end for start, end in spans.get(pod, ()))
    ]
    return sum(util < QUIET_PERCENT for util in utils) / len(utils)


@pytest.mark.parametrize("scale", [1.0, 60 / STEP], ids=["as it stands", "in true time"])
def test_listed_stretches_are_found_and_what_is_found_is_quiet(
    trace: Trace, sqlite_store: Store, tmp_path: Path, scale: float
) -> None:
    clock = Clock(int(trace.rows[0]["ts"]) // 60 * 60, scale)
    path = tmp_path / "trace.csv"
    write_csv(path, trace, clock)
    spans = told_idle(sqlite_store, path, clock)
    found = inside(trace, spans), inside(trace, spans, at_least=LONG_SECONDS), quiet(trace, spans)
    print(f"inside {found[0]:.2%}, of the long {found[1]:.2%}, quiet {found[2]:.2%}")  # noqa: T201
    assert found[0] >= 0.91
    assert found[1] >= 0.96
    assert found[2] >= 0.93
