"""Logs of nvidia-smi in every form that its users write; all else is refused with the reason."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from collectors.gpu.reading_files import ReadReport
from collectors.gpu.smi_log import SmiOptions, read_smi_log
from spendwatt.errors import InputError
from spendwatt.records import MinuteReading

HEADER = (
    "timestamp, uuid, name, utilization.gpu [%], memory.used [MiB], memory.total [MiB], "
    "power.draw [W], enforced.power.limit [W], temperature.gpu, clocks.sm [MHz], "
    "clocks_event_reasons.active"
)


def row(second: int, uuid: str = "GPU-a", watts: str = "100.00 W", util: str = "50 %") -> str:
    return (
        f"2026/03/01 12:00:{second:02d}.000, {uuid}, NVIDIA H100, {util}, 2048 MiB, 81559 MiB, "
        f"{watts}, 700.00 W, 41, 1980 MHz, 0x0000000000000004"
    )


def read(
    path: Path, *lines: str, options: SmiOptions | None = None
) -> tuple[list[MinuteReading], ReadReport]:
    path = path / "smi.csv"
    path.write_text("\n".join(lines) + "\n")
    report = ReadReport(str(path))
    return list(read_smi_log(path, report, options or SmiOptions())), report


def test_log_with_units_in_its_cells_is_read(tmp_path: Path) -> None:
    (minute,), report = read(tmp_path, HEADER, row(0), row(10), row(20))
    assert report.rows == 3
    assert (minute.gpu.uuid, minute.gpu.name) == ("GPU-a", "NVIDIA H100")
    assert minute.gpu.memory_total_bytes == 81559 << 20
    assert minute.gpu.power_limit_watts == 700
    assert minute.minute_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert (minute.covered_seconds, minute.util_percent_seconds) == (30, 1_500)
    assert minute.energy_integrated_joules == pytest.approx(2_000)
    assert (minute.memory_max_mib, minute.sm_clock_max_mhz) == (2048, 1980)
    assert (minute.clocks_event_reasons, minute.temperature_max_celsius) == (4, 41)


def test_log_without_units_is_the_same_log(tmp_path: Path) -> None:
    bare = [
        line.replace(" %", "").replace(" MiB", "").replace(" W", "") for line in (row(0), row(10))
    ]
    with_units, _ = read(tmp_path, HEADER, row(0), row(10))
    without, _ = read(tmp_path, HEADER, *bare)
    no_header_units, _ = read(
        tmp_path, ",".join(part.partition(" [")[0] for part in HEADER.split(", ")), *bare
    )
    assert with_units == without == no_header_units


def test_unknown_values_stay_unknown(tmp_path: Path) -> None:
    lines = [row(0, util="[N/A]", watts="[Unknown Error]"), row(10, util="[N/A]", watts="ERR!")]
    (minute,), report = read(tmp_path, HEADER, *lines)
    assert report.refused == {}
    assert (minute.util_seconds, minute.util_max_percent) == (0, None)
    assert minute.energy_gap_seconds == 20


def test_average_power_is_preferred_where_it_is_known(tmp_path: Path) -> None:
    header = "timestamp, uuid, power.draw [W], power.draw.average [W], power.draw.instant [W]"
    lines = [
        "2026/03/01 12:00:00.000, GPU-a, 100, 110, 190",
        "2026/03/01 12:00:10.000, GPU-a, 100, [N/A], 190",
    ]
    (minute,), _ = read(tmp_path, header, *lines)
    assert minute.energy_integrated_joules == pytest.approx((110 + 100) / 2 * 10)


def test_several_gpus_of_one_log_are_kept_apart(tmp_path: Path) -> None:
    lines = [row(s, uuid) for s in (0, 10) for uuid in ("GPU-a", "GPU-b")]
    done, _ = read(tmp_path, HEADER, *lines)
    assert [(m.gpu.uuid, m.covered_seconds) for m in done] == [("GPU-a", 20), ("GPU-b", 20)]


def test_log_without_uuid_needs_to_be_told_which_gpu_it_is_of(tmp_path: Path) -> None:
    lines = (
        "timestamp, power.draw [W]",
        "2026/03/01 12:00:00.000, 90",
        "2026/03/01 12:00:01.000, 90",
    )
    with pytest.raises(InputError, match=r"does not say which GPU.*Give --gpu UUID"):
        read(tmp_path, *lines)
    (minute,), _ = read(tmp_path, *lines, options=SmiOptions(gpu="GPU-x", host="node-b"))
    assert (minute.gpu.uuid, minute.gpu.host) == ("GPU-x", "node-b")


def test_two_gpus_are_not_summed_under_one_name(tmp_path: Path) -> None:
    lines = ["timestamp, index, power.draw [W]"]
    lines += [f"2026/03/01 12:00:{s:02d}.000, {i}, 90" for s in (0, 1, 2) for i in (0, 1)]
    done, report = read(tmp_path, *lines, options=SmiOptions(gpu="GPU-x"))
    assert report.refused == {"is of another GPU than the first row, and --gpu names one": 3}
    assert [m.covered_seconds for m in done] == [3]


def test_times_are_of_the_hosts_zone_also_when_an_hour_comes_twice(tmp_path: Path) -> None:
    lines = ["timestamp, power.draw [W]"]
    lines += [f"2026/10/25 02:{m:02d}:00.000, 60" for m in range(60)] * 2
    berlin = SmiOptions(gpu="GPU-x", zone=ZoneInfo("Europe/Berlin"))
    done, report = read(tmp_path, *lines, options=berlin)
    assert report.refused == {}
    assert len(done) == 120
    assert done[0].minute_at == datetime(2026, 10, 25, 0, tzinfo=UTC)
    assert done[-1].minute_at == datetime(2026, 10, 25, 1, 59, tzinfo=UTC)


def test_restarted_log_may_repeat_its_header(tmp_path: Path) -> None:
    done, report = read(tmp_path, HEADER, row(0), HEADER, row(10))
    assert report.rows == 2
    assert done[0].covered_seconds == 20


def test_short_stall_of_a_fast_log_is_no_gap(tmp_path: Path) -> None:
    lines = ["timestamp, uuid, power.draw [W]"]
    moments = [n * 10 for n in range(50)] + [2_000 + n * 10 for n in range(50)]
    lines += [f"2026/03/01 12:00:{ms // 1000:02d}.{ms % 1000:03d}, GPU-a, 100" for ms in moments]
    (minute,), _ = read(tmp_path, *lines)
    assert minute.energy_integrated_joules == pytest.approx(249)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row(10)[:60], "has 6 cells, its header 11"),
        (row(10, watts="nan"), "power.draw is out of range"),
        (row(10, watts="-3 W"), "power.draw is out of range"),
        (row(10, util="101 %"), "utilization.gpu is out of range"),
        (row(10, util="7 W"), "utilization.gpu has an unknown unit"),
        (row(0), "is not later than the row before of the same GPU"),
        (
            row(10).replace("2026/03/01", "yesterday"),
            "timestamp is not of the form 2023/07/30 17:28:02.589",
        ),
    ],
)
def test_bad_row_is_refused_with_its_line_and_harms_no_other(
    tmp_path: Path, bad: str, reason: str
) -> None:
    _, report = read(tmp_path, HEADER, row(0), bad, row(20))
    assert report.rows == 2
    assert report.first_refused == (3, reason)


@pytest.mark.parametrize(
    ("first_lines", "reason"),
    [
        ("\n==============NVSMI LOG==============\n\nTimestamp : x", "nvidia-smi -q"),
        ("# gpu    pwr  gtemp\n# Idx      W      C", "nvidia-smi dmon"),
        ("# gpu         pid   type     sm\n    0  1 C", "nvidia-smi pmon"),
        ("Tue Jul 14 09:00:26 2026\n+-----+", "table that `nvidia-smi` shows"),
        ("NVIDIA System Management Interface -- v590", "page of help"),
        ("timestamp, gpu_uuid, pid, process_name, used_gpu_memory [MiB]", "list of processes"),
        ("2026/03/01 12:00:00.000, GPU-a, 50 %", "has no header"),
        ("uuid, power.draw [W]", "no column timestamp"),
        ("timestamp, uuid, fan.speed [%]", "neither utilization nor memory nor power"),
        ("GPU 0: NVIDIA H100 (UUID: GPU-a)", "list of GPUs"),
        ("hello", "not a log of readings"),
        (HEADER, "it holds no readings"),
        ("", "it holds no readings"),
    ],
)
def test_every_other_output_is_refused_with_the_reason(
    tmp_path: Path, first_lines: str, reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        read(tmp_path, *first_lines.split("\n"))


def test_capture_of_many_outputs_gives_its_logs(tmp_path: Path) -> None:
    edge = "#" * 40
    lines = [edge, "# idle :: dmon", edge, "# gpu pwr", " 0 36", "", edge, "# idle :: query-gpu"]
    done, report = read(tmp_path, *lines, edge, HEADER, row(0), row(10))
    assert len(done) == 1
    assert report.skipped == [
        "idle :: dmon: it is the output of `nvidia-smi dmon`, which has no time"
    ]
    with pytest.raises(InputError, match="it holds no log of readings"):
        read(tmp_path, *lines[:5])


def test_compressed_file_that_ends_early_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress("\n".join([HEADER, *(row(s) for s in range(60))]).encode())
    path = tmp_path / "smi.csv.gz"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="ends early or is damaged"):
        list(read_smi_log(path, ReadReport(str(path)), SmiOptions()))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff\xfe\x00h\x00e", "not text"),
        ("timestamp, name, h\xe4h".encode("latin-1"), "not UTF-8"),
        (b"x" * (2 << 20), "longer than"),
    ],
)
def test_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "smi.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=reason):
        list(read_smi_log(path, ReadReport(str(path)), SmiOptions()))
