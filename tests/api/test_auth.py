"""Who is served: tokens by role, and without any token only the machine itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from api.auth import is_loopback, require_safe_bind
from spendwatt.errors import ConfigError
from storage import tokens
from storage.engine import Store
from storage.tokens import Role

OPEN = {"/livez", "/readyz"}
READING = ["/api/v1/prices", "/api/v1/findings", "/api/v1/reports", "/api/v1/openapi.json"]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("path", [*READING, "/metrics"])
@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.VIEWER, 200), (Role.OPERATOR, 200), (Role.ADMIN, 200), (Role.INGEST, 403)],
)
def test_reading_needs_a_role_that_reads(
    serve, make_token, sqlite_store: Store, path: str, role: Role, status: int
) -> None:
    header = make_token(sqlite_store, role)
    assert serve(sqlite_store).get(path, headers=header).status_code == status


def test_every_route_but_health_refuses_a_caller_without_a_token(
    serve, app_for, make_token, sqlite_store: Store
) -> None:
    make_token(sqlite_store, Role.INGEST)
    client = serve(sqlite_store)
    described = app_for(sqlite_store).openapi()["paths"]
    asked = 0
    for path, methods in {**described, "/api/v1/openapi.json": {"get": {}}}.items():
        for method in methods:
            answer = client.request(method, path.replace("{id}", "0123"))
            assert (answer.status_code == 401) == (path not in OPEN), f"{method} {path}"
            asked += 1
    assert asked >= 7


def test_a_wrong_token_is_told_how_to_get_a_right_one(serve, make_token, sqlite_store) -> None:
    header = make_token(sqlite_store, Role.VIEWER)
    wrong = {"Authorization": header["Authorization"][:-1] + "~"}
    answer = serve(sqlite_store).get("/api/v1/prices", headers=wrong)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "spendwatt token create" in answer.json()["do"]
    assert header["Authorization"][-20:] not in answer.text


def test_a_revoked_token_opens_nothing(serve, make_token, sqlite_store: Store) -> None:
    header = make_token(sqlite_store, Role.VIEWER, "laptop")
    make_token(sqlite_store, Role.ADMIN, "other")
    client = serve(sqlite_store)
    assert client.get("/api/v1/prices", headers=header).status_code == 200
    with sqlite_store.write() as connection:
        tokens.revoke(connection, "laptop", NOW)
    assert client.get("/api/v1/prices", headers=header).status_code == 401


def test_the_use_of_a_token_is_noted_at_most_once_a_minute(
    app_for, running, make_token, sqlite_store: Store, clock
) -> None:
    header = make_token(sqlite_store, Role.VIEWER)
    used = []
    for _ in range(3):
        with running(app_for(sqlite_store, clock=clock)) as base:
            assert httpx.get(f"{base}/api/v1/prices", headers=header).status_code == 200
        with sqlite_store.read() as connection:
            used.append(tokens.list_tokens(connection)[0].last_used_at)
        clock.advance(timedelta(seconds=40))
    assert used == [NOW, NOW, NOW + timedelta(seconds=80)]


def test_without_tokens_a_loopback_caller_is_served(client: httpx.Client) -> None:
    assert client.get("/api/v1/prices").status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8321", "10.0.0.5", "", "[::1"])
def test_a_page_that_rebinds_its_name_to_loopback_is_refused(
    client: httpx.Client, host: str
) -> None:
    answer = client.get("/api/v1/prices", headers={"Host": host})
    assert answer.status_code == 403
    assert "spendwatt token create" in answer.json()["do"]


@pytest.mark.parametrize("host", ["localhost", "localhost:8321", "127.0.0.1", "[::1]:8321"])
def test_a_loopback_host_header_is_served(client: httpx.Client, host: str) -> None:
    assert client.get("/api/v1/prices", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_a_caller_behind_a_proxy_on_this_machine_is_not_local(
    client: httpx.Client, header: str
) -> None:
    assert client.get("/api/v1/prices", headers={header: "127.0.0.1"}).status_code == 403


def test_with_tokens_a_proxy_and_any_name_are_fine(serve, make_token, sqlite_store) -> None:
    header = make_token(sqlite_store, Role.VIEWER)
    through = {**header, "Host": "spend.example.org", "X-Forwarded-For": "203.0.113.9"}
    assert serve(sqlite_store).get("/api/v1/prices", headers=through).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "spend.example.org", ""])
def test_a_reachable_address_needs_a_token_first(sqlite_store, make_token, host: str) -> None:
    with pytest.raises(ConfigError, match="there is no token"):
        require_safe_bind(host, sqlite_store)
    make_token(sqlite_store, Role.INGEST)
    require_safe_bind(host, sqlite_store)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "::ffff:127.0.0.1"])
def test_a_loopback_address_needs_no_token(sqlite_store: Store, host: str) -> None:
    assert is_loopback(host)
    require_safe_bind(host, sqlite_store)
