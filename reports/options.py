"""Parameters as data, and how their texts are read: alike for REST and the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from spendwatt.clock import parse_moment
from spendwatt.errors import UsageError
from spendwatt.filter_grammar import EXAMPLE, KEYED, is_storable, parse_filter
from spendwatt.query import MAX_LIMIT, Filter, fields_of
from spendwatt.window import Window, parse_window

MAX_NAMES = 8
MAX_OFFSET = 1_000_000_000
MAX_TEXT = 4_000


@dataclass(frozen=True, slots=True)
class Option:
    """A parameter, as REST, the CLI and the docs show it."""

    name: str
    kind: str
    """`text`, `integer`, `decimal`, `boolean`, `day`, `moment`; also, for the words that reports
    share, `window`, `names` and `filter`."""
    help: str
    """One sentence."""
    example: str
    default: Any = None
    """The value when it is not given; None means that there is none. Texts of a window or of
    names are read like the user's."""
    choices: tuple[str, ...] = ()
    """What is allowed; empty allows everything of the kind. For `names`, `label` and `tag` stand
    for label:NAME and tag:NAME; for `filter` these are the fields."""
    minimum: int | None = None
    maximum: int | None = None


LIMIT = Option(
    "limit", "integer", "Most rows to give.", "100", default=1_000, minimum=1, maximum=MAX_LIMIT
)
OFFSET = Option(
    "offset", "integer", "Rows to leave out first.", "0", default=0, minimum=0, maximum=MAX_OFFSET
)


def choices_of(option: Option) -> tuple[str, ...]:
    """List what is allowed as it is written: label:NAME to group by, label[NAME] in a filter."""
    form = {"names": "{}:NAME", "filter": "{}[NAME]"}.get(option.kind, "{}")
    return tuple(form.format(name) if name in KEYED else str(name) for name in option.choices)


def read_all(
    params: Mapping[str, str],
    options: Sequence[Option],
    now: datetime,
    *,
    also: Sequence[str] = (),
) -> dict[str, Any]:
    """Read every parameter, or take its default. Raises UsageError, also for unknown ones.

    `also` names parameters that the caller has read already: they are allowed too.
    """
    allowed = [*(option.name for option in options), *also]
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


def aggregate_option(allowed: tuple[str, ...]) -> Option:
    """Make the parameter `aggregate` over some names."""
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
    first = next((field for field in allowed if field not in KEYED), "label[team]")
    example = EXAMPLE if {"label", "service"} <= set(allowed) else f'{first}:"NAME"'
    return Option(
        "filter", "filter", "What to count, in the filter language.", example, choices=allowed
    )


def _default(option: Option, now: datetime) -> Any:
    if option.kind in {"window", "names"} and option.default is not None:
        return read(option, option.default, now)
    return option.default


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
        if field not in option.choices or (field in KEYED) != bool(key):
            raise _wrong(option, name, ", ".join(choices_of(option)))
    if len(set(names)) < len(names) or len(names) > MAX_NAMES:
        raise _wrong(option, text, f"up to {MAX_NAMES} different names")
    return names


def _read_filter(option: Option, text: str, _now: datetime) -> Filter:
    found = parse_filter(text)
    unknown = sorted(fields_of(found) - set(option.choices))
    if unknown:
        raise UsageError(
            f'the filter asks for "{_shown(unknown[0])}", which is not known here',
            do=f"Allowed: {', '.join(choices_of(option))}",
            parameter=option.name,
        )
    return found


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
