"""Costs, changes and sources, over bills that were really brought in, on both engines."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.billing import files
from reports.contract import run_report
from reports.render import table_json
from spendwatt.errors import UsageError
from spendwatt.estate import Estate, LabelRule
from spendwatt.filter_grammar import filter_text, parse_filter
from spendwatt.query import Condition, Filter, Group, Op, matches
from spendwatt.table import DataStatus, Table
from storage import migrate, runs
from storage.bills import ingest
from storage.engine import Store, open_store

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
FEBRUARY = "2026-02-01,2026-03-01"
ESTATE = Estate(
    label_rules=(
        LabelRule("team", value="ml", filter=parse_filter('account:"222"')),
        LabelRule("team", from_tag="team"),
    )
)

HEADER = (
    *("BillingPeriodStart", "ChargePeriodStart", "BillingAccountId", "ServiceName"),
    *("BilledCost", "EffectiveCost", "BillingCurrency", "Tags"),
)
MONTH = "2026-02-01T00:00:00Z"
Line = tuple[str, str, str, str, str, str]  # day, account, service, billed, currency, tags

FIRST: list[Line] = [
    ("2026-02-26", "111", "EC2", "10.10", "USD", '{"team": "web"}'),
    ("2026-02-26", "111", "EC2", "0.000000001", "USD", ""),
    ("2026-02-26", "222", "S3", "5", "USD", ""),
    ("2026-02-27", "111", "EC2", "20", "USD", ""),
    ("2026-02-27", "333", "EC2", "7", "EUR", ""),
]
SECOND: list[Line] = [
    *FIRST[:3],
    ("2026-02-27", "111", "EC2", "26.5", "USD", ""),
    ("2026-02-27", "111", "Tax", "1", "USD", ""),
    ("2026-02-28", "111", "EC2", "30", "USD", ""),
    ("2026-02-27", "333", "EC2", "7", "EUR", ""),
]


def bring(store: Store, folder: Path, lines: list[Line], received_at: datetime) -> None:
    """Bring in a FOCUS bill of February."""
    file = folder / f"{received_at:%Y%m%dT%H%M}.csv"
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(HEADER)
        for day, account, service, billed, currency, tags in lines:
            writer.writerow(
                [MONTH, f"{day}T05:00:00Z", account, service, billed, billed, currency, tags]
            )
    delivery = replace(files.snapshot([file], "aws"), received_at=received_at)
    ingest(store, delivery, now=received_at)


def restate(store: Store, folder: Path) -> Store:
    """Tell February on the 28th, and again on 3 March."""
    bring(store, folder, FIRST, datetime(2026, 2, 28, 6, tzinfo=UTC))
    bring(store, folder, SECOND, datetime(2026, 3, 3, 6, tzinfo=UTC))
    return store


@pytest.fixture(scope="module")
def restated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a store that all tests read and none writes to."""
    folder = tmp_path_factory.mktemp("bills")
    store = open_store(f"sqlite:///{folder / 'test.db'}")
    migrate.upgrade(store)
    yield restate(store, folder)
    store.close()


def ask(store: Store, name: str, now: datetime = NOW, /, **params: str) -> Table:
    return run_report(name, params, store, ESTATE, now)


def figures(table: Table, *names: str) -> list[tuple[object, ...]]:
    return [tuple(row[name] for name in names) for row in table.rows]


def test_costs_are_exact_by_service_and_currency(restated: Store) -> None:
    table = ask(restated, "costs", window=FEBRUARY, aggregate="service")
    assert figures(table, "service", "billing_currency", "billed_cost") == [
        ("EC2", "USD", Decimal("66.600000001")),
        ("EC2", "EUR", Decimal(7)),
        ("S3", "USD", Decimal(5)),
        ("Tax", "USD", Decimal(1)),
    ]
    assert list(table.total) == [
        {"billing_currency": "EUR", "billed_cost": Decimal(7)},
        {"billing_currency": "USD", "billed_cost": Decimal("72.600000001")},
    ]
    assert [column.name for column in table.columns] == list(table.rows[0])


def test_a_label_that_no_row_has_is_shown_and_how_to_give_it(restated: Store) -> None:
    table = ask(restated, "costs", window=FEBRUARY, aggregate="service,label:owner,label:team")
    assert table.asked == ("service", "label:owner", "label:team")
    (note,) = [note for note in table.notes if "label" in note]
    assert note.startswith('No row here has the label "owner". Set [[labels]] with label = "owner"')
    assert "from_tag (the key" in note
    assert note.encode() in table_json(table).replace(b'\\"', b'"')


def test_costs_follow_every_word_of_the_query(restated: Store) -> None:
    by_team = ask(restated, "costs", window=FEBRUARY, aggregate="label:team", sort_by="label:team")
    assert figures(by_team, "label:team", "billed_cost") == [
        ("ml", Decimal(5)),
        ("web", Decimal("10.1")),
        (None, Decimal(7)),
        (None, Decimal("57.500000001")),
    ]
    by_day = ask(
        restated,
        "costs",
        window=FEBRUARY,
        accumulate="false",
        filter='service:"EC2"+currency:"USD"',
    )
    assert figures(by_day, "window_start", "billed_cost") == [
        (datetime(2026, 2, 26, tzinfo=UTC), Decimal("10.100000001")),
        (datetime(2026, 2, 27, tzinfo=UTC), Decimal("26.5")),
        (datetime(2026, 2, 28, tzinfo=UTC), Decimal(30)),
    ]
    page = ask(restated, "costs", window=FEBRUARY, aggregate="service", limit="1", offset="1")
    assert (len(page.rows), page.total_rows) == (1, 4)
    assert {row["billing_currency"] for row in page.total} == {"EUR", "USD"}
    listed = ask(restated, "costs", window=FEBRUARY, cost_metric="list_cost")
    assert {row["list_cost"] for row in listed.rows} == {None}, "unknown is not 0"


def test_costs_cannot_be_sorted_by_what_is_not_asked(restated: Store) -> None:
    with pytest.raises(UsageError, match="billing_currency, billed_cost") as caught:
        ask(restated, "costs", sort_by="effective_cost")
    assert caught.value.parameter == "sort_by"


@pytest.mark.parametrize(
    ("now", "status", "note"),
    [
        (datetime(2026, 3, 1, tzinfo=UTC), DataStatus.COMPLETE, None),
        (datetime(2026, 2, 28, 23, tzinfo=UTC), DataStatus.INCOMPLETE, None),
    ],
)
def test_a_window_is_complete_once_its_last_day_is_over_and_known(
    restated: Store, now: datetime, status: DataStatus, note: str | None
) -> None:
    table = ask(restated, "costs", now, window="2026-02-26,2026-03-01")
    assert table.status is status
    assert table.notes == (() if note is None else (note,))


def test_a_late_source_is_named(restated: Store) -> None:
    table = ask(restated, "costs", window="month")
    assert table.status is DataStatus.INCOMPLETE
    assert table.notes == ("aws: known up to 2026-02-28.",)


def test_a_window_that_cuts_days_says_that_it_counts_them_whole(restated: Store) -> None:
    table = ask(restated, "costs", window="2026-02-27T12:00:00Z,2026-02-27T13:00:00Z")
    assert {row["billed_cost"] for row in table.rows} == {Decimal("27.5"), Decimal(7)}
    assert table.notes == (
        "Bills tell days: each UTC day that the window touches is counted whole.",
    )


def test_a_source_that_ended_long_ago_is_not_waited_for(restated: Store) -> None:
    later = NOW + timedelta(days=90)
    assert ask(restated, "costs", later, window="yesterday").status is DataStatus.COMPLETE


def test_an_empty_store_says_how_bills_come_in(sqlite_store: Store) -> None:
    table = ask(sqlite_store, "costs")
    assert (list(table.rows), list(table.total)) == ([], [])
    assert table.status is DataStatus.INCOMPLETE
    assert "spendwatt import bill" in table.notes[0]


def test_changes_tell_then_and_now_by_day_and_service(store: Store, tmp_path: Path) -> None:
    table = ask(restate(store, tmp_path), "changes", window=FEBRUARY)
    names = ("window_start", "service", "billing_currency", "then", "now", "change")
    day = datetime(2026, 2, 27, tzinfo=UTC)
    assert figures(table, *names) == [
        (day, "EC2", "USD", Decimal(20), Decimal("26.5"), Decimal("6.5")),
        (day, "Tax", "USD", Decimal(0), Decimal(1), Decimal(1)),
    ]
    assert (
        figures(table, "deliveries", "changed_at", "changed_by")
        == [(1, datetime(2026, 3, 3, 6, tzinfo=UTC), "aws 2026-02")] * 2
    )
    assert list(table.total) == [
        {"billing_currency": "USD", "then": Decimal(20), "now": Decimal("27.5")}
        | {"change": Decimal("7.5")}
    ]


def test_changes_compare_with_any_moment(restated: Store) -> None:
    words = {"window": FEBRUARY, "accumulate": "true", "aggregate": "account"}
    between = ask(restated, "changes", **words, then_at="2026-03-01")
    assert figures(between, "account", "then", "now") == [
        ("111", Decimal("30.100000001"), Decimal("67.600000001"))
    ]
    after = ask(restated, "changes", **words, then_at="2026-03-04")
    assert list(after.rows) == []


def test_changes_are_filtered(restated: Store) -> None:
    table = ask(restated, "changes", window=FEBRUARY, filter='service:"Tax"')
    assert figures(table, "service") == [("Tax",)]


def test_a_delivery_that_changes_nothing_is_no_change(sqlite_store: Store, tmp_path: Path) -> None:
    store = sqlite_store
    bring(store, tmp_path, FIRST, datetime(2026, 2, 28, 6, tzinfo=UTC))
    bring(store, tmp_path, list(reversed(FIRST)), datetime(2026, 3, 1, 6, tzinfo=UTC))
    assert list(ask(store, "changes", window=FEBRUARY).rows) == []


def test_sources_tell_freshness_runs_and_quality(store: Store, tmp_path: Path) -> None:
    restate(store, tmp_path)
    with store.write() as connection:
        for name in ("collect:aws", "collect:gcp"):
            run = runs.start(connection, name, NOW - timedelta(hours=2))
            error = "refused. Renew the key" if name == "collect:gcp" else None
            runs.finish(connection, run, NOW - timedelta(hours=1), error=error)
    table = ask(store, "sources")
    aws, gcp = table.rows
    assert (aws["source"], aws["brings"], aws["known_up_to"].isoformat()) == (
        "aws",
        "bills",
        "2026-02-28",
    )
    assert aws["last_delivery_at"] == datetime(2026, 3, 3, 6, tzinfo=UTC)
    assert aws["lag_hours"] == 84
    assert (aws["rows"], aws["quarantined"], aws["last_run"]) == (7, 0, "ok")
    assert (gcp["source"], gcp["brings"], gcp["last_run"]) == ("gcp", None, "failed")
    assert (gcp["failures_in_a_row"], gcp["error"]) == (1, "refused. Renew the key")
    assert gcp["rows"] is None, "unknown is not 0"
    assert table.status is DataStatus.INCOMPLETE
    assert all(set(row) == {column.name for column in table.columns} for row in table.rows)


def test_the_answer_for_scripts_has_the_promised_keys(restated: Store) -> None:
    import orjson

    from reports.render import table_json

    table = ask(restated, "costs", window=FEBRUARY, aggregate="service", cost_metric="billed_cost")
    told: Mapping[str, list[dict[str, object]]] = orjson.loads(table_json(table))
    assert told["data"][0] == {
        "service": "EC2",
        "billing_currency": "USD",
        "billed_cost": "66.600000001",
    }
    assert told["total"][0] == {"billing_currency": "EUR", "billed_cost": "7"}


texts = st.sampled_from(
    ["", "EC2", "C", "Tax", "1", "11", "222", "web", "ml", "e", "US", "%", "_", "'"]
)
asked = st.sampled_from(
    [
        *(("service", None), ("account", None), ("region", None), ("currency", None)),
        *(("label", "team"), ("tag", "team"), ("tag", "none")),
    ]
)


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    field, key = draw(asked)
    values = tuple(draw(st.lists(texts, min_size=1, max_size=2)))
    return Condition(field, key, draw(st.sampled_from(Op)), values, negated=draw(st.booleans()))


filters = st.recursive(
    conditions(),
    lambda parts: st.builds(
        Group, st.sampled_from(["all", "any"]), st.lists(parts, min_size=2, max_size=3).map(tuple)
    ),
    max_leaves=5,
)


def facts_of(line: Line) -> dict[tuple[str, str | None], str]:
    """Give what filters may ask of a line, as the label rules above say."""
    _, account, service, _, currency, tags = line
    tag = "web" if "web" in tags else ""
    return {
        ("account", None): account,
        ("service", None): service,
        ("currency", None): currency,
        ("tag", "team"): tag,
        ("label", "team"): "ml" if account == "222" else tag,
    }


@settings(deadline=None, max_examples=60)
@given(filters)
def test_the_database_filters_as_the_language_says(restated: Store, filter_: Filter) -> None:
    expected: dict[str, Decimal] = defaultdict(Decimal)
    for line in SECOND:
        facts = facts_of(line)
        if matches(filter_, lambda field, key, facts=facts: facts.get((field, key))):
            expected[line[4]] += Decimal(line[3])
    table = ask(restated, "costs", window=FEBRUARY, filter=filter_text(filter_))
    assert {row["billing_currency"]: row["billed_cost"] for row in table.rows} == expected
