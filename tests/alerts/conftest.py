"""Findings to tell, channels that remember, and a web server that answers as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from alerts.message import Message
from alerts.pipeline import NotifyReport, notify
from alerts.settings import AlertSettings
from spendwatt.errors import SendError
from spendwatt.records import Finding, MoneyBasis, Severity
from storage import findings
from storage.engine import Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def make_finding() -> Callable[..., Finding]:
    """Give a way to make a finding that differs from a plain one in what is given."""

    def make(name: str = "a", kind: str = "bill_shock", **changes: Any) -> Finding:
        money = changes.pop("money", "3000")
        plain = Finding(
            kind=kind,
            labels={"service": name},
            severity=Severity.WARNING,
            title=f"Service {name} jumped",
            detail="Two new machines in us-east-1.",
            next_step=f"Ask who started {name}.",
            opened_at=NOON,
            money_at_stake=None if money is None else Decimal(money),
            money_basis=MoneyBasis.PER_DAY,
            currency="USD",
        )
        return replace(plain, **changes)

    return make


@pytest.fixture
def save_findings() -> Callable[..., None]:
    """Give a way to make some findings all that is open."""

    def save(store: Store, *present: Finding, now: datetime = NOON) -> None:
        kinds = {"bill_shock", "idle_gpu", "budget"}
        with store.write() as connection:
            findings.save(connection, kinds, present, now)

    return save


@pytest.fixture
def message() -> Message:
    """Give a plain message."""
    return Message(
        title="Service a jumped",
        severity=Severity.WARNING,
        reason="first",
        paragraphs=("Two new machines.\nIn us-east-1.", "At stake: $3,000 a day."),
        next_step="Ask who started it.",
        footer="warning · bill_shock · 0123456789abcdef",
        link="https://spend.example.org/api/v1/findings/0123456789abcdef",
        thread="fedcba9876543210",
    )


class Remembering:
    """A channel that keeps what it is sent, and fails as it is told, once for each error."""

    def __init__(self, *errors: SendError | None) -> None:
        self.errors = list(errors)
        self.messages: list[Message] = []
        self.keys: list[str] = []
        self.attempts = 0

    def send(self, message: Message, *, key: str) -> None:
        self.attempts += 1
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        self.messages.append(message)
        self.keys.append(key)

    def check(self) -> None:
        pass

    @property
    def told(self) -> list[str]:
        return [message.reason for message in self.messages]


@pytest.fixture
def remembering() -> type[Remembering]:
    """Give the class of channels that remember."""
    return Remembering


@dataclass
class Answer:
    """What the web server answers once; `hangs` makes it wait until the test is over."""

    status: int = 200
    body: str = "ok"
    headers: dict[str, str] = field(default_factory=dict)
    hangs: bool = False


class WebServer(ThreadingHTTPServer):
    """Answers each POST with the next answer, the last one again and again, and keeps the posts."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = [Answer()]
        self.posts: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.over = threading.Event()

    @property
    def keys(self) -> list[str | None]:
        return [headers.get("idempotency-key") for headers in self.headers]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/services/T0/B0/secret"

    def answer(self, *answers: Answer) -> None:
        self.answers = list(answers)


class _Handler(BaseHTTPRequestHandler):
    server: WebServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append(json.loads(body))
        self.server.bodies.append(body)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.headers.append(headers)
        answers = self.server.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer.hangs:
            self.server.over.wait()
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body.encode())

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def web_server() -> Iterator[WebServer]:
    """Give a web server on loopback that says `ok` until told otherwise."""
    with WebServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def answer() -> type[Answer]:
    """Give the class of the web server's answers."""
    return Answer


SETTINGS = AlertSettings(
    send_deadline=timedelta(seconds=2), group_by={"idle_gpu": ("host", "owner")}
)


class House:
    """A store, a clock that stands still, and the pipeline with its waits counted, not waited."""

    def __init__(self, store: Store, clock: Any) -> None:
        self.store = store
        self.clock = clock
        self.slept: list[float] = []

    def notify(self, routes: Any = (), **channels: Any) -> NotifyReport:
        return notify(
            self.store,
            channels,
            routes,
            clock=self.clock,
            settings=SETTINGS,
            sleep=self.slept.append,
            jitter=lambda: 1.0,
        )


@pytest.fixture
def alert_settings() -> AlertSettings:
    """Give the settings by which the house tells."""
    return SETTINGS


@pytest.fixture
def house(store: Store, clock: Any) -> House:
    return House(store, clock)


@pytest.fixture
def small_house(sqlite_store: Store, clock: Any) -> House:
    return House(sqlite_store, clock)
