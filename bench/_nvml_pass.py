"""Times sampling passes over the GPUs of this machine; run by `bench.telemetry` in a process."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from collectors.gpu.nvml_boards import Board
from collectors.gpu.watch import Watch

PASSES = 500


def main() -> None:
    """Print CPU milliseconds of a pass, of its calls into NVML alone, and the peak RSS in MB."""
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    watch = Watch(
        host="here", step=timedelta(seconds=10), deadline=timedelta(seconds=2), clock=lambda: moment
    )
    watch.sample()
    start = time.process_time()
    for _ in range(PASSES):
        moment += timedelta(seconds=10)
        watch.sample()
    whole = time.process_time() - start
    boards = list(watch.boards.values())
    calls = _calls(boards)
    print(whole / PASSES * 1000, calls * 1000, _peak_mb())


def _peak_mb() -> float:
    # getrusage would give the parent's peak, from before this program took its place.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _calls(boards: list[Board]) -> float:
    start = time.process_time()
    for _ in range(PASSES):
        for board in boards:
            board.read(0)
    return (time.process_time() - start) / PASSES


if __name__ == "__main__":
    main()
