"""Real and derived FOCUS bills: stored totals equal the exact sums of their texts."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import func, select

from collectors.billing.files import snapshot
from spendwatt.errors import InputError
from storage.bills import ingest
from storage.engine import Store
from storage.tables.bills import cost_daily, cost_ledger

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("SPENDWATT_ACCEPTANCE_DATA", ROOT.parent / "shared" / "data"))
BILLS = DATA / "billing"
NOW = datetime(2026, 11, 1, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not BILLS.is_dir(), reason=f"no acceptance data in {BILLS}")


def text_files() -> list[Path]:
    return sorted([*BILLS.glob("focus/*.csv"), *BILLS.glob("focus_spec_scenarios/*.csv")])


def runs() -> list[Path]:
    return sorted((BILLS / "derived_aws_data_exports").glob("run*"))


def exact_costs(path: Path) -> Iterator[tuple[Decimal, Decimal]]:
    """Read both costs as a plain program would; a row without both would be quarantined."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            costs = [(row.get(n) or "").strip("$ ").replace(",", "") for n in NAMES]
            try:
                yield Decimal(costs[0]), Decimal(costs[1])
            except InvalidOperation:
                continue


NAMES = ("BilledCost", "EffectiveCost")


def stored(store: Store) -> tuple[Decimal, Decimal, int]:
    c = cost_daily.c
    with store.read() as connection:
        billed, effective, facts = connection.execute(
            select(func.sum(c.billed_nano), func.sum(c.effective_nano), func.count())
        ).one()
    return Decimal(int(billed)).scaleb(-9), Decimal(int(effective)).scaleb(-9), facts


@pytest.mark.parametrize("path", text_files(), ids=lambda path: path.stem)
def test_totals_of_each_file_are_exact_and_importing_again_changes_nothing(
    sqlite_store: Store, path: Path
) -> None:
    exact = list(exact_costs(path))
    done = ingest(sqlite_store, snapshot([path], "s"), now=NOW)
    assert sum(each.rows for each in done) == len(exact)
    assert sum(each.billed_cost for each in done) == sum(billed for billed, _ in exact)
    assert sum(each.effective_cost for each in done) == sum(effective for _, effective in exact)
    billed, effective, facts = stored(sqlite_store)
    half = Decimal("0.5e-9") * facts
    assert abs(billed - sum(b for b, _ in exact)) <= half
    assert abs(effective - sum(e for _, e in exact)) <= half
    again = ingest(sqlite_store, snapshot([path], "s"), now=NOW)
    assert not any(each.changed for each in again)
    assert stored(sqlite_store) == (billed, effective, facts)


@pytest.mark.skipif(len(runs()) < 2, reason="no pair of runs in derived_aws_data_exports")
def test_second_run_of_an_export_replaces_the_first(store: Store) -> None:
    for run in runs():
        ingest(store, snapshot([run], "aws"), now=NOW)
    files = sorted(runs()[-1].rglob("*.parquet"))
    values = duckdb.execute(
        "SELECT BilledCost, EffectiveCost FROM read_parquet(?)", [[str(f) for f in files]]
    ).fetchall()
    billed, effective, facts = stored(store)
    half = Decimal("0.5e-9") * facts
    assert abs(billed - sum(Decimal(repr(b)) for b, _ in values)) <= half
    assert abs(effective - sum(Decimal(repr(e)) for _, e in values)) <= half
    with store.read() as connection:
        told = connection.scalar(select(func.sum(cost_ledger.c.billed_nano)))
    assert Decimal(int(told)).scaleb(-9) == billed


def test_all_spec_scenarios_are_one_source_when_imported_as_a_folder(sqlite_store: Store) -> None:
    folder = BILLS / "focus_spec_scenarios"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    done = ingest(sqlite_store, snapshot([folder], "spec"), now=NOW)
    exact = [costs for path in sorted(folder.glob("*.csv")) for costs in exact_costs(path)]
    assert sum(each.billed_cost for each in done) == sum(billed for billed, _ in exact)


@pytest.mark.parametrize("path", sorted(BILLS.glob("focus/*.parquet")), ids=lambda path: path.stem)
def test_foreign_file_is_refused_by_name(path: Path) -> None:
    columns = duckdb.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
    if {"BilledCost", "EffectiveCost"} & {name for name, *_ in columns}:
        pytest.skip("this one is a bill")
    with pytest.raises(InputError, match=f"{path.name}.*neither BilledCost nor EffectiveCost"):
        snapshot([path], "s")
