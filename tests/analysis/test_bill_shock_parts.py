from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.bill_shock_parts import evidence, movers, movers_text
from spendwatt.parts import PartDays, PartsAsked

SHOCK = date(2026, 10, 13)
DAYS = tuple(SHOCK + timedelta(days=place) for place in range(3))
BEFORE = tuple(SHOCK - timedelta(days=place) for place in range(28, 0, -1))
ASKED = PartsAsked("AWS", "aws-ml", "EC2", "USD", days=DAYS, before=BEFORE)


def part(
    resource: str,
    before: float,
    now: float,
    *,
    price_before: float = 2.0,
    price_now: float = 2.0,
    region: str = "us-east-1",
    sku: str = "p5",
    tags: dict[str, str] | None = None,
) -> PartDays:
    cost = {day: before for day in BEFORE if before} | {day: now for day in DAYS if now}
    return PartDays(
        region=region,
        sku=sku,
        resource=resource,
        tags={"team": "ml"} if tags is None else tags,
        unit="Hours",
        billed_cost=cost,
        quantity={d: c / (price_now if d in DAYS else price_before) for d, c in cost.items()},
    )


def told(*parts: PartDays, direction: int = 1) -> str:
    return movers_text(movers(parts, ASKED, direction), parts)


def test_new_resources_are_told_together_with_where_whose_and_by_what() -> None:
    parts = (part("i-old", 500, 505), part("i-0p5a", 0, 1300), part("i-0p5b", 0, 1300))
    text = told(*parts)
    assert text == ("100 % two new resources i-0p5a, i-0p5b (us-east-1), tag team=ml (quantity up)")
    found = evidence(movers(parts, ASKED, 1))
    assert [(one["value"], one["new"], one["change"]) for one in found] == [
        ("i-0p5a", True, "quantity up"),
        ("i-0p5b", True, "quantity up"),
    ]
    assert found[0]["share"] == pytest.approx(0.5, abs=0.002)
    assert found[0]["tags"] == {"team": "ml"}


@pytest.mark.parametrize(
    ("price_now", "now", "change"),
    [(2.0, 900, "quantity up"), (6.0, 900, "price up"), (3.0, 900, "quantity and price up")],
)
def test_price_is_told_from_quantity(price_now: float, now: float, change: str) -> None:
    text = told(part("db", 300, now, price_now=price_now), part("other", 100, 100))
    assert text == f"100 % resource db (us-east-1), tag team=ml ({change})"


def test_what_has_ended_explains_a_drop() -> None:
    text = told(part("i-1", 400, 0), part("i-2", 300, 300), direction=-1)
    assert text == "100 % ended resource i-1 (us-east-1), tag team=ml (quantity down)"


def test_where_the_bill_names_no_resource_its_skus_are_told_and_else_nothing() -> None:
    assert told(part("", 10, 90, sku="tokens out")).startswith("100 % SKU tokens out (us-east-1)")
    assert told(part("", 10, 90, sku="")) == ""


def test_a_tag_that_only_the_movers_carry_comes_first() -> None:
    everywhere = {"a": "1", "b": "2", "c": "3"}
    parts = (
        part("old", 500, 500, tags=everywhere),
        part("new", 0, 90, tags={**everywhere, "owner": "eve"}),
    )
    assert "tag owner=eve, tag a=1 (quantity" in told(*parts)


def test_many_new_resources_are_counted_and_three_are_named() -> None:
    parts = [part(f"i-{place}", 0, 100) for place in range(5)]
    assert "five new resources i-0, i-1, i-2 and 2 more (us-east-1)" in told(*parts)


def test_the_weekend_of_a_part_is_its_own_expectation() -> None:
    weekly = {day: 10.0 if day.weekday() >= 5 else 100.0 for day in BEFORE}
    saturday = date(2026, 10, 17)
    asked = PartsAsked("AWS", "ml", "EC2", "USD", days=(saturday,), before=BEFORE)
    steady = PartDays("r", "s", "steady", billed_cost=weekly | {saturday: 10.0})
    moved = PartDays("r", "s", "moved", billed_cost=weekly | {saturday: 90.0})
    [one] = movers([steady, moved], asked, 1)
    assert (one.cause.part.value, one.cause.part.excess) == ("moved", pytest.approx(80.0))


AMOUNT = st.floats(0, 1e6)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(AMOUNT, AMOUNT), max_size=6), st.sampled_from([1, -1]))
def test_shares_are_parts_of_one_and_only_what_moved_that_way_is_told(
    amounts: list[tuple[float, float]], direction: int
) -> None:
    parts = [part(f"i-{place}", before, now) for place, (before, now) in enumerate(amounts)]
    ranked = movers(parts, ASKED, direction)
    assert sum(one.cause.share for one in ranked) <= 1 + 1e-9
    assert all(direction * one.cause.part.excess > 0 for one in ranked)
    assert bool(movers_text(ranked, parts)) == bool(evidence(ranked))
