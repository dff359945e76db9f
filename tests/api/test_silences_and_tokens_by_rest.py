"""What changes something by REST: who may, what is kept, what is refused."""

from __future__ import annotations

import pytest

from api.context import ApiSettings
from storage import silences, tokens
from storage.engine import Store
from storage.tokens import Role

SILENCE = {"filter": 'kind:"idle_gpu"', "for": "7d", "reason": "Benchmarks"}


def test_an_operator_mutes_and_unmutes(serve, make_token, store: Store) -> None:
    header = make_token(store, Role.OPERATOR, "ana")
    client = serve(store)
    made = client.post("/api/v1/silences", json=SILENCE, headers=header)
    assert made.status_code == 201
    body = made.json()
    assert body["created_by"] == "ana"
    assert body["ends_at"] == "2026-03-08T12:00:00Z"
    assert client.get("/api/v1/silences", headers=header).json() == {"silences": [body]}
    path = f"/api/v1/silences/{body['id']}"
    assert client.delete(path, headers=header).status_code == 204
    assert client.get("/api/v1/silences", headers=header).json() == {"silences": []}
    assert client.delete(path, headers=header).status_code == 404


@pytest.mark.parametrize(
    ("role", "reads", "writes"),
    [
        (Role.VIEWER, 200, 403),
        (Role.OPERATOR, 200, 201),
        (Role.INGEST, 403, 403),
        (Role.ADMIN, 200, 201),
    ],
)
def test_muting_needs_the_operator(
    serve, make_token, sqlite_store: Store, role: Role, reads: int, writes: int
) -> None:
    header = make_token(sqlite_store, role)
    client = serve(sqlite_store)
    assert client.get("/api/v1/silences", headers=header).status_code == reads
    answer = client.post("/api/v1/silences", json=SILENCE, headers=header)
    assert answer.status_code == writes


@pytest.mark.parametrize(
    ("change", "parameter"),
    [
        ({"filter": "kind"}, "filter"),
        ({"filter": 'service:"EC2"'}, "filter"),
        ({"filter": 'kind:"\0"'}, "filter"),
        ({"filter": "x" * 5_000}, "filter"),
        ({"for": "soon"}, "for"),
        ({"for": "999999999w"}, "for"),
        ({"reason": ""}, "reason"),
        ({"reason": " "}, "reason"),
        ({"reason": "\0"}, "reason"),
        ({"reason": 5}, "reason"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_silence_is_refused_and_nothing_kept(
    serve, sqlite_store: Store, change: dict[str, object], parameter: str
) -> None:
    answer = serve(sqlite_store).post("/api/v1/silences", json={**SILENCE, **change})
    assert answer.status_code == 422
    assert answer.json()["parameter"] == parameter
    with sqlite_store.read() as connection:
        assert silences.list_silences(connection) == []


def test_half_a_surrogate_pair_in_a_body_is_refused(client) -> None:
    body = rb'{"filter": "kind:\"\ud800\"", "for": "1d", "reason": "\ud800"}'
    answer = client.post(
        "/api/v1/silences", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422


def test_a_body_that_is_no_json_is_told_where_it_breaks(client) -> None:
    answer = client.post(
        "/api/v1/silences",
        content=b'{"filter": x}',
        headers={"Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.json()["detail"]) == (
        422,
        "the body is not JSON, from character 11 on",
    )


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"1e999"])
def test_a_body_that_is_no_object_is_refused(client, body: bytes) -> None:
    answer = client.post(
        "/api/v1/silences", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_page_of_another_site_cannot_mute(client) -> None:
    text = {"Content-Type": "text/plain"}  # what a browser sends without asking first
    body = b'{"filter": "kind:\\"budget\\"", "for": "1d", "reason": "x"}'
    assert client.post("/api/v1/silences", content=body, headers=text).status_code == 422
    foreign = {"Origin": "https://evil.example"}
    assert client.post("/api/v1/silences", json=SILENCE, headers=foreign).status_code == 403


def test_a_body_above_the_limit_is_refused_however_it_comes(serve, sqlite_store: Store) -> None:
    client = serve(sqlite_store, settings=ApiSettings(max_body_bytes=2_000))
    large = {**SILENCE, "reason": "x" * 3_000}
    assert client.post("/api/v1/silences", json=large).status_code == 413
    chunks = (b"x" * 500 for _ in range(10))
    streamed = client.post(
        "/api/v1/silences", content=chunks, headers={"Content-Type": "application/json"}
    )
    assert streamed.status_code == 413
    assert streamed.json()["do"] == "Allowed: 2,000 bytes"


def test_an_admin_makes_lists_and_revokes_tokens(serve, make_token, store: Store) -> None:
    admin = make_token(store, Role.ADMIN)
    client = serve(store)
    made = client.post("/api/v1/tokens", json={"name": "grafana", "role": "viewer"}, headers=admin)
    assert made.status_code == 201
    viewer = {"Authorization": f"Bearer {made.json()['secret']}"}
    assert client.get("/api/v1/reports", headers=viewer).status_code == 200
    listed = client.get("/api/v1/tokens", headers=admin)
    assert {token["name"] for token in listed.json()["tokens"]} == {"test admin", "grafana"}
    assert made.json()["secret"].split("_", 2)[2] not in listed.text
    path = f"/api/v1/tokens/{made.json()['id']}"
    assert client.delete(path, headers=admin).status_code == 204
    assert client.get("/api/v1/reports", headers=viewer).status_code == 401
    assert client.delete(path, headers=admin).status_code == 422, "it is revoked already"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.INGEST])
def test_no_other_role_touches_tokens(serve, make_token, sqlite_store: Store, role: Role) -> None:
    header = make_token(sqlite_store, role)
    client = serve(sqlite_store)
    new = {"name": "x", "role": "admin"}
    assert client.get("/api/v1/tokens", headers=header).status_code == 403
    assert client.post("/api/v1/tokens", json=new, headers=header).status_code == 403
    assert client.delete("/api/v1/tokens/0123456789ab", headers=header).status_code == 403
    with sqlite_store.read() as connection:
        assert len(tokens.list_tokens(connection)) == 1


def test_the_first_token_is_made_on_the_command_line_alone(client) -> None:
    answer = client.post("/api/v1/tokens", json={"name": "x", "role": "admin"})
    assert answer.status_code == 403
