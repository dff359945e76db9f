"""Writes a report's answer as JSON and as CSV: the same bytes for REST and the CLI."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import orjson

from spendwatt.table import Column, Table, jsonable
from spendwatt.window import Window

# A spreadsheet runs a cell that begins with one of these as a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_TEXT_KINDS = {"text", "object"}


def table_json(table: Table) -> bytes:
    """Write an answer as JSON. Money is a decimal string; what is missing is null."""
    answer = {
        "window": None if table.window is None else _window(table.window),
        "status": table.status.value,
        "notes": table.notes,
        "columns": [column_brief(column) for column in table.columns],
        "data": table.rows,
        "total": table.total,
        "total_rows": table.total_rows,
    }
    return to_json(answer)


def to_json(value: Any) -> bytes:
    """Write values as JSON, in one pass: exact decimals become strings, moments RFC 3339."""
    # Moments go through `_plain`, so that every answer writes them the same way.
    return orjson.dumps(value, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME)


def column_brief(column: Column) -> dict[str, str | None]:
    """Describe a column as each answer does: what it means stands in the catalogue."""
    return {"name": column.name, "kind": column.kind, "unit": column.unit}


def column_json(column: Column) -> dict[str, str | None]:
    """Describe a column: name, kind of value, unit, one sentence."""
    return {**column_brief(column), "help": column.help}


def table_csv(table: Table) -> str:
    """Write the rows of an answer as CSV (RFC 4180), safe to open in a spreadsheet.

    A text cell that would start a formula gets a leading apostrophe. Objects are JSON.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_harmless(column.name) for column in table.columns)
    writer.writerows(_cells(row, table.columns) for row in table.rows)
    return out.getvalue()


def _window(window: Window) -> dict[str, datetime]:
    return {"start": window.start, "end": window.end}


def _plain(value: Any) -> Any:
    plain = jsonable(value)
    if plain is value:
        raise TypeError(f"a {type(value).__name__} cannot be written as JSON")
    return plain


def _cells(row: Mapping[str, Any], columns: tuple[Column, ...]) -> Iterator[str]:
    for column in columns:
        value = row.get(column.name)
        text = "" if value is None else _cell(value)
        yield _harmless(text) if column.kind in _TEXT_KINDS else text


def _cell(value: Any) -> str:
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return to_json(value).decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(jsonable(value))


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
