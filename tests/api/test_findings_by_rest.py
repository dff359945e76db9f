"""Findings by REST: searching, one with its history, CSV."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from spendwatt.records import Finding, MoneyBasis, Severity
from storage import findings
from storage.engine import Store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def finding(host: str, severity: Severity = Severity.WARNING, **changes: object) -> Finding:
    values: dict[str, object] = {
        "kind": "idle_gpu",
        "labels": {"host": host},
        "severity": severity,
        "title": f"=Idle on {host}",
        "detail": "Since 22 h.",
        "next_step": "Ask the owner.",
        "opened_at": NOW - timedelta(hours=22),
        "money_at_stake": Decimal("484.50"),
        "money_basis": MoneyBasis.SPENT,
        "currency": "USD",
        "evidence": {"watts": 74.5, "cost": "484.5"},
    }
    return Finding(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def filled(sqlite_store: Store) -> Store:
    """Two findings, of which one is over."""
    return fill(sqlite_store)


def fill(store: Store) -> Store:
    a, b = finding("a"), finding("b", Severity.CRITICAL, money_at_stake=None)
    with store.write() as connection:
        findings.save(connection, ["idle_gpu"], [a, b], NOW - timedelta(days=2))
        findings.save(connection, ["idle_gpu"], [b], NOW)
    return store


def test_open_findings_come_first_with_all_that_scripts_rely_on(serve, store: Store) -> None:
    body = serve(fill(store)).get("/api/v1/findings").json()
    assert body["total_rows"] == 2
    first, second = body["findings"]
    assert (first["state"], second["state"]) == ("open", "resolved")
    assert first["id"] == finding("b").id
    assert first["labels"] == {"host": "b"}
    assert first["money_at_stake"] is None
    assert second["money_at_stake"] == "484.5"
    assert second["money_basis"] == "spent"
    assert second["resolved_at"] == "2026-03-01T12:00:00Z"
    assert {"kind", "severity", "title", "currency", "opened_at", "evidence"} <= first.keys()


@pytest.mark.parametrize(
    ("query", "hosts"),
    [
        ({"filter": 'state:"open"'}, ["b"]),
        ({"filter": 'severity:"critical"'}, ["b"]),
        ({"filter": 'label[host]:"a"|kind:"budget"'}, ["a"]),
        ({"limit": "1", "offset": "1"}, ["a"]),
        ({"window": "2026-01-01,2026-01-02"}, []),
        ({"window": "2026-03-02,2026-03-03"}, ["b"]),
    ],
)
def test_findings_are_searched_by_filter_window_and_page(
    serve, filled: Store, query: dict[str, str], hosts: list[str]
) -> None:
    body = serve(filled).get("/api/v1/findings", params=query).json()
    assert [found["labels"]["host"] for found in body["findings"]] == hosts


def test_one_finding_is_told_with_its_history(serve, filled: Store) -> None:
    id_ = finding("a").id
    client = serve(filled)
    whole, short = client.get(f"/api/v1/findings/{id_}"), client.get(f"/api/v1/findings/{id_[:6]}")
    assert whole.json() == short.json()
    assert [event["event"] for event in whole.json()["history"]] == ["opened", "resolved"]


@pytest.mark.parametrize(("id_", "status"), [("0000", 404), ("xyz", 422), ("..%2f", 404)])
def test_an_id_that_is_not_there_is_told(serve, filled: Store, id_: str, status: int) -> None:
    answer = serve(filled).get(f"/api/v1/findings/{id_}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["do"]


def test_findings_as_csv_are_safe_to_open(serve, filled: Store) -> None:
    answer = serve(filled).get("/api/v1/findings?format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["title"] for row in rows] == ["'=Idle on b", "'=Idle on a"]
    assert rows[1]["money_at_stake"] == "484.5"
    assert rows[1]["evidence"] == '{"watts":74.5,"cost":"484.5"}'
