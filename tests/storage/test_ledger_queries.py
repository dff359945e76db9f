from __future__ import annotations

from datetime import UTC, date, datetime

from storage.bills import ingest
from storage.engine import Store
from storage.queries import ledger

NOW = datetime(2026, 2, 10, 12, tzinfo=UTC)


def test_series_are_told_apart_by_the_account_that_uses_and_the_one_that_pays(
    store: Store, make_delivery
) -> None:
    rows = [{}, {"SubAccountId": "300"}, {"SubAccountId": ""}, {"BillingAccountId": "101"}]
    ingest(store, make_delivery(rows), now=NOW)
    with store.read() as connection:
        found = ledger.changes(connection, first_day=date(2026, 1, 1), as_of=NOW)
    assert {series[1:3] for series in found.series} == {
        ("100", "200"),
        ("100", "300"),
        ("100", ""),
        ("101", "200"),
    }
    assert found.billed_nano == [1_500_000_000] * 4


def test_accounts_are_named_as_the_bill_names_them(store: Store, make_delivery) -> None:
    rows = [{}, {"SubAccountId": "300", "SubAccountName": ""}]
    ingest(store, make_delivery(rows), now=NOW)
    with store.read() as connection:
        names = ledger.account_names(connection)
    assert names == {("AWS", "100"): "Payer", ("AWS", "200"): "Team"}
