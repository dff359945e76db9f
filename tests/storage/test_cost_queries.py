"""Questions about cost: every table answers alike, filters and labels as the grammar says."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from spendwatt.errors import UsageError
from spendwatt.estate import LabelRule
from spendwatt.filter_grammar import parse_filter
from spendwatt.query import CostMetric, Query, matches
from spendwatt.window import Window
from storage.bills import ingest
from storage.engine import Store
from storage.queries.costs import costs

NOW = datetime(2026, 2, 10, 12, tzinfo=UTC)
JANUARY = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))

ITEMS = [
    {"ServiceName": "EC2", "RegionId": "us-east-1", "ResourceId": "i-1", "BilledCost": "8"},
    {"ServiceName": "EC2", "RegionId": "eu-west-1", "ResourceId": "i-2", "BilledCost": "4"},
    {"ServiceName": "S3", "RegionId": "", "ResourceId": "", "BilledCost": "2", "Tags": ""},
    {"ServiceName": "Tax", "SubAccountId": "", "BilledCost": "1", "Tags": '{"owner": "Ann"}'},
]
RULES = [
    LabelRule("team", value="platform", filter=parse_filter('service:"EC2"+region<~:"us-"')),
    LabelRule("team", from_tag="owner"),
    LabelRule("team", from_tag="team", filter=parse_filter('service!:"S3"')),
]


@pytest.fixture
def filled(store: Store, make_delivery) -> Store:
    ingest(store, make_delivery(ITEMS), now=NOW)
    return store


def asked(store: Store, *names: str, **more: object) -> dict[tuple[object, ...], Decimal]:
    query = Query(JANUARY, names, **more)
    with store.read() as connection:
        found = costs(connection, query, RULES)
    assert found.total_rows == len(found.rows)
    return {tuple(row[name] for name in names): row[query.cost_metric.value] for row in found.rows}


def test_every_table_gives_the_same_total(filled: Store) -> None:
    for names in (("service",), ("account",), ("resource",), ("region", "service"), ("sku",)):
        assert sum(asked(filled, *names).values()) == 15


def test_labels_come_from_the_first_rule_that_matches(filled: Store) -> None:
    assert asked(filled, "label:team") == {
        ("platform",): 8,
        ("ml",): 4,
        (None,): 2,
        ("Ann",): 1,
    }


@pytest.mark.parametrize(
    "text",
    [
        'service:"EC2","S3"',
        'service!:"EC2"',
        'service~:"c2"',
        'service~:"C"',
        'region<~:"us-"|service~>:"ax"',
        'region:""',
        'label[team]:"platform"',
        'label[team]!:"platform"+service:"EC2"',
        'label[team]:""',
        'label[other]!:"x"',
        'tag[owner]:"Ann"|sub_account:"200"',
        'resource~:"%"',
        'currency:"USD"+source:"aws"',
    ],
)
def test_filters_select_as_the_grammar_does(filled: Store, text: str) -> None:
    filter_ = parse_filter(text)
    names = ("service", "region", "resource", "sub_account", "tag:owner", "tag:team")
    expected: dict[str, Decimal] = defaultdict(Decimal)
    for row, cost in asked(filled, *names, "label:team", "source").items():
        values = dict(zip((*names, "label:team", "source"), row, strict=True))
        values["currency"] = "USD"
        if matches(filter_, lambda f, k, v=values: v.get(f if k is None else f"{f}:{k}")):
            expected[str(values["service"])] += cost
    assert {str(k[0]): v for k, v in asked(filled, "service", filter=filter_).items()} == expected


def test_list_cost_leaves_purchases_out(store: Store, make_delivery) -> None:
    purchase = {"ChargeCategory": "Purchase", "ListCost": "100"}
    ingest(store, make_delivery([{}, purchase]), now=NOW)
    for names in (("service",), ("sku",)):
        assert sum(asked(store, *names, cost_metric=CostMetric.LIST).values()) == 2


def test_unknown_list_cost_is_missing_and_never_zero(store: Store, make_delivery) -> None:
    ingest(store, make_delivery([{"ListCost": ""}]), now=NOW)
    assert asked(store, "service", cost_metric=CostMetric.LIST) == {("EC2",): None}


def test_days_sorting_and_pages(store: Store, make_delivery) -> None:
    rows = [{"ChargePeriodStart": f"2026-01-{day:02}", "BilledCost": str(day)} for day in (3, 1, 2)]
    ingest(store, make_delivery(rows), now=NOW)
    with store.read() as connection:
        daily = costs(connection, Query(JANUARY, accumulate=False), ()).rows
        page = costs(
            connection,
            Query(JANUARY, accumulate=False, sort_by="-billed_cost", limit=1, offset=1),
            (),
        )
    assert [row["window_start"].day for row in daily] == [1, 2, 3]
    assert [row["billed_cost"] for row in page.rows] == [2]
    assert (page.total_rows, page.total[0]["billed_cost"]) == (3, 6)


def test_window_can_name_billing_months(store: Store, make_delivery) -> None:
    late = {"ChargePeriodStart": "2025-12-31T22:00:00Z", "BilledCost": "7"}
    ingest(store, make_delivery([{}, late]), now=NOW)
    assert asked(store) == {(): Decimal("1.5")}
    assert asked(store, options={"by": "billing_period"}) == {(): Decimal("8.5")}


@pytest.mark.parametrize("query", [{"aggregate": ("nonsense",)}, {"sort_by": "nonsense"}])
def test_what_cannot_be_asked_is_refused_with_what_can(filled: Store, query: dict) -> None:
    with (
        filled.read() as connection,
        pytest.raises(UsageError, match="nonsense") as raised,
    ):
        costs(connection, Query(JANUARY, **query), ())
    assert "Allowed" in str(raised.value)
