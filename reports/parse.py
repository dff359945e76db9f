"""Reads a report's parameters from texts, for REST and the CLI alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from reports.contract import ACCUMULATE, COST_METRIC, Option, Report, wrong_sort
from spendwatt.clock import parse_moment
from spendwatt.errors import UsageError
from spendwatt.filter_grammar import EXAMPLE, is_storable, parse_filter
from spendwatt.query import MAX_LIMIT, CostMetric, Filter, Query, fields_of
from spendwatt.window import Window, parse_window

MAX_NAMES = 8
MAX_OFFSET = 1_000_000_000
MAX_TEXT = 4_000

LIMIT = Option(
    "limit", "integer", "Most rows to give.", "100", default=1_000, minimum=1, maximum=MAX_LIMIT
)
OFFSET = Option(
    "offset", "integer", "Rows to leave out first.", "0", default=0, minimum=0, maximum=MAX_OFFSET
)
_FIELDS = {COST_METRIC.name, ACCUMULATE.name}
_KEYED = {"label", "tag"}


def parameters(report: Report) -> tuple[Option, ...]:
    """List every parameter that a report takes: the shared words that apply, then its own."""
    shared: list[Option] = []
    if report.default_window is not None:
        shared.append(window_option(report.default_window))
    if report.aggregates:
        shared.append(_aggregate(report.aggregates))
    if report.filters:
        shared.append(filter_option(report.filters))
    sort_by = Option(
        "sort_by",
        "text",
        "A column's name, with a leading - for falling order.",
        "-" + _telling(report),
    )
    return (*shared, *report.options, sort_by, LIMIT, OFFSET)


def parse_query(params: Mapping[str, str], report: Report, now: datetime) -> Query:
    """Read a question to a report. Raises UsageError naming the parameter and what is allowed."""
    found = read_all(params, parameters(report), now)
    aggregate = found.get("aggregate") or ()
    return Query(
        window=found.get("window") or parse_window("today", now),
        aggregate=aggregate,
        accumulate=found.get(ACCUMULATE.name, True),
        filter=found.get("filter"),
        cost_metric=CostMetric(found.get(COST_METRIC.name, CostMetric.BILLED)),
        limit=found["limit"],
        offset=found["offset"],
        sort_by=_checked_sort(found["sort_by"], report, aggregate),
        options={o.name: found[o.name] for o in report.options if o.name not in _FIELDS},
        asked_at=now,
    )


def read_all(params: Mapping[str, str], options: Sequence[Option], now: datetime) -> dict[str, Any]:
    """Read every parameter, or take its default. Raises UsageError, also for unknown ones."""
    allowed = [option.name for option in options]
    for name in params:
        if name not in allowed:
            raise UsageError(
                f'there is no parameter "{_shown(name)}" here',
                do=f"Allowed: {', '.join(allowed)}",
                parameter=_shown(name),
            )
    return {
        option.name: read(option, params[option.name], now)
        if option.name in params
        else _default(option, now)
        for option in options
    }


def read(option: Option, text: str, now: datetime) -> Any:
    """Read one parameter. Raises UsageError."""
    if len(text) > MAX_TEXT:
        raise _wrong(option, text, f"at most {MAX_TEXT:,} characters")
    if not is_storable(text):
        raise _wrong(option, text, "text in Unicode without the character NUL")
    return _READERS[option.kind](option, text.strip(), now)


def _aggregate(allowed: tuple[str, ...]) -> Option:
    return Option(
        "aggregate",
        "names",
        "What the rows are grouped by, separated by commas.",
        allowed[0],
        choices=allowed,
    )


def window_option(default: str | None) -> Option:
    """Make the parameter `window`."""
    return Option(
        "window",
        "window",
        "The span to look at, in UTC, half-open.",
        "2026-02-01,2026-03-01",
        default=default,
    )


def filter_option(allowed: tuple[str, ...]) -> Option:
    """Make the parameter `filter` over some fields."""
    first = next((field for field in allowed if field not in _KEYED), "label[team]")
    example = EXAMPLE if {"label", "service"} <= set(allowed) else f'{first}:"NAME"'
    return Option(
        "filter", "filter", "What to count, in the filter language.", example, choices=allowed
    )


def _default(option: Option, now: datetime) -> Any:
    if option.kind in {"window", "names"} and option.default is not None:
        return read(option, option.default, now)
    return option.default


def _sortable(report: Report) -> list[str]:
    return [column.name for column in report.columns if column.kind != "object"]


def _telling(report: Report) -> str:
    """Give the column that an example sorts by: the first money, else the last that can be."""
    money = [column.name for column in report.columns if column.kind == "money"]
    return money[0] if money else _sortable(report)[-1]


def _checked_sort(sort_by: str | None, report: Report, aggregate: tuple[str, ...]) -> str | None:
    if sort_by is None:
        return None
    keyed = [name for name in aggregate if ":" in name]
    allowed = _sortable(report) + keyed
    if sort_by.removeprefix("-") not in allowed:
        raise wrong_sort(sort_by, allowed)
    return sort_by


def _wrong(option: Option, text: str, allowed: str) -> UsageError:
    return UsageError(
        f'{option.name} "{_shown(text)}" is not understood',
        do=f"Allowed: {allowed}",
        parameter=option.name,
    )


def _shown(text: str) -> str:
    """Make a part of what a caller sent fit for a message."""
    return "".join(char if char.isprintable() else "?" for char in text[:80])


def _read_text(option: Option, text: str, _now: datetime) -> str:
    if option.choices and text not in option.choices:
        raise _wrong(option, text, ", ".join(option.choices))
    return text


def _read_integer(option: Option, text: str, _now: datetime) -> int:
    # int() would also take 1_000, ٣ and very long texts.
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) <= 19):
        raise _wrong(option, text, f"a whole number {_range(option)}".strip())
    number = int(text)
    _refuse_outside(option, text, number)
    return number


def _read_decimal(option: Option, text: str, _now: datetime) -> Decimal:
    try:
        number = Decimal(text) if len(text) <= 40 else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        raise _wrong(option, text, f"a decimal number {_range(option)}".strip())
    _refuse_outside(option, text, number)
    return number


def _refuse_outside(option: Option, text: str, number: int | Decimal) -> None:
    low, high = option.minimum, option.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        raise _wrong(option, text, _range(option))


def _range(option: Option) -> str:
    low = f"from {option.minimum:,}" if option.minimum is not None else ""
    high = f"to {option.maximum:,}" if option.maximum is not None else ""
    return f"{low} {high}".strip()


def _read_boolean(option: Option, text: str, _now: datetime) -> bool:
    if text not in {"true", "false"}:
        raise _wrong(option, text, "true, false")
    return text == "true"


def _read_day(option: Option, text: str, _now: datetime) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as err:
        raise _wrong(option, text, "a date such as 2026-02-28") from err


def _read_moment(option: Option, text: str, _now: datetime) -> datetime:
    try:
        return parse_moment(text)
    except (ValueError, OverflowError) as err:
        allowed = "an RFC 3339 moment such as 2026-02-28T12:00:00Z, or a date"
        raise _wrong(option, text, allowed) from err


def _read_window(_option: Option, text: str, now: datetime) -> Window:
    return parse_window(text, now)


def _read_names(option: Option, text: str, _now: datetime) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        field, _, key = name.partition(":")
        if field not in option.choices or (field in _KEYED) != bool(key):
            raise _wrong(option, name, _named(option.choices))
    if len(set(names)) < len(names) or len(names) > MAX_NAMES:
        raise _wrong(option, text, f"up to {MAX_NAMES} different names")
    return names


def _named(choices: tuple[str, ...]) -> str:
    return ", ".join(f"{name}:NAME" if name in _KEYED else name for name in choices)


def _read_filter(option: Option, text: str, _now: datetime) -> Filter:
    found = parse_filter(text)
    unknown = sorted(fields_of(found) - set(option.choices))
    if unknown:
        raise UsageError(
            f'the filter asks for "{_shown(unknown[0])}", which is not known here',
            do=f"Allowed: {', '.join(_bracketed(option.choices))}",
            parameter=option.name,
        )
    return found


def _bracketed(choices: tuple[str, ...]) -> list[str]:
    return [f"{name}[NAME]" if name in _KEYED else name for name in choices]


_READERS: dict[str, Callable[[Option, str, datetime], Any]] = {
    "text": _read_text,
    "integer": _read_integer,
    "decimal": _read_decimal,
    "boolean": _read_boolean,
    "day": _read_day,
    "moment": _read_moment,
    "window": _read_window,
    "names": _read_names,
    "filter": _read_filter,
}
