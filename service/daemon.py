"""The daemon: one process that schedules the jobs, samples, and serves REST, until told to stop."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import structlog
import uvicorn

from alerts import pipeline
from api.app import create_app
from api.auth import require_safe_bind
from api.context import ApiSettings
from api.server import server_config
from service import wiring
from service.config import Settings
from service.sampler import samplers
from service.schedule import Schedule
from service.wiring import Wired
from spendwatt.errors import ConfigError, StorageError
from storage import migrate, runs
from storage.daemon_lock import DaemonLock, daemon_lock
from storage.engine import Store

log = structlog.get_logger()

_WATCH_SECONDS = 1.0
_ANSWER_SECONDS = 3
"""How long requests in flight may take after SIGTERM."""
_SAMPLE_SECONDS = 1.0
"""How long a sampler may take to close its run; a GPU that hangs does not hold up the end."""
_JOB_SECONDS = 5.0
"""How long jobs in flight may take after that; what they had not committed is then undone."""


def serve(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; give the exit code.

    A second daemon on the same database waits until the first has ended. Raises ConfigError for an
    address that is taken or not safe, StorageError where the database is away at the start.
    """
    store = wiring.open_database(settings)
    lock = daemon_lock(store)
    with _signals() as stop:
        try:
            if not _wait_for_turn(lock, store, stop):
                return 0
            migrate.upgrade(store)
            return _run(wiring.build(settings, store), lock, stop)
        finally:
            lock.release()
            store.close()


def _wait_for_turn(lock: DaemonLock, store: Store, stop: threading.Event) -> bool:
    """Take the lock, waiting as a standby while another daemon holds it. False where stopped."""
    is_told = False
    while not stop.is_set():
        if lock.take():
            return True
        if not is_told:
            log.info("standing by", database=store.name, reason="another daemon works on it")
            is_told = True
        stop.wait(_WATCH_SECONDS)
    return False


def _run(wired: Wired, lock: DaemonLock, stop: threading.Event) -> int:
    server = wired.settings.server
    require_safe_bind(server.host, wired.store)
    listener = listen(server.host, server.port)
    with wired.store.write() as connection:
        runs.abandon(connection, wired.clock())
    pipeline.resume(wired.store, clock=wired.clock)
    schedule = Schedule(wired)
    http = _Http(wired, listener)
    sampling = samplers(wired)
    try:
        schedule.start()
        for sampler in sampling:
            sampler.start()
        http.start()
        host, port = listener.getsockname()[:2]
        log.info("serving", address=f"http://{host}:{port}", database=wired.store.name)
        return _watch(lock, http, stop)
    finally:
        log.info("stopping")
        schedule.stop()
        for sampler in sampling:
            sampler.stop()
        http.stop()
        for sampler in sampling:
            sampler.wait(_SAMPLE_SECONDS)
        if not schedule.wait(_JOB_SECONDS):
            # Its transaction is undone by the database; the next daemon marks the run abandoned.
            log.warning("stopped before all was done", jobs=sorted(schedule.running()))
            lock.release()
            os._exit(0)


def _watch(lock: DaemonLock, http: _Http, stop: threading.Event) -> int:
    while not stop.wait(_WATCH_SECONDS):
        if not http.is_alive():
            log.error("the server ended by itself")
            return 1
        if lock.is_held():
            continue
        try:
            if not lock.take():
                log.error("another daemon has taken over while the database was away")
                return 1
            log.info("database back")
        except StorageError as err:
            log.warning("database away", error=str(err))
    return 0


class _Http:
    """uvicorn in a thread of its own: signals are the daemon's."""

    def __init__(self, wired: Wired, listener: socket.socket) -> None:
        app = create_app(wired.store, wired.estate, settings=ApiSettings(), clock=wired.clock)
        config = server_config(app, shutdown_seconds=_ANSWER_SECONDS)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="http", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(_ANSWER_SECONDS + 1)


def listen(host: str, port: int) -> socket.socket:
    """Listen on an address. Raises ConfigError that says what is wrong with it."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as err:
        raise ConfigError(
            f'server.host "{host}" is no address: {err}', do="Set it to 127.0.0.1"
        ) from err
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(1_024)
    except OSError as err:
        listener.close()
        raise ConfigError(
            f"port {port} on {host} cannot be listened on: {err.strerror}",
            do="Stop what uses it, or set server.port (SPENDWATT_SERVER__PORT) to another",
        ) from err
    return listener


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """Give an event that SIGTERM and SIGINT set, while inside."""
    stop = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
