"""Forecasts over bills that were really brought in, on both engines."""

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
from spendwatt.errors import UsageError
from spendwatt.estate import Budget, Estate
from spendwatt.filter_grammar import parse_filter
from spendwatt.money import Money
from spendwatt.table import DataStatus, Table
from storage.bills import ingest
from storage.engine import Store

HEADER = (
    "BillingPeriodStart,ChargePeriodStart,BillingAccountId,ServiceName,BilledCost,EffectiveCost,"
    "BillingCurrency,Tags,ProviderName"
)
FIRST = date(2025, 10, 1)
NOW = datetime(2026, 3, 11, 12, tzinfo=UTC)
LAST = date(2026, 3, 10)


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


ESTATE = Estate(
    budgets=(
        Budget("all", usd("4000")),
        Budget("storage", usd("100000"), parse_filter('service:"S3"')),
        Budget("tagged", usd("100"), parse_filter('tag[team]:"ml"')),
    )
)


def bring(store: Store, tmp_path: Path) -> Store:
    """Steady bills from October to 10 March: EC2 100.01 a day, S3 50 a day."""
    file = tmp_path / "bill.csv"
    lines = [HEADER]
    for place in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=place)
        period = f"{day:%Y-%m}-01T00:00:00Z,{day}T05:00:00Z,111"
        lines.append(f'{period},EC2,100.01,100.01,USD,"{{""team"":""ml""}}",AWS')
        lines.append(f"{period},S3,50,50,USD,,AWS")
    file.write_text("\n".join(lines))
    ingest(store, replace(files.snapshot([file], "aws"), received_at=NOW), now=NOW)
    return store


@pytest.fixture
def billed(sqlite_store: Store, tmp_path: Path) -> Store:
    """The bills in SQLite: what a forecast says does not depend on the engine."""
    return bring(sqlite_store, tmp_path)


def ask(store: Store, **params: str) -> Table:
    return run_report("forecast", params, store, ESTATE, NOW)


def test_the_month_is_forecast_in_total_with_exact_spend_so_far(billed: Store) -> None:
    table = ask(billed)
    [row] = table.rows
    assert row["billed_so_far"] == Decimal("1500.10")
    assert row["month"] == date(2026, 3, 1)
    assert float(row["forecast_p50"]) == pytest.approx(31 * 150.01, rel=0.001)
    assert row["forecast_p10"] <= row["forecast_p50"] <= row["forecast_p90"]
    assert table.total[0]["billed_so_far"] == Decimal("1500.10")
    assert table.status == DataStatus.ESTIMATED


def test_services_are_forecast_one_by_one_and_filtered(billed: Store) -> None:
    rows = ask(billed, aggregate="service").rows
    assert [(row["service"], row["billed_so_far"]) for row in rows] == [
        ("EC2", Decimal("1000.1")),
        ("S3", Decimal(500)),
    ]
    [only] = ask(billed, aggregate="account", filter='service:"S3"').rows
    assert (only["account"], only["billed_so_far"]) == ("111", Decimal(500))


def test_budgets_break_on_a_day_whatever_their_filter_asks_for(billed: Store) -> None:
    rows = {row["budget"]: row for row in ask(billed, aggregate="budget").rows}
    assert rows["all"]["breaks_on"] == date(2026, 3, 27)
    assert rows["all"]["billed_so_far"] == Decimal("1500.10")
    assert rows["storage"]["breaks_on"] is None
    assert rows["tagged"]["billed_so_far"] == Decimal("1000.1")
    assert rows["tagged"]["breaks_on"] == date(2026, 3, 1)


def test_what_a_forecast_cannot_be_asked_is_said(billed: Store) -> None:
    with pytest.raises(UsageError, match="one aggregate"):
        ask(billed, aggregate="service,account")
    with pytest.raises(UsageError, match="its own filter"):
        ask(billed, aggregate="budget", filter='service:"S3"')


def test_each_engine_gives_the_same_exact_spend(store: Store, tmp_path: Path) -> None:
    bring(store, tmp_path)
    spent = {row["budget"]: row["billed_so_far"] for row in ask(store, aggregate="budget").rows}
    assert spent == {
        "all": Decimal("1500.10"),
        "storage": Decimal(500),
        "tagged": Decimal("1000.1"),
    }
    assert ask(store).total[0]["billed_so_far"] == Decimal("1500.10")


def test_an_empty_store_says_that_nothing_is_known(sqlite_store: Store) -> None:
    table = ask(sqlite_store)
    assert (table.rows, table.notes) == ([], ("No bills are known for this month yet.",))


def test_imported_history_is_judged_without_an_alarm(billed: Store) -> None:
    with billed.read() as connection:
        ledger = spend.ledger(connection, NOW)
    assert bool(ledger.assumed.any())
    assert BillShock().analyze(Inputs(as_of=NOW, estate=ESTATE, ledger=ledger)) == []
