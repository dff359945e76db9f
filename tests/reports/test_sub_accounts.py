"""Sub-accounts of one payer are judged one by one; who asks for the payer gets their sum."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from analysis.bill_shock import BillShock
from analysis.inputs import Inputs
from collectors.billing import files
from reports import spend
from reports.contract import run_report
from spendwatt.estate import Budget, Estate
from spendwatt.filter_grammar import parse_filter
from spendwatt.money import Money
from storage.bills import ingest
from storage.engine import Store
from storage.queries.ledger import account_names

HEADER = (
    "BillingPeriodStart,ChargePeriodStart,BillingAccountId,SubAccountId,SubAccountName,"
    "ServiceName,BilledCost,EffectiveCost,BillingCurrency,ProviderName"
)
FIRST, LAST = date(2025, 10, 1), date(2026, 3, 10)
NOW = datetime(2026, 3, 11, 12, tzinfo=UTC)
SHOCK = date(2026, 3, 8)
LIMIT = Money(Decimal(4000), "USD")
ESTATE = Estate(
    budgets=(
        Budget("payer", LIMIT, parse_filter('account:"111"')),
        Budget("ml", LIMIT, parse_filter('sub_account:"222"')),
        Budget("web", LIMIT, parse_filter('sub_account:"333"')),
        Budget("nobody", LIMIT, parse_filter('account:"222"')),
    )
)


@pytest.fixture
def billed(sqlite_store: Store, tmp_path: Path) -> Store:
    """One payer: sub-account 222 jumps by 300 a day while 333 falls by as much."""
    file = tmp_path / "bill.csv"
    lines = [HEADER]
    for place in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=place)
        moved = 300 if day >= SHOCK else 0
        period = f"{day:%Y-%m}-01T00:00:00Z,{day}T05:00:00Z,111"
        lines.append(f"{period},222,ml,EC2,{100 + moved},{100 + moved},USD,AWS")
        lines.append(f"{period},333,web,EC2,{400 - moved},{400 - moved},USD,AWS")
    file.write_text("\n".join(lines))
    ingest(sqlite_store, replace(files.snapshot([file], "aws"), received_at=NOW), now=NOW)
    return sqlite_store


def test_what_cancels_out_inside_a_payer_is_told_by_the_sub_account_s_name(billed: Store) -> None:
    with billed.read() as connection:
        inputs = Inputs(
            as_of=NOW,
            estate=ESTATE,
            ledger=spend.ledger(connection, NOW),
            account_names=account_names(connection),
        )
    [up] = [found for found in BillShock().analyze(inputs) if found.labels["direction"] == "up"]
    assert up.labels["account"] == "222"
    assert up.title.startswith("AWS ml EC2: $400 on")
    assert up.evidence["account_name"] == "ml"


def test_budgets_tell_the_payer_from_its_sub_accounts_exactly(billed: Store) -> None:
    rows = run_report("forecast", {"aggregate": "budget"}, billed, ESTATE, NOW).rows
    assert {row["budget"]: row["billed_so_far"] for row in rows} == {
        "payer": Decimal(5000),
        "ml": Decimal(1900),
        "web": Decimal(3100),
        "nobody": Decimal(0),
    }


def test_a_forecast_by_account_is_the_payer_s_and_by_sub_account_its_parts(billed: Store) -> None:
    [payer] = run_report("forecast", {"aggregate": "account"}, billed, ESTATE, NOW).rows
    parts = run_report("forecast", {"aggregate": "sub_account"}, billed, ESTATE, NOW)
    assert (payer["account"], payer["billed_so_far"]) == ("111", Decimal(5000))
    assert {row["sub_account"]: row["billed_so_far"] for row in parts.rows} == {
        "222": Decimal(1900),
        "333": Decimal(3100),
    }
    [one] = run_report(
        "forecast", {"aggregate": "account", "filter": 'sub_account:"222"'}, billed, ESTATE, NOW
    ).rows
    assert (one["account"], one["billed_so_far"]) == ("111", Decimal(1900))
    assert parts.total[0]["billed_so_far"] == Decimal(5000)
