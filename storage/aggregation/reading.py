"""Builds the DuckDB SQL that reads a bill's files row by row: amounts, times, texts, faults.

One set of rules for every dialect. Each line item comes out with exact DECIMAL(38, 21) costs, its
UTC day and billing month, its texts as they stand, and `fault`: null, or why it is left out.
"""

# ruff: noqa: S608 - the SQL is built from our own constants; texts from outside are quoted

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spendwatt import focus

MAX_TEXT_BYTES = 2_048
"""Longest text of a dimension in UTF-8. PostgreSQL's index rows end at about 2.7 kB."""

MAX_TAGS_BYTES = 65_536
"""Longest tag set, as it stands in the file."""

_SLASHED = ("%y", "%Y", "%y %H:%M", "%Y %H:%M", "%y %H:%M:%S", "%Y %H:%M:%S", "%Y %I:%M:%S %p")
MAX_LINE_BYTES = 1 << 20
NO_LINE = "CAST(NULL AS BIGINT)"
FINE, EARLY, UNREADABLE = "0::TINYINT", "1::TINYINT", "2::TINYINT"
"""What is odd about the end of a period."""

PERIODS = {
    "charge": (focus.CHARGE_PERIOD_START, focus.CHARGE_PERIOD_END),
    "billing": (focus.BILLING_PERIOD_START, focus.BILLING_PERIOD_END),
}
FIRST_DAY, LAST_DAY = "1990-01-01", "2199-12-31"

TOO_LONG = f"is longer than {MAX_TEXT_BYTES:,} bytes"
TOO_LARGE = "is too large to be stored: costs have at most 17 digits before the point"

FAULTS: tuple[tuple[str, str, str], ...] = (
    (focus.BILLED_COST, TOO_LARGE, "billed IS NULL AND is_written(billed_text)"),
    (focus.EFFECTIVE_COST, TOO_LARGE, "effective IS NULL AND is_written(effective_text)"),
    (focus.BILLED_COST, "is not an amount", "billed IS NULL"),
    (focus.EFFECTIVE_COST, "is not an amount", "effective IS NULL"),
    (focus.CHARGE_PERIOD_START, "is not a time", "day IS NULL"),
    (focus.CHARGE_PERIOD_START, "lies before 1990 or after 2199", "NOT day_is_sane"),
    (focus.BILLING_PERIOD_START, "is not a time", "period IS NULL"),
    *(
        (name, TOO_LONG, f'strlen("{name}") > {MAX_TEXT_BYTES}')
        for name in focus.TEXTS
        if name not in {"Tags", "BillingCurrency"}
    ),
    ("Tags", f"is longer than {MAX_TAGS_BYTES:,} bytes", f"strlen(Tags) > {MAX_TAGS_BYTES}"),
    (
        "BillingCurrency",
        "is longer than 16 characters",
        "strlen(BillingCurrency) > 16 AND length(known(BillingCurrency)) > 16",
    ),
)
"""(column, what is wrong, SQL that says so), the first that applies counts."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Files that can be read by one statement: the same columns in the same order."""

    paths: tuple[str, ...]
    columns: tuple[str, ...]
    focus: Mapping[str, str]
    delimiter: str | None
    line: str
    """SQL that gives a row's line in its file."""

    @property
    def has_no_lines(self) -> bool:
        """Tell whether DuckDB alone cannot say in which line of its file a row stands."""
        return self.line == NO_LINE

    def source(self) -> str:
        """Give the FROM item that reads these files, every cell of a text file as text."""
        listed = _sql_list(self.paths)
        if self.delimiter is None:
            return f"read_parquet({listed}, file_row_number = true)"
        columns = ", ".join(f"{_quoted(name)}: 'VARCHAR'" for name in self.columns)
        return (
            f"read_csv({listed}, auto_detect = false, header = true, quote = '\"', escape = '\"', "
            f"delim = {_quoted(self.delimiter)}, columns = {{{columns}}}, "
            f"max_line_size = {MAX_LINE_BYTES})"
        )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _sql_list(texts: Sequence[str]) -> str:
    return "[" + ", ".join(_quoted(text) for text in texts) + "]"


def line_items(
    shape: Shape, types: Mapping[str, str], *, day_first: bool, period: str | None
) -> str:
    """Give the SELECT of all line items of a shape.

    `types` are DuckDB's types of the shape's FOCUS expressions; `period` is the first day of the
    billing month that all rows belong to, None where each row tells its own.
    """
    raw = ", ".join(f'{sql} AS "{name}"' for name, sql in shape.focus.items())
    texts = ", ".join(f'{_text(name, types)} AS "{name}"' for name in focus.TEXTS)
    faults = " ".join(f"WHEN {sql} THEN {place}" for place, (_, _, sql) in enumerate(FAULTS))
    day = _day(focus.CHARGE_PERIOD_START, types, day_first)
    return (
        f"SELECT *, CASE {faults} END AS fault FROM ("
        f"SELECT {_costs(types)}, {_is_rounded(types)} AS is_rounded, {_quantity(types)}, "
        f"{texts}, {_ends(types, day_first)}, {day} AS day, "
        f"{_period(types, day, day_first, period)} AS period, "
        f"{day} BETWEEN DATE '{FIRST_DAY}' AND DATE '{LAST_DAY}' AS day_is_sane, line "
        f"FROM (SELECT {raw}, {shape.line} AS line FROM {shape.source()}))"
    )


def _text(name: str, types: Mapping[str, str]) -> str:
    kind = types.get(name)
    if kind is None:
        return "CAST(NULL AS VARCHAR)"
    if kind.startswith(("MAP", "STRUCT")):
        return f'CAST(to_json("{name}") AS VARCHAR)'
    return f'"{name}"' if kind == "VARCHAR" else f'CAST("{name}" AS VARCHAR)'


def _costs(types: Mapping[str, str]) -> str:
    # A file with one of the two costs only: it stands for the other, and the report says so.
    stands_in = {focus.BILLED_COST: focus.EFFECTIVE_COST, focus.EFFECTIVE_COST: focus.BILLED_COST}
    names = {"billed": 0, "effective": 1, "listed": 2, "contracted": 3}
    parts = []
    for name, place in names.items():
        column = focus.COSTS[place]
        column = column if column in types else stands_in.get(column, column)
        parts.append(f"{_amount(column, types)} AS {name}")
        if name in {"billed", "effective"}:
            parts.append(f"{_text(column, types)} AS {name}_text")
    return ", ".join(parts)


def _amount(column: str, types: Mapping[str, str]) -> str:
    kind = types.get(column)
    if kind is None:
        return "CAST(NULL AS DECIMAL(38, 21))"
    if kind == "DOUBLE":
        return f'double_amount("{column}")'
    if kind.endswith("INT") or kind == "INTEGER" or _fits(kind):
        return f'TRY_CAST("{column}" AS DECIMAL(38, 21))'
    return f'amount("{column}")' if kind == "VARCHAR" else f'amount(CAST("{column}" AS VARCHAR))'


def _is_rounded(types: Mapping[str, str]) -> str:
    """Tell whether a billed or effective cost has more decimals than are kept."""
    parts = []
    for column in (focus.BILLED_COST, focus.EFFECTIVE_COST):
        kind = types.get(column)
        if kind == "DOUBLE":
            parts.append(f'is_long_double("{column}")')
        elif kind == "VARCHAR":
            parts.append(f'is_long("{column}")')
    return " OR ".join(parts) or "false"


def _fits(kind: str) -> bool:
    """Tell whether a DECIMAL type has no more decimals than are kept."""
    if not kind.startswith("DECIMAL("):
        return False
    return int(kind[8:-1].split(",")[1]) <= 21


def _quantity(types: Mapping[str, str]) -> str:
    """Take the consumed quantity and its unit, else the priced ones."""
    known: list[tuple[str, str]] = []
    for column, unit in zip(focus.QUANTITIES, ("ConsumedUnit", "PricingUnit"), strict=True):
        if column in types:
            amount = f'TRY_CAST("{column}" AS DECIMAL(38, 9))'
            known.append((amount, _text(unit, types)))
    quantity = ", ".join(amount for amount, _ in known) or "NULL"
    cases = " ".join(f"WHEN {amount} IS NOT NULL THEN {unit}" for amount, unit in known)
    unit = f"CASE {cases} END" if cases else "NULL"
    return (
        f"CAST(coalesce({quantity}, NULL) AS DECIMAL(38, 9)) AS quantity, "
        f"CAST({unit} AS VARCHAR) AS unit"
    )


def _day(column: str, types: Mapping[str, str], day_first: bool) -> str:
    return f"CAST({_moment(column, types, day_first)} AS DATE)"


def _ends(types: Mapping[str, str], day_first: bool) -> str:
    """Tell of both periods what is odd about their ends."""
    parts = []
    for name, (start, end) in PERIODS.items():
        cases = FINE
        if start in types and end in types:
            begins, ends = (_moment(column, types, day_first) for column in (start, end))
            cases = (
                f"CASE WHEN {ends} <= {begins} THEN {EARLY} "
                f"WHEN {ends} IS NULL AND {_is_told(end)} THEN {UNREADABLE} ELSE {FINE} END"
            )
            if types[start] == types[end] == "VARCHAR":
                cases = f'CASE WHEN plainly_before("{start}", "{end}") THEN {FINE} ELSE {cases} END'
        parts.append(f"{cases} AS {name}_end")
    return ", ".join(parts)


def _is_told(column: str) -> str:
    return f'known(CAST("{column}" AS VARCHAR)) IS NOT NULL'


def _moment(column: str, types: Mapping[str, str], day_first: bool) -> str:
    kind = types.get(column)
    if kind != "VARCHAR":
        source = "NULL" if kind is None else f'"{column}"'
        return f"TRY_CAST({source} AS TIMESTAMP)"
    order = "%d/%m/" if day_first else "%m/%d/"
    forms = _sql_list([order + rest for rest in _SLASHED])
    slashed = f'try_strptime(trim("{column}"), {forms})'
    iso = f'iso_moment(trim("{column}"))'
    return f"CASE WHEN contains(\"{column}\", '/') THEN {slashed} ELSE {iso} END"


def _period(types: Mapping[str, str], day: str, day_first: bool, period: str | None) -> str:
    if period is not None:
        return f"DATE '{period}'"
    column = focus.BILLING_PERIOD_START
    if column not in types:
        return f"CAST(date_trunc('month', {day}) AS DATE)"
    told = _day(column, types, day_first)
    start = f"CASE WHEN {_is_told(column)} THEN {told} ELSE {day} END"
    return f"CAST(date_trunc('month', {start}) AS DATE)"


def shapes_of(files: Sequence[Mapping[str, Any]]) -> list[Shape]:
    """Group files by what they have in common, in a stable order."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for file in files:
        key = json.dumps([file["columns"], file["delimiter"], file["focus"], file.get("line")])
        groups.setdefault(key, []).append(file)
    return [
        Shape(
            paths=tuple(file["path"] for file in group),
            columns=tuple(group[0]["columns"]),
            focus=group[0]["focus"],
            delimiter=group[0]["delimiter"],
            line=group[0].get("line") or _line(group[0]["delimiter"]),
        )
        for group in groups.values()
    ]


def _line(delimiter: str | None) -> str:
    return "file_row_number + 1" if delimiter is None else NO_LINE
