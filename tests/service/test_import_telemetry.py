"""`spendwatt import telemetry` and `import smi`: what comes in, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from service.cli.app import run

NOON = 1_772_366_400
HEADER = "timestamp,gpu_uuid,host,gpu_util_percent,memory_used_bytes,power_draw_watts"


@pytest.fixture
def call(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Any:
    environ = {"SPENDWATT_STORAGE__URL": f"sqlite:///{tmp_path / 'spendwatt.db'}"}

    def call(*words: str) -> tuple[int, str, str]:
        code = run(words, environ)
        out, err = capfd.readouterr()
        return code, out, err

    return call


def idle_hours(folder: Path, hours: int = 3) -> Path:
    lines = [f"{NOON + 60 * n},GPU-a,node-a,0,{20 << 30},70" for n in range(hours * 60)]
    file = folder / "fleet.csv"
    file.write_text("\n".join([HEADER, *lines]))
    return file


def test_readings_of_any_age_reach_the_reports(call: Any, tmp_path: Path) -> None:
    code, out, _ = call("import", "telemetry", str(idle_hours(tmp_path)), "--format", "json")
    assert code == 0
    assert json.loads(out)["imports"][0] == {
        "source": "fleet",
        "file": str(tmp_path / "fleet.csv"),
        "rows": 180,
        "rows_refused": {},
        "minutes": 180,
        "minutes_refused": {},
        "skipped": [],
    }
    window = ("--window", "2026-03-01,2026-03-02", "--format", "json")
    (gpu,) = json.loads(call("report", "gpus", *window)[1])["data"]
    assert (gpu["gpu_uuid"], gpu["host"]) == ("GPU-a", "node-a")
    assert (gpu["covered_seconds"], gpu["busy_seconds"]) == (10_800, 0)
    assert gpu["energy_joules"] == pytest.approx(70 * 179 * 60, rel=1e-3)
    assert gpu["energy_source_seconds"] == {"counter": 0, "integrated": 10_740, "gap": 60}
    (stretch,) = json.loads(call("report", "idle", *window)[1])["data"]
    assert (stretch["gpu_uuid"], stretch["state"]) == ("GPU-a", "idle_held")
    assert stretch["started_at"] == "2026-03-01T12:00:00Z"
    assert stretch["ended_at"] == "2026-03-01T15:00:00Z"


def test_importing_again_changes_nothing(call: Any, tmp_path: Path) -> None:
    window = ("--window", "2026-03-01,2026-03-02", "--format", "json")
    call("import", "telemetry", str(idle_hours(tmp_path)))
    before = call("report", "gpus", *window)[1]
    assert call("import", "telemetry", str(idle_hours(tmp_path)))[0] == 0
    assert call("report", "gpus", *window)[1] == before


def test_other_source_of_the_same_minutes_is_refused_and_said(call: Any, tmp_path: Path) -> None:
    file = str(idle_hours(tmp_path))
    call("import", "telemetry", file)
    words = ("import", "telemetry", file, "--source", "other", "--format", "json")
    code, out, err = call(*words)
    assert code == 1
    assert err.startswith(f"spendwatt: {file}: all 180 minutes of GPUs were refused: reported by")
    assert err.endswith('the source "fleet" already (180). Nothing was stored\n')
    (answer,) = json.loads(out)["imports"]
    assert answer["minutes"] == 0
    assert answer["minutes_refused"] == {'reported by the source "fleet" already': 180}


def test_refused_row_is_named_by_its_line(call: Any, tmp_path: Path) -> None:
    file = idle_hours(tmp_path)
    file.write_text(file.read_text() + "\nnoon,GPU-a,,,,")
    code, _, err = call("import", "telemetry", str(file))
    assert code == 0
    assert "First refused: line 182: timestamp is neither RFC 3339" in err


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        ("0001-01-01T00:00:00Z", "timestamp is from before 1970"),
        ("0001-01-01T00:00:00+14:00", "timestamp is neither RFC 3339 nor seconds since 1970"),
        ("1969-12-31T23:59:59Z", "timestamp is from before 1970"),
        ("9999-12-31T23:59:59Z", "timestamp lies in the future"),
        ("9999-12-31T23:59:59-14:00", "timestamp is neither RFC 3339 nor seconds since 1970"),
        ("2150-01-01T00:00:00Z", "timestamp lies in the future"),
        ("5680281600", "timestamp lies in the future"),
        ("-5", "timestamp is not in seconds since 1970"),
        ("-inf", "timestamp is not in seconds since 1970"),
    ],
)
def test_a_row_of_an_impossible_time_is_refused_and_harms_no_other(
    call: Any, tmp_path: Path, moment: str, reason: str
) -> None:
    file = idle_hours(tmp_path, hours=1)
    header, *rows = file.read_text().splitlines()
    file.write_text("\n".join([header, *rows[:30], f"{moment},GPU-a,node-a,0,0,70", *rows[30:]]))
    code, out, _ = call("import", "telemetry", str(file), "--format", "json")
    (answer,) = json.loads(out)["imports"]
    assert code == 0
    assert (answer["rows"], answer["rows_refused"]) == (60, {reason: 1})
    assert (answer["minutes"], answer["minutes_refused"]) == (60, {})


def test_nvidia_smi_log_is_read_in_its_hosts_zone(call: Any, tmp_path: Path) -> None:
    file = tmp_path / "smi.csv"
    rows = [f"2026/03/01 13:00:{s:02d}.000, 42 %, 100.00 W" for s in range(60)]
    file.write_text("\n".join(["timestamp, utilization.gpu [%], power.draw [W]", *rows]))
    options = ("--gpu", "GPU-x", "--host", "node-b", "--timezone", "Europe/Berlin")
    assert call("import", "smi", str(file), *options)[0] == 0
    window = "2026-03-01T12:00:00Z,2026-03-01T12:01:00Z"
    _, out, _ = call("report", "gpus", "--window", window, "--format", "json")
    (gpu,) = json.loads(out)["data"]
    assert (gpu["gpu_uuid"], gpu["host"], gpu["covered_seconds"]) == ("GPU-x", "node-b", 60)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("import", "smi", "{file}"), 1, "it is the page of `nvidia-smi -q`"),
        (("import", "telemetry", "{file}"), 1, "the header has no timestamp and no gpu_uuid"),
        (("import", "telemetry", "{file}.gone"), 1, "No such file or directory"),
        (("import", "smi", "{file}", "--timezone", "Mars/Base"), 2, "not a known time zone"),
    ],
)
def test_file_that_cannot_be_used_is_one_line_and_leaves_no_database(
    call: Any, tmp_path: Path, words: tuple[str, ...], code: int, message: str
) -> None:
    file = tmp_path / "page.txt"
    file.write_text("==============NVSMI LOG==============\n")
    got, _, err = call(*(word.format(file=file) for word in words))
    assert got == code
    assert message in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "spendwatt.db").exists()
