"""Prints listings: one table of values as a table for people, as JSON or as CSV."""

# ruff: noqa: T201 - printing is what this file is for

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import typer

from reports.render import table_csv, table_json, to_json
from spendwatt.table import Column, Table, jsonable


class Format(StrEnum):
    """How a listing is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


FormatOption = Annotated[Format, typer.Option("--format", help="How to print the answer.")]
"""The `--format` of every listing: `format: FormatOption = Format.TABLE`."""


def show(table: Table, format: Format, *, key: str = "data") -> None:
    """Print a table on stdout; JSON and CSV are those that REST answers with.

    A listing that is no report names its rows by another `key`, and is then nothing but that.
    """
    match format:
        case Format.JSON:
            print((table_json(table) if key == "data" else to_json({key: table.rows})).decode())
        case Format.CSV:
            print(table_csv(table), end="")
        case Format.TABLE:
            _show_table(table)


def show_json(value: Any) -> None:
    """Print any value of ours as JSON."""
    print(to_json(value).decode())


def listing(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> Table:
    """Make a whole listing, not a page of one, into a table."""
    return Table(columns=tuple(columns), rows=rows, total_rows=len(rows))


def note(text: str) -> None:
    """Tell the person something on stderr, so that scripts read stdout undisturbed."""
    print(text, file=sys.stderr)


def _show_table(table: Table) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table as RichTable

    drawn = RichTable(box=box.SIMPLE_HEAD, show_footer=bool(table.total), pad_edge=False)
    columns = [column for column in table.columns if _is_told(column, table)]
    for column in columns:
        right = column.kind in {"money", "number", "integer"}
        drawn.add_column(
            escape(column.name),
            footer="\n".join(text_of(total.get(column.name)) for total in table.total),
            justify="right" if right else "left",
            no_wrap=right or column.kind in {"time", "day"},
            overflow="fold",
        )
    for row in table.rows:
        drawn.add_row(*(escape(text_of(row.get(column.name))) for column in columns))
    # Redirected to a file nothing is cut to a screen's width.
    console = Console(width=None if sys.stdout.isatty() else 400, highlight=False)
    console.print(drawn if table.rows else "Nothing to show.")
    rounded = "Amounts are rounded for reading; --format json gives every digit."
    is_rounded = any(_is_rounded(value) for row in table.rows for value in row.values())
    for line in (*table.notes, *([rounded] if is_rounded else [])):
        console.print(escape(f"Note: {line}"))


def _is_rounded(value: Any) -> bool:
    return isinstance(value, Decimal) and value != value.quantize(Decimal("0.01"))


def _is_told(column: Column, table: Table) -> bool:
    """Leave out a column that says nothing and was not asked for: a screen is narrow."""
    empty: tuple[Any, ...] = (None, "", [], (), {})
    return column.name in table.asked or any(
        row.get(column.name) not in empty for row in table.rows
    )


def text_of(value: Any) -> str:
    """Write a value for people; what is missing is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={text_of(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        known = [item for item in value if item is not None]
        many = any(isinstance(item, Mapping) for item in known)
        return f"{len(known)} (see --format json)" if many else ", ".join(map(text_of, known))
    if isinstance(value, datetime):
        value = value.replace(microsecond=0)
    if isinstance(value, int | float | Decimal):
        return _number_text(value)
    return str(jsonable(value))


def _number_text(value: float | Decimal) -> str:
    if isinstance(value, Decimal):
        return amount_for_reading(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def amount_for_reading(amount: Decimal) -> str:
    """Round to cents; below a cent, to two digits: what is small must not look like nothing."""
    if amount and abs(amount) < Decimal("0.01"):
        return f"{amount:.1e}" if abs(amount) < Decimal("0.000001") else f"{amount:.2g}"
    return f"{amount:,.2f}"
