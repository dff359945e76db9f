"""A report by REST: its JSON, its CSV, its description."""

from __future__ import annotations

import csv
import io

import httpx


def test_json_carries_exact_money_window_status_and_totals(client: httpx.Client) -> None:
    body = client.get("/api/v1/prices?window=lastmonth").json()
    assert body["window"] == {"start": "2026-02-01T00:00:00Z", "end": "2026-03-01T00:00:00Z"}
    assert body["status"] == "incomplete"
    assert body["notes"] == ["Tomorrow is missing."]
    assert [row["billed_cost"] for row in body["data"]] == ["1000", "10", "-1.5"]
    assert body["data"][0]["service"] is None
    assert body["total"] == [{"billing_currency": "USD", "billed_cost": "998.5"}]
    assert body["total_rows"] == 3
    assert [column["name"] for column in body["columns"]] == list(body["data"][0])


def test_total_covers_all_rows_not_the_page(client: httpx.Client) -> None:
    body = client.get("/api/v1/prices?limit=1&offset=1").json()
    assert [row["service"] for row in body["data"]] == ["Zürich"]
    assert body["total_rows"] == 3
    assert body["total"] == [{"billing_currency": "USD", "billed_cost": "998.5"}]


def test_missing_values_sort_last_in_both_orders(client: httpx.Client) -> None:
    def services(order: str) -> list[str | None]:
        rows = client.get(f"/api/v1/prices?sort_by={order}").json()["data"]
        return [row["service"] for row in rows]

    assert services("service") == ["=SUM(A1)", "Zürich", None]
    assert services("-service") == ["Zürich", "=SUM(A1)", None]


def test_csv_is_safe_to_open_in_a_spreadsheet(client: httpx.Client) -> None:
    answer = client.get("/api/v1/prices?format=csv&sort_by=billed_cost")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="prices.csv"'
    assert answer.headers["spendwatt-status"] == "incomplete"
    assert answer.headers["spendwatt-total-rows"] == "3"
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows == [
        ["service", "billing_currency", "billed_cost"],
        ["'=SUM(A1)", "USD", "-1.5"],
        ["Zürich", "EUR", "10"],
        ["", "USD", "1000"],
    ]


def test_the_catalogue_tells_columns_units_and_parameters(client: httpx.Client) -> None:
    reports = {r["name"]: r for r in client.get("/api/v1/reports").json()["reports"]}
    prices = reports["prices"]
    assert prices["path"] == "/api/v1/prices"
    cost = {"kind": "money", "unit": "billing_currency", "help": "What it cost."}
    assert {"name": "billed_cost", **cost} in prices["columns"]
    assert [p["name"] for p in prices["parameters"]] == [
        *("window", "aggregate", "filter", "cost_metric", "accumulate"),
        *("size", "since", "at", "rate", "sort_by", "limit", "offset"),
    ]
    assert [p["name"] for p in reports["broken"]["parameters"]] == ["sort_by", "limit", "offset"]


def test_every_example_of_the_description_is_accepted(client: httpx.Client) -> None:
    described = client.get("/api/v1/openapi.json").json()["paths"]["/api/v1/prices"]["get"]
    for parameter in described["parameters"]:
        example = str(parameter["example"])
        given = {parameter["name"]: example.lower() if example in {"True", "False"} else example}
        answer = client.get("/api/v1/prices", params=given)
        assert answer.status_code == 200, f"{given}: {answer.text}"
