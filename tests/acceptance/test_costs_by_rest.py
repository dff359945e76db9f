"""Real FOCUS bills, asked for by REST: the sums of the files, to the stored digit."""

from __future__ import annotations

import csv
import os
import socket
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

import httpx
import pytest
import uvicorn

from api.app import create_app
from api.context import ApiSettings
from api.server import server_config
from collectors.billing import files
from reports.costs import Costs
from spendwatt.estate import Estate
from storage.bills import ingest
from storage.engine import Store

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("SPENDWATT_ACCEPTANCE_DATA", ROOT.parent / "shared" / "data"))
FOLDER = DATA / "billing" / "focus"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
ALL = "1970-01-01,2200-01-01"
HALF_NANO = Decimal("0.0000000005")

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"{FOLDER} is not there")


def bills() -> list[Path]:
    return sorted(FOLDER.rglob("*.csv")) if FOLDER.is_dir() else []


def sums(path: Path) -> tuple[dict[str, Decimal], int]:
    """Add up the file's own billed cost by service; give also its number of lines."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    lines = 0
    with path.open(newline="", encoding="utf-8-sig") as text:
        for line in csv.DictReader(text):
            # A line without its costs is quarantined.
            with suppress(InvalidOperation):
                billed, _ = (amount(line[name]) for name in ("BilledCost", "EffectiveCost"))
                found[line["ServiceName"]] += billed
                lines += 1
    return found, lines


def amount(text: str) -> Decimal:
    return Decimal(text.strip("$ ").replace(",", ""))


@contextmanager
def client_of(store: Store) -> Iterator[httpx.Client]:
    app = create_app(
        store, Estate(), settings=ApiSettings(), clock=lambda: NOW, reports={"costs": Costs()}
    )
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = uvicorn.Server(server_config(app))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            base = f"http://127.0.0.1:{listener.getsockname()[1]}"
            with httpx.Client(base_url=base, timeout=60) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


@pytest.mark.parametrize("path", bills(), ids=lambda path: path.name)
def test_rest_answers_the_sums_of_the_file(sqlite_store: Store, path: Path) -> None:
    expected, lines = sums(path)
    ingest(sqlite_store, files.snapshot([path], "real"), now=NOW)
    with client_of(sqlite_store) as client:
        asked = {"window": ALL, "aggregate": "service", "cost_metric": "billed_cost"}
        answer = client.get("/api/v1/costs", params=asked).json()
    told: dict[str | None, Decimal] = defaultdict(Decimal)
    for row in answer["data"]:
        told[row["service"]] += Decimal(row["billed_cost"])
    named = {name: billed for name, billed in expected.items() if name not in {"", "NULL"}}
    assert named
    for name, billed in named.items():
        assert abs(told[name] - billed) <= lines * HALF_NANO
    total = sum(Decimal(row["billed_cost"]) for row in answer["total"])
    assert total == sum(told.values())
    assert abs(total - sum(expected.values())) <= lines * HALF_NANO
