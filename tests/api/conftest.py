"""A real server on loopback, a small report of the tests' own, and tokens of every role."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.context import ApiSettings
from api.server import server_config
from reports.contract import ACCUMULATE, COST_METRIC, Report, page
from reports.options import Option
from spendwatt.estate import Estate
from spendwatt.query import Query
from spendwatt.table import Column, DataStatus, Table
from storage import migrate, tokens
from storage.engine import Store, open_store
from storage.tokens import Role

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROWS = [
    {"service": "=SUM(A1)", "billing_currency": "USD", "billed_cost": Decimal("-1.50")},
    {"service": "Zürich", "billing_currency": "EUR", "billed_cost": Decimal("10.00")},
    {"service": None, "billing_currency": "USD", "billed_cost": Decimal("1E+3")},
]


class Prices(Report):
    """A report that always answers the same three rows."""

    summary = "What do three things cost?"
    columns = (
        Column("service", "text", "The thing."),
        Column("billing_currency", "text", "Its currency."),
        Column("billed_cost", "money", "What it cost.", "billing_currency"),
    )
    aggregates = ("service", "label")
    filters = ("service", "label", "tag")
    options = (
        COST_METRIC,
        ACCUMULATE,
        Option("size", "text", "How big.", "big", choices=("big", "small")),
        Option("since", "day", "From when.", "2026-02-01"),
        Option("at", "moment", "When.", "2026-02-01T00:00:00Z"),
        Option("rate", "decimal", "How much.", "1.5", minimum=0, maximum=10),
    )
    default_window = "month"

    def run(self, query: Query, store: Store, estate: Estate) -> Table:
        return Table(
            columns=self.columns,
            rows=page(ROWS, query, "-billed_cost"),
            total=({"billing_currency": "USD", "billed_cost": Decimal("998.5")},),
            total_rows=len(ROWS),
            status=DataStatus.INCOMPLETE,
            notes=("Tomorrow is missing.",),
        )


class Broken(Report):
    """A report with a fault of ours in it."""

    summary = "What if we made a mistake?"
    columns = (Column("n", "integer", "A number."),)

    def run(self, query: Query, store: Store, estate: Estate) -> Table:
        raise RuntimeError("the password is hunter2")


Serve = Callable[..., httpx.Client]


@contextmanager
def running(app) -> Iterator[str]:
    """Serve an application on a free port of loopback; connections queue until it is up."""
    # Named TCP, so that asyncio sends each answer at once instead of waiting for more of it.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = uvicorn.Server(server_config(app))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Give a way to serve a store and get a client for it."""
    with ExitStack() as stack:

        def start(store: Store, **settings) -> httpx.Client:
            base = stack.enter_context(running(app_for(store, **settings)))
            return stack.enter_context(httpx.Client(base_url=base, timeout=30))

        yield start


def app_for(
    store: Store,
    *,
    reports: Mapping[str, Report] | None = None,
    settings: ApiSettings | None = None,
    clock: Callable[[], datetime] = lambda: NOW,
) -> FastAPI:
    """Make an application, by default with the tests' own reports."""
    return create_app(
        store,
        Estate(),
        settings=settings or ApiSettings(),
        clock=clock,
        reports={"prices": Prices(), "broken": Broken()} if reports is None else reports,
    )


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Give a client of one server that all tests share: an empty SQLite store, no tokens."""
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('api') / 'test.db'}")
    migrate.upgrade(store)
    with running(app_for(store)) as base, httpx.Client(base_url=base, timeout=30) as client:
        yield client
    store.close()


def make_token(store: Store, role: Role, name: str | None = None) -> dict[str, str]:
    """Make a token; give the header that carries it."""
    with store.write() as connection:
        made = tokens.create(connection, name or f"test {role.value}", role, NOW)
    return {"Authorization": f"Bearer {made.secret}"}


@pytest.fixture(name="app_for")
def _app_for() -> Callable[..., FastAPI]:
    """Give a way to make an application without serving it."""
    return app_for


@pytest.fixture(name="make_token")
def _make_token() -> Callable[..., dict[str, str]]:
    """Give a way to make a token; it answers the header that carries it."""
    return make_token


@pytest.fixture(name="running")
def _running() -> Callable[..., AbstractContextManager[str]]:
    """Give a way to serve for a while; when it ends, all that an answer left to do is done."""
    return running


@pytest.fixture
def prices() -> Prices:
    """Give the report of the tests' own."""
    return Prices()
