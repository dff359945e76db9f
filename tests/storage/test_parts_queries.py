from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from spendwatt.parts import PartDays, PartsAsked
from storage.bills import ingest
from storage.engine import Store
from storage.queries.parts import parts

NOW = datetime(2026, 2, 10, 12, tzinfo=UTC)
DAYS = (date(2026, 1, 20), date(2026, 1, 21))
BEFORE = tuple(date(2026, 1, 6) + timedelta(days=place) for place in range(14))
ASKED = PartsAsked("AWS", "200", "EC2", "USD", days=DAYS, before=BEFORE)


def charged(day: date, cost: str, **row: str) -> dict[str, str]:
    return {"ChargePeriodStart": f"{day}T00:00:00Z", "BilledCost": cost, **row}


def found(store: Store, *, asked: PartsAsked = ASKED, most: int = 200) -> list[PartDays]:
    with store.read() as connection:
        return parts(connection, asked, most=most)


def test_parts_tell_resource_region_tags_cost_and_quantity_by_day(
    store: Store, make_delivery
) -> None:
    rows = [charged(day, "5") for day in BEFORE]
    rows += [charged(day, "7", ResourceId="i-2", ConsumedQuantity="24", Tags="") for day in DAYS]
    ingest(store, make_delivery(rows), now=NOW)
    old, new = sorted(found(store), key=lambda part: part.resource)
    assert (old.resource, old.region, old.sku, old.unit) == ("i-1", "us-east-1", "SKU1", "Hours")
    assert old.tags == {"team": "ml"}
    assert old.billed_cost == dict.fromkeys(BEFORE, 5.0)
    assert (new.tags, new.billed_cost) == ({}, dict.fromkeys(DAYS, 7.0))
    assert new.quantity == dict.fromkeys(DAYS, 24.0)


def test_other_accounts_services_currencies_and_days_are_left_out(
    store: Store, make_delivery
) -> None:
    rows = [
        charged(DAYS[0], "1"),
        charged(DAYS[0], "1", SubAccountId="201"),
        charged(DAYS[0], "1", ServiceName="S3"),
        charged(DAYS[0], "1", BillingCurrency="EUR"),
        charged(date(2026, 1, 28), "1"),
    ]
    ingest(store, make_delivery(rows), now=NOW)
    [part] = found(store)
    assert part.billed_cost == {DAYS[0]: 1.0}


def test_an_account_without_sub_accounts_is_found_by_who_pays(store: Store, make_delivery) -> None:
    rows = [charged(DAYS[0], "1", SubAccountId=""), charged(DAYS[0], "2")]
    ingest(store, make_delivery(rows), now=NOW)
    asked = PartsAsked("AWS", "100", "EC2", "USD", days=DAYS, before=BEFORE)
    [part] = found(store, asked=asked)
    assert part.billed_cost == {DAYS[0]: 1.0}


def test_only_the_largest_movers_are_read_and_a_replaced_bill_is_gone(
    store: Store, make_delivery
) -> None:
    steady = [charged(day, "900", ResourceId="steady") for day in (*BEFORE, *DAYS)]
    moved = [charged(day, "40", ResourceId="moved") for day in DAYS]
    ended = [charged(day, "30", ResourceId="ended") for day in BEFORE]
    ingest(store, make_delivery([*steady, *moved, *ended, charged(DAYS[1], "9")]), now=NOW)
    later = NOW + timedelta(days=1)
    ingest(store, make_delivery([*steady, *moved, *ended], name="again.csv"), now=later)
    assert [part.resource for part in found(store, most=1)] == ["moved"]
    assert {part.resource for part in found(store, most=2)} == {"moved", "ended"}
    assert {part.resource for part in found(store)} == {"moved", "ended", "steady"}


@pytest.mark.parametrize("days", [(), DAYS])
def test_nothing_known_is_no_parts(sqlite_store: Store, days: tuple[date, ...]) -> None:
    asked = PartsAsked("AWS", "200", "EC2", "USD", days=days, before=BEFORE)
    assert found(sqlite_store, asked=asked) == []
