"""A process that is killed while it stores a bill leaves the old state whole, on both engines."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import func, select

from collectors.billing.files import snapshot
from storage.bills import ingest
from storage.bills.swap import FACT_TABLES
from storage.engine import Store
from storage.tables.bills import cost_daily, cost_ledger
from storage.tables.deliveries import delivery, delivery_total

DRIVER = Path(__file__).with_name("ingest_until_killed.py")
POINTS = (
    "before the texts have ids",
    "before the swap",
    "before the facts",
    "between facts and ledger",
    "before the ledger",
    "before the old facts go",
    "before the commit",
)


def state(store: Store) -> list[object]:
    """Give all that is stored of bills, texts that no fact uses aside."""
    with store.read() as connection:
        return [
            sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in (*FACT_TABLES, cost_ledger, delivery, delivery_total)
        ]


@pytest.mark.parametrize("point", POINTS)
def test_killed_ingest_leaves_the_old_state_and_the_next_one_succeeds(
    store: Store, store_url: str, write_bill, point: str
) -> None:
    old = snapshot([write_bill([{"BilledCost": "1"}, {"ServiceName": "S3"}], "old.csv")], "aws")
    ingest(store, old, now=datetime(2026, 2, 10, tzinfo=UTC))
    before = state(store)
    new = write_bill([{"BilledCost": "7", "ResourceId": f"i-{n}"} for n in range(50)], "new.csv")
    command = [sys.executable, str(DRIVER), store_url, str(new), point]
    died = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert state(store) == before
    ingest(store, snapshot([new], "aws"), now=datetime(2026, 2, 12, tzinfo=UTC))
    with store.read() as connection:
        stored = connection.scalar(select(func.sum(cost_daily.c.billed_nano)))
        told = connection.scalar(select(func.sum(cost_ledger.c.billed_nano)))
    assert Decimal(stored) == Decimal(told) == 350 * 10**9
