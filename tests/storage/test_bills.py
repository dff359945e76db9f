"""A bill is replaced, never added to, and its sums stay exact; on both engines."""

from __future__ import annotations

import json
import random
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from collectors.billing.files import snapshot
from spendwatt.errors import InputError, MoneyError
from spendwatt.query import CostMetric, Query
from spendwatt.records import SNAPSHOT
from spendwatt.window import Window
from storage.bills import Ingested, ingest, known
from storage.bills.swap import FACT_TABLES
from storage.engine import Store
from storage.queries import ledger, told
from storage.queries.costs import costs
from storage.queries.quality import quality
from storage.queries.sources import sources
from storage.tables.bills import cost_daily, cost_ledger
from storage.tables.deliveries import delivery

NOW = datetime(2026, 2, 10, 12, tzinfo=UTC)
EVER = Window(datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))


def contents(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Give every stored fact and summary, less the number of its delivery."""
    with store.read() as connection:
        return {
            table.name: sorted(
                (tuple(row)[1:] for row in connection.execute(select(table))), key=repr
            )
            for table in FACT_TABLES
        }


def billed(store: Store, *names: str) -> dict[tuple[str | None, ...], Decimal]:
    with store.read() as connection:
        found = costs(connection, Query(EVER, names, limit=0), ()).rows
    return {tuple(row[name] for name in names): row["billed_cost"] for row in found}


def test_bill_is_stored_with_its_exact_sums(store: Store, make_delivery) -> None:
    rows = [{"BilledCost": "0.1"}, {"BilledCost": "0.2"}, {"BilledCost": "-0.05", "RegionId": ""}]
    found = ingest(store, make_delivery(rows), now=NOW)
    assert found == [
        Ingested("aws", date(2026, 1, 1), "USD", 3, 0, Decimal("0.25"), Decimal("3.75"), True)
    ]
    assert billed(store, "region") == {
        ("us-east-1",): Decimal("0.3"),
        (None,): Decimal("-0.05"),
    }


def test_importing_again_changes_nothing(store: Store, make_delivery) -> None:
    made = make_delivery([{}, {"ServiceName": "S3"}])
    ingest(store, made, now=NOW)
    before = contents(store)
    again = ingest(store, made, now=NOW + timedelta(days=1))
    assert [each.changed for each in again] == [False]
    assert contents(store) == before
    with store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(delivery)) == 1
        assert connection.scalar(select(func.count()).select_from(cost_ledger)) == 2


def test_restated_period_replaces_the_old_one(store: Store, make_delivery) -> None:
    ingest(store, make_delivery([{"BilledCost": "10"}, {"ServiceName": "S3"}]), now=NOW)
    later = NOW + timedelta(days=1)
    ingest(store, make_delivery([{"BilledCost": "11"}]), now=later)
    assert billed(store, "service") == {("EC2",): Decimal(11)}
    with store.read() as connection:
        found = told.changes(connection, EVER, CostMetric.BILLED, ["service"])
    first, second = sorted({change.delivery_id for change in found})
    assert {(change.delivery_id, *change.fields): change.nano for change in found} == {
        (first, "EC2"): 10_000_000_000,
        (first, "S3"): 1_500_000_000,
        (second, "EC2"): 1_000_000_000,
        (second, "S3"): -1_500_000_000,
    }


def test_identical_rows_are_all_counted(store: Store, make_delivery) -> None:
    ingest(store, make_delivery([{}, {}, {}]), now=NOW)
    assert billed(store) == {(): Decimal("4.5")}


def test_period_absent_from_a_new_snapshot_is_kept_and_reported(
    store: Store, make_delivery
) -> None:
    february = {
        "BillingPeriodStart": "2026-02-01T00:00:00Z",
        "ChargePeriodStart": "2026-02-02T00:00:00Z",
    }
    ingest(store, make_delivery([{}, february]), now=NOW)
    done = ingest(store, make_delivery([february]), now=NOW + timedelta(hours=1))
    assert [(each.billing_period.month, each.changed) for each in done] == [(2, False)]
    assert billed(store) == {(): Decimal(3)}
    with store.read() as connection:
        assert sources(connection)[0].absent_periods == [date(2026, 1, 1)]


def test_known_fingerprints_follow_the_newest_snapshot(store: Store, make_delivery) -> None:
    made = make_delivery([{}])
    ingest(store, made, now=NOW)
    assert known(store, "aws") == {"2026-01": made.fingerprint, SNAPSHOT: made.fingerprint}
    assert known(store, "nobody") == {}


def test_imported_history_gets_an_assumed_past(store: Store, make_delivery) -> None:
    rows = [{}, {"ChargePeriodStart": "2026-02-09T00:00:00Z"}]
    ingest(store, make_delivery(rows), now=NOW)
    with store.read() as connection:
        seen = ledger.changes(connection, first_day=date(2026, 1, 1), as_of=NOW)
        early = ledger.changes(
            connection, first_day=date(2026, 1, 1), as_of=datetime(2026, 1, 20, tzinfo=UTC)
        )
    assert sorted(seen.assumed) == [False, True]
    assert (len(early.day), early.billed_nano) == (1, [1_500_000_000])


def test_replaced_days_are_known_from_their_own_receipt(store: Store, make_delivery) -> None:
    ingest(store, make_delivery([{"BilledCost": "1"}], received_at=NOW), now=NOW)
    later = NOW + timedelta(days=3)
    ingest(store, make_delivery([{"BilledCost": "4"}], received_at=later), now=later)
    with store.read() as connection:
        then = ledger.changes(connection, first_day=date(2026, 1, 1), as_of=NOW)
        now = ledger.changes(connection, first_day=date(2026, 1, 1), as_of=later)
    assert sum(then.billed_nano) == 1_000_000_000
    assert sum(now.billed_nano) == 4_000_000_000


def test_currencies_are_told_apart_and_a_missing_one_is_xxx(store: Store, make_delivery) -> None:
    rows = [{}, {"BillingCurrency": "EUR"}, {"BillingCurrency": "NULL"}, {"BillingCurrency": "EUR"}]
    found = ingest(store, make_delivery(rows), now=NOW)
    assert {each.billing_currency: each.billed_cost for each in found} == {
        "EUR": Decimal(3),
        "USD": Decimal("1.5"),
        "XXX": Decimal("1.5"),
    }


def test_bad_rows_are_quarantined_by_file_line_and_column(store: Store, make_delivery) -> None:
    rows = [{} for _ in range(9)]
    rows[4] = {"BilledCost": "twelve"}
    rows[7] = {"ChargePeriodStart": "yesterday"}
    found = ingest(store, make_delivery(rows), now=NOW)
    assert [(each.rows, each.quarantined) for each in found] == [(7, 2)]
    with store.read() as connection:
        named = quality(connection, "aws")[0].quarantined_rows
    assert [(row.file, row.line, row.column) for row in named] == [
        ("bill.csv", 6, "BilledCost"),
        ("bill.csv", 9, "ChargePeriodStart"),
    ]


def test_delivery_with_too_many_bad_rows_is_rejected_and_the_old_one_stands(
    store: Store, make_delivery
) -> None:
    ingest(store, make_delivery([{}]), now=NOW)
    before = contents(store)
    bad = [{"BilledCost": "?"}] * 6 + [{}] * 20
    with pytest.raises(InputError, match=r"bill\.csv, line 2, column BilledCost.*6 of 26"):
        ingest(store, make_delivery(bad), now=NOW)
    assert contents(store) == before
    with store.read() as connection:
        assert sources(connection)[0].rejected_periods == [date(2026, 1, 1)]


def test_sum_beyond_what_can_be_stored_is_a_clear_error(store: Store, make_delivery) -> None:
    with pytest.raises(MoneyError, match="more than can be stored"):
        ingest(store, make_delivery([{"BilledCost": "9999999999"}] * 2), now=NOW)
    assert contents(store)["cost_daily"] == []


def test_concurrent_imports_leave_one_of_them_whole(store: Store, write_bill) -> None:
    made = [
        snapshot([write_bill([{"BilledCost": str(n)}] * 3, f"b{n}.csv")], "aws") for n in (1, 2)
    ]
    threads = [threading.Thread(target=ingest, args=(store, d), kwargs={"now": NOW}) for d in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (total,) = billed(store).values()
    assert total in {Decimal(3), Decimal(6)}
    with store.read() as connection:
        changed = connection.scalar(select(func.sum(cost_ledger.c.billed_nano)))
        current = connection.scalar(
            select(func.count()).select_from(delivery).where(delivery.c.state == "current")
        )
    assert int(changed) == total * 10**9
    assert current == 1


amounts = st.decimals(
    min_value=-10_000, max_value=10_000, allow_nan=False, allow_infinity=False, places=12
)
line_items = st.fixed_dictionaries(
    {
        "BilledCost": amounts.map(str),
        "EffectiveCost": amounts.map(lambda amount: f"{amount:E}"),
        "ServiceName": st.sampled_from(["EC2", "S3", "", "NULL", "Größe, 'x'"]),
        "ResourceId": st.sampled_from(["i-1", "i-2", ""]),
        "Tags": st.sampled_from(["", '{"a": "1", "b": "2"}', '{"b":"2","a":"1"}', '"a": "1"']),
        "ChargePeriodStart": st.sampled_from(
            ["2026-01-01", "2026-01-01 23:59:59", "2026-01-02T00:30:00+02:00", "2026-01-03"]
        ),
        "BillingCurrency": st.sampled_from(["USD", "EUR"]),
    }
)


def model(rows: list[Mapping[str, str]]) -> dict[tuple[str, str], tuple[Decimal, Decimal]]:
    """Sum as a plain program would: by day and currency, exactly."""
    sums: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    for row in rows:
        day = {"2026-01-02T00:30:00+02:00": "2026-01-01"}.get(
            row["ChargePeriodStart"], row["ChargePeriodStart"][:10]
        )
        key = (day, row["BillingCurrency"])
        old = sums.get(key, (Decimal(0), Decimal(0)))
        new = (Decimal(row["BilledCost"]), Decimal(row["EffectiveCost"]))
        sums[key] = (old[0] + new[0], old[1] + new[1])
    return sums


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=st.lists(line_items, min_size=1, max_size=40), seed=st.integers(0, 99))
def test_any_delivery_equals_a_plain_sum_in_any_order_and_split(
    store: Store, write_bill, rows: list[dict[str, str]], seed: int
) -> None:
    shuffled = random.Random(seed).sample(rows, len(rows))
    half = len(rows) // 2
    whole = snapshot([write_bill(rows, "whole/one.csv")], "s")
    parts = snapshot(
        [write_bill(shuffled[:half], "p/1.csv"), write_bill(shuffled[half:], "p/2.csv")], "s"
    )
    ingest(store, whole, now=NOW)
    assert [each.changed for each in ingest(store, parts, now=NOW)] == [False] * len(
        {row["BillingCurrency"] for row in rows}
    )
    expected = model(rows)
    stored: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    with store.read() as connection:
        for fact in connection.execute(select(cost_daily)):
            sums = stored[str(fact.day), fact.currency]
            sums[0] += fact.billed_nano
            sums[1] += fact.effective_nano
            sums[2] += 1
    assert stored.keys() == expected.keys()
    for key, exact in expected.items():
        *nano, facts = stored[key]
        for have, want in zip(nano, exact, strict=True):
            assert abs(Decimal(have) - want.scaleb(9)) <= Decimal("0.5") * facts


def test_each_fact_is_rounded_once_half_to_even(store: Store, make_delivery) -> None:
    halves = ["0.0000000005", "0.0000000015", "-0.0000000025", "0.00000000149999"]
    rows = [{"BilledCost": text, "ResourceId": text} for text in halves]
    ingest(store, make_delivery(rows), now=NOW)
    expected = [
        int(Decimal(text).scaleb(9).quantize(Decimal(1), ROUND_HALF_EVEN)) for text in halves
    ]
    with store.read() as connection:
        found = connection.scalars(select(cost_daily.c.billed_nano))
        assert sorted(found) == sorted(expected)


def test_equal_tags_in_other_spelling_are_one_set(store: Store, make_delivery) -> None:
    spellings = ['{"b":"2","a":"1"}', '{"a": "1", "b": "2"}', '"a": "1", "b": "2"']
    ingest(store, make_delivery([{"Tags": text} for text in spellings]), now=NOW)
    assert billed(store, "tag:a", "tag:b") == {("1", "2"): Decimal("4.5")}
    assert len(contents(store)["cost_daily"]) == 1


def test_delivery_of_one_period_takes_all_its_rows(sqlite_store: Store, make_delivery) -> None:
    other = {"BillingPeriodStart": "2025-12-01T00:00:00Z"}
    whole = replace(make_delivery([{}, other]), billing_period=date(2026, 1, 1))
    (done,) = ingest(sqlite_store, whole, now=NOW)
    assert (done.billing_period, done.rows) == (date(2026, 1, 1), 2)
    assert known(sqlite_store, "aws") == {"2026-01": whole.fingerprint}


def test_delivery_names_its_files_and_period(store: Store, make_delivery) -> None:
    made = make_delivery([{}])
    ingest(store, made, now=NOW)
    with store.read() as connection:
        files = connection.scalar(select(delivery.c.files))
    assert [Path(name).name for name in json.loads(files)] == ["bill.csv"]
