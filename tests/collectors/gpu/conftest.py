"""NVML is stood in for at the C boundary: a library of ours under the real pynvml."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


@pytest.fixture(scope="session")
def nvml_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the stand-in; give the folder that goes into LD_LIBRARY_PATH."""
    folder = tmp_path_factory.mktemp("nvml")
    compiler = (
        [shutil.which("cc") or ""]
        if shutil.which("cc")
        else [sys.executable, "-m", "ziglang", "cc"]
    )
    library = folder / "libnvidia-ml.so.1"
    options = ["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-pthread", "-o", str(library)]
    subprocess.run([*compiler, *options, str(HERE / "nvml_stub.c")], check=True)
    return folder


class StandIn:
    """A process that samples the stand-in's GPUs."""

    def __init__(self, folder: Path | None, state: Path, deadline: float) -> None:
        self.state = state
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "NVML_STUB_STATE": str(state)}
        if folder is not None:
            environ["LD_LIBRARY_PATH"] = str(folder)
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "nvml_driver.py"), str(deadline)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environ,
        )

    def write(self, *lines: str) -> None:
        """Change what the library answers."""
        new = self.state.with_suffix(".new")
        new.write_text("\n".join(lines) + "\n")
        new.replace(self.state)

    def sample(self, at: float, **more: Any) -> Any:
        """Sample every GPU at a moment."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"at": at, **more}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


@pytest.fixture
def stand_in(nvml_library: Path, tmp_path: Path) -> Iterator[Callable[..., StandIn]]:
    """Give a way to start a process on the stand-in, with the lines of its state."""
    started: list[StandIn] = []

    def start(*lines: str, deadline: float = 5.0, installed: bool = True) -> StandIn:
        one = StandIn(nvml_library if installed else None, tmp_path / "state", deadline)
        one.write(*lines)
        started.append(one)
        return one

    yield start
    for one in started:
        one.close()
