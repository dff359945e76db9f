"""Stores bills exactly: aggregates a delivery in a child process, then swaps each period in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from sqlalchemy import select, update

from spendwatt.records import SNAPSHOT, Delivery
from storage.aggregation.facts import TABLES
from storage.bills import dimensions, quality
from storage.bills.staging import Period, Staging
from storage.bills.swap import Arriving, swap_in
from storage.engine import Store
from storage.tables.deliveries import delivery as delivery_table
from storage.tables.deliveries import source


def _silent(_step: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How a delivery is brought in."""

    memory_limit: str = "256MB"
    """What DuckDB may use in the child process; beyond it, it spills to temporary files."""
    threads: int = 2
    assumed_lag: timedelta = timedelta(days=2)
    """When imported history is taken to have been known: this long after each usage day began."""
    temporary_folder: Path | None = None
    """Where staging files lie; None: the system's."""
    on_step: Callable[[str], None] = _silent
    """Told what is being done, for people who wait."""


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of one source, billing period and currency."""

    source: str
    billing_period: date
    billing_currency: str
    rows: int
    """Line items stored."""
    quarantined: int
    """Line items left out of the whole period, told with its first currency only."""
    billed_cost: Decimal
    effective_cost: Decimal
    changed: bool
    """False where the same content was stored already."""


def ingest(
    store: Store,
    delivery: Delivery,
    *,
    now: datetime,
    options: IngestOptions = IngestOptions(),
) -> list[Ingested]:
    """Store a delivery: each billing period replaces what its source had stored of it.

    Periods are swapped one by one, each whole or not at all. Raises InputError for files that
    cannot be used or have too many unreadable rows, MoneyError, StorageError.
    """
    staging = Staging(
        memory_limit=options.memory_limit,
        threads=options.threads,
        folder=options.temporary_folder,
    )
    with staging:
        options.on_step("reading the files")
        read = quality.assigned(staging.read(delivery))
        arriving = Arriving(
            delivery=delivery,
            received_at=delivery.received_at or now,
            now=now,
            assumed_lag=options.assumed_lag,
            examples=read.examples,
        )
        quality.judge(store, arriving, read)
        options.on_step("numbering texts")
        dimensions.resolve(store, staging.folder, TABLES)
        periods = staging.facts(read)
        found: list[Ingested] = []
        for period in periods:
            options.on_step(f"storing {period.start:%Y-%m}")
            found += _ingested(delivery.source, period, swap_in(store, staging, period, arriving))
    if delivery.billing_period is None:
        _close_snapshot(store, delivery, [period.start for period in periods], now)
    return found


def known(store: Store, source_name: str) -> dict[str, str]:
    """Give the fingerprint of each stored period (`YYYY-MM`), and under SNAPSHOT the whole's."""
    with store.read() as connection:
        current = select(delivery_table.c.billing_period, delivery_table.c.fingerprint).where(
            delivery_table.c.source == source_name, delivery_table.c.state == "current"
        )
        found = {f"{period:%Y-%m}": mark for period, mark in connection.execute(current)}
        snapshot = connection.scalar(select(source.c.snapshot).where(source.c.name == source_name))
    return found if snapshot is None else {**found, SNAPSHOT: snapshot}


def _ingested(source_name: str, period: Period, changed: bool) -> list[Ingested]:
    return [
        Ingested(
            source=source_name,
            billing_period=period.start,
            billing_currency=total.currency,
            rows=total.rows,
            quarantined=period.quarantined if place == 0 else 0,
            billed_cost=total.billed_cost,
            effective_cost=total.effective_cost,
            changed=changed,
        )
        for place, total in enumerate(period.totals)
    ]


def _close_snapshot(store: Store, delivery: Delivery, held: list[date], now: datetime) -> None:
    """Note the snapshot as seen whole, and the periods that it lacks: they are kept."""
    with store.write() as connection:
        connection.execute(
            update(source)
            .where(source.c.name == delivery.source)
            .values(snapshot=delivery.fingerprint)
        )
        connection.execute(
            update(delivery_table)
            .where(
                delivery_table.c.source == delivery.source,
                delivery_table.c.state == "current",
                delivery_table.c.billing_period.not_in(held),
                delivery_table.c.absent_since.is_(None),
            )
            .values(absent_since=now)
        )
