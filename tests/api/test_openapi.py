"""The description of the interface: what it promises is kept, and it changes only on purpose."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode, openapi
from schemathesis.specs.openapi.checks import positive_data_acceptance

from collectors.billing import files
from reports.contract import find_report, names
from spendwatt.records import Gpu, MinuteReading
from storage import telemetry
from storage.bills import ingest
from storage.engine import Store
from storage.tokens import Role

QUICK = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


BILL = """BillingPeriodStart,ChargePeriodStart,ServiceName,BilledCost,EffectiveCost,BillingCurrency
2026-02-01,2026-02-27,EC2,10.10,9,USD
2026-02-01,2026-02-28,EC2,11,9,USD
2026-03-01,2026-03-01,=S3,-1,-1,EUR
"""
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def filled(sqlite_store: Store, tmp_path: Path) -> Store:
    """Give a store that holds a bill and an hour of a GPU's readings."""
    bill = tmp_path / "bill.csv"
    bill.write_text(BILL)
    ingest(sqlite_store, files.snapshot([bill], "aws"), now=NOON)
    minutes = [
        MinuteReading(Gpu("GPU-1", host="a"), NOON - timedelta(minutes=n), 6, 60.0)
        for n in range(1, 60)
    ]
    telemetry.save(sqlite_store, "this-host", minutes, now=NOON)
    return sqlite_store


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_operation_keeps_what_its_description_promises(
    running, app_for, prices, make_token, filled: Store, mode: GenerationMode
) -> None:
    header = make_token(filled, Role.ADMIN)
    installed = {name: find_report(name) for name in names()}
    app = app_for(filled, reports={"prices": prices, **installed})
    asked = 0
    with running(app) as base:
        described = openapi.from_url(f"{base}/api/v1/openapi.json", headers=header)
        for found in described.get_all_operations():
            operation = found.ok()
            if mode is GenerationMode.NEGATIVE and not _takes_something(operation):
                continue

            @QUICK
            @given(case=operation.as_strategy(generation_mode=mode))
            def ask(case) -> None:
                nonlocal asked
                asked += 1
                # A window and a filter are languages of their own: JSON Schema cannot tell them.
                case.call_and_validate(headers=header, excluded_checks=[positive_data_acceptance])

            ask()
    assert asked > 50


def test_no_get_changes_anything(serve, app_for, filled: Store) -> None:
    installed = {name: find_report(name) for name in names()}
    client, before = serve(filled, reports=installed), dump(filled)
    described = app_for(filled, reports=installed).openapi()["paths"]
    asked = [path for path, ways in described.items() if "get" in ways]
    for path in asked:
        assert client.get(path.replace("{id}", "0123")).status_code in {200, 403, 404}, path
    assert len(asked) >= 14
    assert dump(filled) == before


def dump(store: Store) -> list[str]:
    """Give every row of an SQLite store, as SQL."""
    with store.read() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        return list(driver.iterdump())


def _takes_something(operation) -> bool:
    return any((operation.query, operation.path_parameters, operation.body))
