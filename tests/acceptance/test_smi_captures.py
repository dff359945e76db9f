"""Every output of nvidia-smi in real captures: the logs are read, all else is refused."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from collectors.gpu.reading_files import ReadReport
from collectors.gpu.smi_log import SmiOptions, read_smi_log
from spendwatt.errors import InputError

DATA = Path(
    os.environ.get("SPENDWATT_ACCEPTANCE_DATA", Path(__file__).parents[3] / "shared" / "data")
)
CAPTURES = sorted((DATA / "gpu" / "smi_captures").glob("*.txt.gz"))
EDGE = "####"

pytestmark = pytest.mark.skipif(
    not CAPTURES, reason=f"there are no captures in {DATA / 'gpu' / 'smi_captures'}"
)


def outputs(path: Path) -> list[tuple[str, str]]:
    """Split a capture into (command, output): the command stands in a banner of `#`."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lines = file.read().splitlines()
    edges = [n for n, line in enumerate(lines) if line.startswith(EDGE)] + [len(lines)]
    found = []
    for start, end, following in zip(edges[::2], edges[1::2], edges[2::2], strict=False):
        command = next((x[4:] for x in lines[start:end] if x.startswith("# $ ")), "")
        found.append((command, "\n".join(lines[end + 1 : following])))
    return found


def is_log(command: str) -> bool:
    return "--query-gpu=" in command


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_logs_are_read_and_everything_else_is_refused_with_the_reason(
    path: Path, tmp_path: Path
) -> None:
    read, refused = [], {}
    for number, (command, output) in enumerate(outputs(path)):
        file = tmp_path / f"{number}.txt"
        file.write_text(output, encoding="utf-8")
        report = ReadReport(str(file))
        try:
            minutes = list(read_smi_log(file, report, SmiOptions()))
        except InputError as err:
            refused[command] = err
            continue
        read.append(command)
        assert report.refused == {}
        assert all(minute.gpu.uuid.startswith("GPU-") for minute in minutes)
        assert sum(minute.covered_seconds for minute in minutes) > 0
    assert read
    assert all(is_log(command) for command in read)
    assert not any(is_log(command) for command in refused)
    assert all(err.what.partition(": ")[2] and err.do for err in refused.values())


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_whole_capture_gives_the_same_logs(path: Path) -> None:
    report = ReadReport(str(path))
    minutes = list(read_smi_log(path, report, SmiOptions()))
    assert report.rows == sum(is_log(command) for command, _ in outputs(path))
    assert minutes
    assert len(report.skipped) == len(outputs(path)) - report.rows
