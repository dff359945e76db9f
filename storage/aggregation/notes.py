"""Counts what a reader of a delivery should know: what is missing, stood in for, rounded."""

# ruff: noqa: S608 - the SQL is built from our own constants; texts from outside are quoted

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb

from spendwatt import focus
from spendwatt.currencies import is_iso
from storage.aggregation.reading import EARLY, UNREADABLE

_COUNTS: tuple[tuple[str, str, str], ...] = (
    ("ProviderName", "known(ProviderName) IS NULL", "names no provider: taken as `unknown`"),
    ("BillingAccountId", "known(BillingAccountId) IS NULL", "names no account: `unknown`"),
    ("ServiceName", "known(ServiceName) IS NULL", "names no service: taken as `unknown`"),
    ("ServiceCategory", "known(ServiceCategory) IS NULL", "names no category: `unknown`"),
    ("ChargeCategory", "known(ChargeCategory) IS NULL", "names no charge category: `unknown`"),
    ("Tags", "canonical_tags(Tags) IS NULL", "has tags that are not readable: taken as none"),
    (
        focus.CHARGE_PERIOD_END,
        f"charge_end = {EARLY}",
        "ends at or before it starts; counted on the day it starts",
    ),
    (
        focus.CHARGE_PERIOD_END,
        f"charge_end = {UNREADABLE}",
        "has an end that is not a time; counted on the day it starts",
    ),
    (
        focus.BILLING_PERIOD_END,
        f"billing_end = {EARLY}",
        "has a billing period that ends at or before it starts; counted in the month it starts",
    ),
    (
        focus.BILLING_PERIOD_END,
        f"billing_end = {UNREADABLE}",
        "has a billing period whose end is not a time; counted in the month it starts",
    ),
)
"""(column, SQL over the groups, what a line item does for which that holds)"""

_FEW = """
SELECT period, ProviderName, BillingAccountId, ServiceName, ServiceCategory, ChargeCategory, Tags,
    BillingCurrency, charge_end, billing_end,
    sum(line_items) AS line_items, sum(with_list) AS with_list,
    sum(with_contracted) AS with_contracted, sum(rounded) AS rounded
FROM groups WHERE fault IS NULL GROUP BY ALL
"""
"""The groups, less what no note is about: texts are judged on far fewer rows."""


def notes(db: duckdb.DuckDBPyConnection, columns_read: set[str]) -> Iterator[dict[str, Any]]:
    """Give each note: period (None for all), column, line items, sentence."""
    yield from _stand_ins(columns_read)
    counts = [(column, f"sum(line_items) FILTER ({sql})", says) for column, sql, says in _COUNTS]
    counts += [
        ("ListCost", "sum(line_items - with_list)", "has no list cost: left out of list totals"),
        (
            "ContractedCost",
            "sum(line_items - with_contracted)",
            "has no contracted cost: left out of contracted totals",
        ),
        ("", "sum(rounded)", "has a cost of more than 21 decimals: rounded half to even"),
    ]
    columns = ", ".join(sql for _, sql, _ in counts)
    found = db.execute(f"SELECT period, {columns} FROM ({_FEW}) GROUP BY period ORDER BY period")
    for period, *numbers in found.fetchall():
        for (column, _, says), rows in zip(counts, numbers, strict=True):
            if rows:
                yield _note(f"A line item {says}", column, period, int(rows))
    yield from _currencies(db)


def _stand_ins(columns_read: set[str]) -> Iterator[dict[str, Any]]:
    pairs = ((focus.BILLED_COST, focus.EFFECTIVE_COST), (focus.EFFECTIVE_COST, focus.BILLED_COST))
    for column, other in pairs:
        if column not in columns_read:
            yield _note(f"A file has no {column}: {other} stands for it (estimated)", column)


def _currencies(db: duckdb.DuckDBPyConnection) -> Iterator[dict[str, Any]]:
    named = db.execute(
        "SELECT period, currency, sum(line_items) FROM good GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    for period, currency, rows in named:
        if not is_iso(currency):
            says = f'"{currency}" is no ISO 4217 currency: it cannot be converted'
            yield _note(says, "BillingCurrency", period, int(rows))
    missing = db.execute(
        f"SELECT period, sum(line_items) FROM ({_FEW}) "
        "WHERE known(BillingCurrency) IS NULL GROUP BY period ORDER BY period"
    ).fetchall()
    for period, rows in missing:
        says = "A line item names no currency: the given one is taken, or XXX"
        yield _note(says, "BillingCurrency", period, int(rows))


def _note(
    note: str, column: str = "", period: object = None, rows: int | None = None
) -> dict[str, Any]:
    known = None if period is None else str(period)
    return {"period": known, "column": column, "rows": rows, "note": note}
