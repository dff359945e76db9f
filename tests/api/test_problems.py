"""Every error is a problem document that says what is wrong and what is allowed."""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy import create_engine

from api.context import ApiSettings
from api.problems import SECURITY_HEADERS
from storage import migrate
from storage.engine import Store, open_store


def told(answer, status: int) -> dict:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["type"] == "about:blank"
    assert body["title"]
    assert body["detail"]
    return body


def test_an_unknown_address_is_told_as_a_problem(client) -> None:
    body = told(client.get("/api/v1/nothing"), 404)
    assert "/api/v1/nothing" in body["detail"]
    assert "openapi.json" in body["do"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_report_cannot_be_written_to(client, method: str) -> None:
    answer = client.request(method, "/api/v1/prices")
    body = told(answer, 405)
    assert body["do"] == "Allowed: GET"
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize(
    ("query", "parameter", "hint"),
    [
        ("window=soon", "window", "lastmonth"),
        ("window=2026-03-01,2026-02-01", "window", None),
        ("window=2026-02-01,2026-02-01", "window", None),
        ("aggregate=planet", "aggregate", "service, label:NAME"),
        ("aggregate=label", "aggregate", "label:NAME"),
        ("aggregate=service,service", "aggregate", "different"),
        ("filter=planet:%22a%22", "filter", "label[NAME]"),
        ("filter=service", "filter", "Example"),
        ("accumulate=maybe", "accumulate", "true, false"),
        ("limit=0", "limit", "from 1 to 100,000"),
        ("limit=1000000", "limit", "100,000"),
        ("limit=%D9%A1", "limit", "whole number"),
        ("offset=-1", "offset", "from 0"),
        ("sort_by=planet", "sort_by", "billed_cost"),
        ("cost_metric=dear", "cost_metric", "effective_cost"),
        ("format=xml", "format", "json, csv"),
        ("size=huge", "size", "big, small"),
        ("since=soon", "since", "2026-02-28"),
        ("at=soon", "at", "RFC 3339"),
        ("rate=11", "rate", "from 0 to 10"),
        ("rate=NaN", "rate", "decimal number"),
        ("colour=red", "colour", "window, aggregate"),
        ("colour=red", "colour", "limit, offset, format"),
        ("limit=1&limit=2", "limit", "once"),
        ("filter=service:%22%00%22", "filter", "NUL"),
    ],
)
def test_a_wrong_parameter_is_named_with_what_is_allowed(
    client, query: str, parameter: str, hint: str | None
) -> None:
    body = told(client.get(f"/api/v1/prices?{query}"), 422)
    assert body["parameter"] == parameter
    assert hint is None or hint in f"{body['detail']} {body.get('do')}"


def test_a_fault_of_ours_shows_neither_stack_nor_secret(serve, sqlite_store) -> None:
    answer = serve(sqlite_store).get("/api/v1/broken")
    body = told(answer, 500)
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text
    assert "not at fault" in body["detail"]


def test_a_database_that_is_away_is_a_503_with_a_wait(serve, tmp_path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}")
    client = serve(store, settings=ApiSettings(retry_after_seconds=7))
    answer = client.get("/api/v1/findings")
    body = told(answer, 503)
    assert answer.headers["retry-after"] == "7"
    assert "folder.db" not in body["detail"], "an error tells no address of the database"
    store.close()


def test_a_crowd_is_told_to_come_again(serve, tmp_path) -> None:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    store = Store(create_engine(url, pool_size=1, max_overflow=0, pool_timeout=0.01))
    migrate.upgrade(store)
    client = serve(store)
    with store.read():
        answer = client.get("/api/v1/findings")
    told(answer, 503)
    assert answer.headers["retry-after"] == "5"
    assert client.get("/api/v1/findings").status_code == 200
    store.close()


def test_a_very_long_address_is_refused(client) -> None:
    body = told(client.get("/api/v1/prices?filter=" + "a" * 20_000), 414)
    assert body["do"] == "Allowed: 16,384 bytes"


@pytest.mark.parametrize(
    "path", ["/livez", "/api/v1/prices", "/api/v1/broken", "/nothing", "/api/v1/prices?limit=x"]
)
def test_every_answer_carries_the_security_headers(client, path: str) -> None:
    # A connection of its own: the server closes it after a fault.
    headers = httpx.get(client.base_url.join(path)).headers
    assert {name: headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert "server" not in headers


def test_head_answers_as_get_without_a_body(client) -> None:
    got, head = client.get("/api/v1/prices"), client.head("/api/v1/prices")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == str(len(got.content))
