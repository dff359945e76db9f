"""What a report is asked: window, grouping, filter, page. The words are OpenCost's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from spendwatt.window import Window

MAX_LIMIT = 100_000


class CostMetric(StrEnum):
    """Which of FOCUS's four costs is summed."""

    BILLED = "billed_cost"
    EFFECTIVE = "effective_cost"
    LIST = "list_cost"
    CONTRACTED = "contracted_cost"


class Op(StrEnum):
    """How a condition compares."""

    EQUALS = ":"
    CONTAINS = "~:"
    STARTS = "<~:"
    ENDS = "~>:"


@dataclass(frozen=True, slots=True)
class Condition:
    """True where the field compares to any of `values`; `negated` turns that round.

    `field` is a name such as `service`; `key` is set for `label[team]` and `tag[owner]`. A field
    without a value compares as the empty text.
    """

    field: str
    key: str | None
    op: Op
    values: tuple[str, ...]
    negated: bool = False

    @property
    def name(self) -> str:
        """Give the field as the user wrote it, in the form that `aggregate` takes."""
        return self.field if self.key is None else f"{self.field}:{self.key}"


@dataclass(frozen=True, slots=True)
class Group:
    """`all` of the parts (written `+`) or `any` of them (written `|`)."""

    how: Literal["all", "any"]
    parts: tuple[Filter, ...]


Filter = Condition | Group

Getter = Callable[[str, str | None], str | None]
"""Gives the value of (field, key), None where there is none."""


def matches(filter_: Filter | None, get: Getter) -> bool:
    """Tell whether something satisfies the filter; no filter is satisfied by everything."""
    if filter_ is None:
        return True
    if isinstance(filter_, Group):
        check = all if filter_.how == "all" else any
        return check(matches(part, get) for part in filter_.parts)
    have = get(filter_.field, filter_.key) or ""
    return any(_compare(filter_.op, have, value) for value in filter_.values) != filter_.negated


def fields_of(filter_: Filter | None) -> set[str]:
    """Give the names of all fields that the filter asks for."""
    if filter_ is None:
        return set()
    if isinstance(filter_, Group):
        return set().union(*(fields_of(part) for part in filter_.parts))
    return {filter_.field}


def getter(values: Mapping[str, str | None], labels: Mapping[str, str]) -> Getter:
    """Give a Getter over plain fields and labels."""
    return lambda field, key: labels.get(key) if field == "label" and key else values.get(field)


def _compare(op: Op, have: str, value: str) -> bool:
    match op:
        case Op.EQUALS:
            return have == value
        case Op.CONTAINS:
            return value in have
        case Op.STARTS:
            return have.startswith(value)
        case Op.ENDS:
            return have.endswith(value)


@dataclass(frozen=True, slots=True)
class Query:
    """One question to a report."""

    window: Window
    aggregate: tuple[str, ...] = ()
    """Names such as `service`, `label:team`."""
    accumulate: bool = True
    """False gives a row for each step of the window, with its `window_start`."""
    filter: Filter | None = None
    cost_metric: CostMetric = CostMetric.BILLED
    limit: int = 1_000
    offset: int = 0
    sort_by: str | None = None
    """A column's name, with a leading `-` for falling order."""
    options: Mapping[str, Any] | None = None
    """What only the asked report understands: each option that it declares, None where missing."""
    asked_at: datetime | None = None
    """When the question was put."""

    @property
    def as_of(self) -> datetime:
        """Give the moment from which the answer looks: that of asking, else the window's end."""
        return self.asked_at or self.window.end

    def option(self, name: str) -> Any:
        """Give the value of a report's own option, None where it was not given."""
        return (self.options or {}).get(name)
