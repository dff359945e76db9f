"""A daemon in a process of its own, as users run it."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

SPENDWATT = Path(sys.executable).parent / "spendwatt"
PATIENCE = 60.0


class Daemon:
    """`spendwatt serve` in a folder, with its log read as it comes."""

    def __init__(self, folder: Path, config: str = "", **environ: str) -> None:
        (folder / "spendwatt.toml").write_text(config, encoding="utf-8")
        self.process = subprocess.Popen(
            [SPENDWATT, "serve"],
            cwd=folder,
            env={**os.environ, "SPENDWATT_SERVER__PORT": "0", **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.log: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line)
            self._lines.put(line)
        self._lines.put(None)

    def event(self, name: str, **facts: Any) -> dict[str, Any]:
        """Wait for an event of the log whose facts are these, and give it."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                line = self._lines.get(timeout=max(until - time.monotonic(), 0.01))
            except queue.Empty:
                line = None
            assert line is not None, f'no "{name}" in:\n{"".join(self.log)}'
            found = json.loads(line) if line.startswith("{") else {"event": line}
            if found["event"] == name and facts.items() <= found.items():
                return dict(found)

    def address(self) -> str:
        """Wait until it serves, and give its address."""
        return str(self.event("serving")["address"])

    def stop(self) -> int:
        """Ask it to end, and give its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """End it without a word."""
        self.process.kill()
        self.process.wait(PATIENCE)


StartDaemon = Callable[..., Daemon]


@pytest.fixture
def start_daemon(tmp_path: Path) -> Iterator[StartDaemon]:
    """Give a way to start daemons; all are ended after the test."""
    started: list[Daemon] = []

    def start(config: str = "", *, folder: Path = tmp_path, **environ: str) -> Daemon:
        started.append(Daemon(folder, config, **environ))
        return started[-1]

    yield start
    for daemon in started:
        daemon.kill()
        for stream in (daemon.process.stdout, daemon.process.stderr):
            if stream is not None:
                stream.close()


def eventually(true: Callable[[], bool]) -> bool:
    """Wait until something becomes true; False where it does not within a minute."""
    until = time.monotonic() + PATIENCE
    tick = threading.Event()
    while time.monotonic() < until:
        if true():
            return True
        tick.wait(0.1)
    return False


def status(address: str, path: str) -> int:
    """Ask an address, and give the status of its answer; 0 where there is none."""
    try:
        return httpx.get(f"{address}{path}", timeout=20).status_code
    except httpx.HTTPError:
        return 0


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], bool]:
    """Give a way to wait for something."""
    return eventually


@pytest.fixture
def ask() -> Callable[[str, str], int]:
    """Give a way to ask an address for a status."""
    return status
