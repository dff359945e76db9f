"""CSV files of GPU readings: any column but two may be missing, any step, any number of GPUs."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collectors.gpu.reading_files import ReadReport
from collectors.gpu.telemetry_csv import read_telemetry_csv
from spendwatt.errors import InputError
from spendwatt.records import MinuteReading

NOON = 1_772_366_400
ALL = (
    "timestamp,gpu_uuid,host,gpu_name,gpu_util_percent,memory_used_bytes,memory_total_bytes,"
    "power_draw_watts,energy_joules"
)


def read(folder: Path, *lines: str) -> tuple[list[MinuteReading], ReadReport]:
    path = folder / "t.csv"
    path.write_text("\n".join(lines) + "\n")
    report = ReadReport(str(path))
    return list(read_telemetry_csv(path, report, host="here")), report


def test_all_columns_are_read(tmp_path: Path) -> None:
    lines = [
        f"{NOON + 15 * n},GPU-a,node-a,NVIDIA H100,40,{1 << 30},{80 << 30},300,{4_500 * n}"
        for n in range(4)
    ]
    (minute,), report = read(tmp_path, ALL, *lines)
    assert (report.rows, report.refused) == (4, {})
    assert (minute.gpu.host, minute.gpu.name) == ("node-a", "NVIDIA H100")
    assert minute.minute_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert (minute.covered_seconds, minute.util_percent_seconds) == (60, 2_400)
    assert (minute.memory_max_mib, minute.power_max_watts) == (1024, 300)
    assert minute.energy_counter_joules == pytest.approx(13_500)
    assert (minute.energy_counter_seconds, minute.energy_gap_seconds) == (45, 15)


def test_two_columns_and_one_value_are_enough(tmp_path: Path) -> None:
    lines = (
        "\ufeffGPU_UUID,Timestamp,gpu_util_percent",
        "GPU-a,2026-03-01T13:00:00+01:00,0",
        "GPU-a,2026-03-01 12:01:00,",
    )
    done, _ = read(tmp_path, *lines)
    assert [m.covered_seconds for m in done] == [60, 60]
    assert [m.util_seconds for m in done] == [60, 0]
    assert done[0].gpu.host == "here"


def test_step_is_each_gpus_own_and_longer_gaps_are_not_covered(tmp_path: Path) -> None:
    slow = [(NOON + 57 * n, "GPU-slow") for n in [0, 1, 2, 3, 6, 10]]
    fast = [(NOON + 5 * n, "GPU-fast") for n in range(10)]
    lines = [f"{at},{uuid},1" for at, uuid in sorted(slow + fast)]
    done, _ = read(tmp_path, "timestamp,gpu_uuid,gpu_util_percent", *lines)
    covered = {
        uuid: sum(m.covered_seconds for m in done if m.gpu.uuid == uuid)
        for uuid in ("GPU-slow", "GPU-fast")
    }
    assert covered == {"GPU-slow": 8 * 57, "GPU-fast": 50}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"{NOON},GPU-a,1e999", "gpu_util_percent is out of range"),
        (f"{NOON},GPU-a,nan", "gpu_util_percent is out of range"),
        (f"{NOON},,5", "gpu_uuid is empty or too long"),
        ("noon,GPU-a,5", "timestamp is neither RFC 3339 nor seconds since 1970"),
        (f"{NOON}000,GPU-a,5", "timestamp is not in seconds since 1970"),
        (f"{NOON + 1},GPU-a,x", "gpu_util_percent is not a number"),
        (f"{NOON - 5},GPU-a,5", "is not later than the row before of the same GPU"),
    ],
)
def test_bad_row_is_refused_and_harms_no_other(tmp_path: Path, line: str, reason: str) -> None:
    good = (f"{NOON - 1},GPU-a,5", f"{NOON + 9},GPU-a,5")
    done, report = read(tmp_path, "timestamp,gpu_uuid,gpu_util_percent", good[0], line, good[1])
    assert report.first_refused == (3, reason)
    assert sum(m.covered_seconds for m in done) == 20


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["time,uuid", "1,2"], "the header has no timestamp and no gpu_uuid"),
        ([""], "the file is empty"),
        (["timestamp,gpu_uuid"], "it holds no readings"),
        (["timestamp,gpu_uuid", "x,y"], "neither RFC 3339"),
    ],
)
def test_file_without_a_usable_row_is_refused(
    tmp_path: Path, lines: list[str], reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        read(tmp_path, *lines)


def test_long_file_needs_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    with path.open("w") as file:
        file.write("timestamp,gpu_uuid,gpu_util_percent\n")
        file.writelines(f"{NOON + n},GPU-a,5\n" for n in range(30_000))
    tracemalloc.start()
    minutes = sum(1 for _ in read_telemetry_csv(path, ReadReport(str(path))))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert minutes == 500
    assert peak < path.stat().st_size / 2
