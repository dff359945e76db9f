"""Parameters of reports, read from texts."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.contract import ACCUMULATE, COST_METRIC, Report, page, parameters, parse_query
from reports.options import Option
from spendwatt.errors import UsageError
from spendwatt.query import Condition, CostMetric, Op, Query
from spendwatt.table import Column, Table
from spendwatt.window import Window

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MARCH = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))


class Everything(Report):
    """Takes every kind of parameter."""

    summary = "What is everything?"
    columns = (Column("service", "text", "A service."), Column("n", "integer", "A number."))
    aggregates = ("service", "label")
    filters = ("service", "label")
    options = (
        COST_METRIC,
        ACCUMULATE,
        Option("host", "text", "A host.", "node-a"),
        Option("days", "integer", "Days.", "3", default=7, minimum=1, maximum=30),
        Option("rate", "decimal", "A rate.", "1.5"),
        Option("on", "day", "A day.", "2026-03-01"),
        Option("at", "moment", "A moment.", "2026-03-01T00:00:00Z"),
        Option("is_cold", "boolean", "Cold?", "true"),
    )
    default_window = "month"

    def run(self, query, store, estate) -> Table:
        return Table(self.columns, ())


class Nothing(Report):
    """Takes only what every report takes."""

    summary = "What is nothing?"
    columns = (Column("n", "integer", "A number."),)

    def run(self, query, store, estate) -> Table:
        return Table(self.columns, ())


def test_nothing_given_means_every_default() -> None:
    query = parse_query({}, Everything(), NOW)
    assert query == Query(
        window=MARCH,
        options=dict.fromkeys(("host", "rate", "on", "at", "is_cold")) | {"days": 7},
        asked_at=NOW,
    )


def test_everything_given_arrives_typed() -> None:
    given_ = {
        "window": "7d offset 1d",
        "aggregate": "service, label:team",
        "filter": 'service:"EC2"',
        "cost_metric": "effective_cost",
        "accumulate": "false",
        "host": " node-a ",
        "days": "30",
        "rate": "0.10",
        "on": "2026-02-28",
        "at": "2026-02-28T23:00:00-01:00",
        "is_cold": "false",
        "sort_by": "-label:team",
        "limit": "100000",
        "offset": "5",
    }
    query = parse_query(given_, Everything(), NOW)
    assert query.window.end - query.window.start == timedelta(days=7)
    assert query.aggregate == ("service", "label:team")
    assert query.filter == Condition("service", None, Op.EQUALS, ("EC2",))
    assert query.cost_metric is CostMetric.EFFECTIVE
    assert query.accumulate is False
    assert (query.limit, query.offset, query.sort_by) == (100_000, 5, "-label:team")
    assert query.options == {
        "host": "node-a",
        "days": 30,
        "rate": Decimal("0.10"),
        "on": date(2026, 2, 28),
        "at": NOW.replace(hour=0),
        "is_cold": False,
    }
    assert query.as_of == NOW


@pytest.mark.parametrize(
    "name", ["window", "aggregate", "filter", "cost_metric", "accumulate", "host", "x"]
)
def test_what_a_report_does_not_declare_it_does_not_take(name: str) -> None:
    with pytest.raises(UsageError, match="Allowed: sort_by, limit, offset") as caught:
        parse_query({name: "today"}, Nothing(), NOW)
    assert caught.value.parameter == name


def test_keyed_names_need_a_name_and_others_take_none() -> None:
    for wrong in (
        "label",
        "label:",
        "service:a",
        "tag:a",
        "",
        "service,",
        ",".join(["service"] * 2),
    ):
        with pytest.raises(UsageError) as caught:
            parse_query({"aggregate": wrong}, Everything(), NOW)
        assert caught.value.parameter == "aggregate"


def test_a_label_can_be_sorted_by_only_where_it_is_grouped_by() -> None:
    with pytest.raises(UsageError, match="service, n"):
        parse_query({"sort_by": "label:team"}, Everything(), NOW)


NAMES = [option.name for option in parameters(Everything())]


@settings(deadline=None, max_examples=300)
@given(
    st.dictionaries(
        st.sampled_from([*NAMES, "x"]),
        st.text(max_size=30) | st.sampled_from(["-1", "0", "1e9", "true", "NaN", "²", "9" * 30]),
        max_size=3,
    )
)
def test_no_text_raises_anything_but_a_usage_error_that_names_a_parameter(params) -> None:
    with suppress(UsageError):
        query = parse_query(params, Everything(), NOW)
        assert 1 <= query.limit <= 100_000
        assert query.offset >= 0


rows = st.lists(
    st.fixed_dictionaries({"n": st.none() | st.integers(), "service": st.none() | st.text()}),
    max_size=20,
)


@settings(deadline=None)
@given(rows, st.integers(1, 5), st.sampled_from(["n", "-n", "service", None]))
def test_pages_put_together_are_all_rows_in_order(found, size: int, sort_by: str | None) -> None:
    whole = page(found, Query(MARCH, sort_by=sort_by), "-n", "service")
    pages = [
        page(found, Query(MARCH, sort_by=sort_by, limit=size, offset=offset), "-n", "service")
        for offset in range(0, len(found), size)
    ]
    assert [row for part in pages for row in part] == whole
    name = (sort_by or "-n").removeprefix("-")
    values = [row[name] for row in whole]
    known = [value for value in values if value is not None]
    assert values[len(known) :] == [None] * (len(values) - len(known))
    assert known == sorted(known, reverse=(sort_by or "-n").startswith("-"))


def test_sorting_by_what_no_row_has_is_refused() -> None:
    with pytest.raises(UsageError, match="Allowed: n"):
        page([{"n": 1}], Query(MARCH, sort_by="service"))
