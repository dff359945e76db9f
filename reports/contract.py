"""What a report declares, and how it is asked: by name, with parameters as texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from reports import GROUP, REPORTS
from reports.options import (
    LIMIT,
    OFFSET,
    Option,
    aggregate_option,
    filter_option,
    read_all,
    window_option,
)
from spendwatt import plugins
from spendwatt.errors import UsageError
from spendwatt.estate import Estate
from spendwatt.query import CostMetric, Query
from spendwatt.table import Column, Table
from spendwatt.window import parse_window
from storage.engine import Store


class Report(Protocol):
    """One question that can be asked. Subclass it, fill the fields, write `run`."""

    summary: str
    """The question that it answers, in one sentence."""
    columns: tuple[Column, ...]
    """Every column that it may give, in order; an answer names those that it does give."""
    aggregates: tuple[str, ...] = ()
    """What `aggregate` may name; `label` and `tag` stand for label:NAME and tag:NAME. Empty: the
    report takes no `aggregate`."""
    filters: tuple[str, ...] = ()
    """Fields that `filter` may compare. Empty: the report takes no `filter`."""
    options: tuple[Option, ...] = ()
    """Its own parameters. `COST_METRIC` and `ACCUMULATE` below arrive as fields of the query, all
    others in `query.options`."""
    default_window: str | None = None
    """Such as `month`; None: the report looks at no span of time and takes no `window`."""

    def run(self, query: Query, store: Store, estate: Estate) -> Table:
        """Answer. Reads only; raises UsageError for what cannot be asked together."""
        ...


COST_METRIC = Option(
    "cost_metric",
    "text",
    "Which of FOCUS's four costs is summed.",
    "effective_cost",
    default=CostMetric.BILLED.value,
    choices=tuple(CostMetric),
)
ACCUMULATE = Option(
    "accumulate",
    "boolean",
    "False gives a row for each step of the window, with its `window_start`.",
    "false",
    default=True,
)
_FIELDS = {COST_METRIC.name, ACCUMULATE.name}


def parameters(report: Report) -> tuple[Option, ...]:
    """List every parameter that a report takes: the shared words that apply, then its own."""
    shared: list[Option] = []
    if report.default_window is not None:
        shared.append(window_option(report.default_window))
    if report.aggregates:
        shared.append(aggregate_option(report.aggregates))
    if report.filters:
        shared.append(filter_option(report.filters))
    sort_by = Option(
        "sort_by",
        "text",
        "A column's name, with a leading - for falling order.",
        "-" + _telling(report),
    )
    return (*shared, *report.options, sort_by, LIMIT, OFFSET)


def parse_query(
    params: Mapping[str, str], report: Report, now: datetime, *, also: Sequence[str] = ()
) -> Query:
    """Read a question to a report. Raises UsageError naming the parameter and what is allowed.

    `also` names what the caller takes beside, and has taken out of `params`.
    """
    found = read_all(params, parameters(report), now, also=also)
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


def names() -> list[str]:
    """List every report, ours and those of installed packages."""
    return plugins.names(REPORTS, GROUP)


def find_report(name: str) -> Report:
    """Load a report by its name. Raises UsageError listing what there is."""
    known = names()
    if name not in known:
        raise UsageError(
            f'there is no report "{name[:80]}"',
            do=f"Reports: {', '.join(known)}",
            parameter="name",
        )
    report: Report = plugins.load(REPORTS, GROUP, name)()
    return report


def run_report(
    name: str, params: Mapping[str, str], store: Store, estate: Estate, now: datetime
) -> Table:
    """Ask a report by name, with parameters as texts. Raises UsageError, StorageError."""
    report = find_report(name)
    return ask(report, parse_query(params, report, now), store, estate)


def ask(report: Report, query: Query, store: Store, estate: Estate) -> Table:
    """Run a report and write onto its answer what was asked for: window, grouping, empty labels."""
    table = report.run(query, store, estate)
    has_window = table.window is not None or report.default_window is None
    return replace(
        table,
        window=table.window if has_window else query.window,
        asked=query.aggregate,
        notes=(*table.notes, *_empty_labels(table, query)),
    )


def _empty_labels(table: Table, query: Query) -> Iterator[str]:
    """Tell how a label that no row has would come about: without a rule there is none."""
    for name in query.aggregate:
        kind, _, label = name.partition(":")
        if kind == "label" and table.rows and all(row.get(name) is None for row in table.rows):
            yield (
                f'No row here has the label "{label}". Set [[labels]] with label = "{label}" and '
                "from_tag (the key of the bills' tag that holds it), or value for what a filter "
                "names."
            )


Row = Mapping[str, Any]


def page(rows: Sequence[Row], query: Query, *default_order: str) -> list[Row]:
    """Sort and cut rows that are all in memory: by `sort_by`, else by `default_order`.

    An order is a column's name, with a leading `-` for falling. A missing value comes last in
    both. Raises UsageError where no row has the column.
    """
    if query.sort_by is not None and rows and query.sort_by.removeprefix("-") not in rows[0]:
        raise wrong_sort(query.sort_by, list(rows[0]))
    orders = ((query.sort_by,) if query.sort_by else ()) + default_order
    found = list(rows)
    for order in reversed(orders):
        found = _sorted(found, order)
    return found[query.offset : query.offset + query.limit]


def _sorted(rows: list[Row], order: str) -> list[Row]:
    name, falling = order.removeprefix("-"), order.startswith("-")
    known = [row for row in rows if row[name] is not None]
    missing = [row for row in rows if row[name] is None]
    return sorted(known, key=lambda row: row[name], reverse=falling) + missing


def wrong_sort(sort_by: str, allowed: Sequence[str]) -> UsageError:
    """Say that an answer cannot be sorted by this, and what it can be sorted by."""
    return UsageError(
        f'sort_by "{sort_by[:80]}" is not a column that can be sorted by',
        do=f"Allowed: {', '.join(allowed)}; a leading - for falling order",
        parameter="sort_by",
    )


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
