"""A report's answer: typed columns, rows, totals. The CLI, REST, CSV and the page all show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from spendwatt.clock import rfc3339
from spendwatt.money import amount_text
from spendwatt.window import Window


class DataStatus(StrEnum):
    """How far the figures of an answer can be relied on."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    """Some of the window is not delivered yet."""
    ESTIMATED = "estimated"
    """Some figure rests on an assumption that the notes name."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column's name, what kind of value it holds, its unit, and one sentence about it."""

    name: str
    kind: str
    """`text`, `money`, `number`, `integer`, `time`, `day`, `boolean` or `object`."""
    help: str
    unit: str | None = None
    """A unit, or the name of the column that holds the currency."""


@dataclass(frozen=True, slots=True)
class Table:
    """The answer to a query. Rows map every column's name to a value; missing is None."""

    columns: tuple[Column, ...]
    rows: Sequence[Mapping[str, Any]]
    total: Sequence[Mapping[str, Any]] = ()
    """Over all rows, also those beyond the page; one entry per currency."""
    total_rows: int = 0
    """Number of rows before `limit` and `offset`."""
    status: DataStatus = DataStatus.COMPLETE
    notes: tuple[str, ...] = field(default=())
    """What the reader should know: what is missing, assumed or converted."""
    window: Window | None = None
    """The span that the figures cover, where the report has one."""
    asked: tuple[str, ...] = ()
    """Columns that were asked for by name: they are shown also where no row fills them."""


def jsonable(value: Any) -> Any:
    """Make a value ready for JSON: exact decimals and moments become text, sets sorted lists."""
    if isinstance(value, Decimal):
        return amount_text(value)
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = [jsonable(item) for item in value]
        return sorted(items) if isinstance(value, set | frozenset) else items
    return value
