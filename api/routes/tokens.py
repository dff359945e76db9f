"""Tokens by REST, for those who have the role admin. The first one is made on the command line."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth import requires
from api.bodies import Storable
from api.context import context_of
from api.describe import answers, made, problems, row_schema
from api.mount import given, json_response
from reports.options import read_all
from reports.render import to_json
from spendwatt.table import Column
from storage import tokens
from storage.tokens import Role

COLUMNS = (
    Column("id", "text", "Public part of the token."),
    Column("name", "text", "Who or what uses it."),
    Column("role", "text", "viewer, operator, ingest or admin."),
    Column("created_at", "time", "When it was made."),
    Column("last_used_at", "time", "When it was last used, to about a minute."),
    Column("revoked_at", "time", "From when it opens nothing; null while it is valid."),
)
_TOKEN = row_schema(COLUMNS)
_LIST = {
    "type": "object",
    "required": ["tokens"],
    "properties": {"tokens": {"type": "array", "items": _TOKEN}},
}
_SECRET = {"type": "string", "description": "What callers send; shown this once."}
_MADE: dict[str, Any] = {
    **_TOKEN,
    "required": ["id", "secret"],
    "properties": {**_TOKEN["properties"], "secret": _SECRET},
}


class NewToken(BaseModel):
    """Who uses it, and what it may do."""

    model_config = ConfigDict(extra="forbid")

    name: Storable = Field(min_length=1, max_length=200, examples=["grafana"])
    role: Role = Field(examples=["viewer"])


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(tags=["tokens"], dependencies=[Depends(requires(Role.ADMIN))])
    routes.add_api_route(
        "/tokens",
        _list_tokens,
        methods=["GET"],
        response_class=Response,
        operation_id="list_tokens",
        summary="Which tokens were made, for whom, and when was each last used?",
        responses=answers(_LIST),
    )
    routes.add_api_route(
        "/tokens",
        _create_token,
        methods=["POST"],
        status_code=HTTPStatus.CREATED,
        response_class=Response,
        operation_id="create_token",
        summary="Make a token. Its secret is shown in this answer and never again.",
        responses=made(_MADE),
    )
    routes.add_api_route(
        "/tokens/{id}",
        _revoke_token,
        methods=["DELETE"],
        status_code=HTTPStatus.NO_CONTENT,
        response_class=Response,
        operation_id="revoke_token",
        summary="Make a token open nothing any more.",
        responses=problems({}),
    )
    return routes


def _list_tokens(request: Request) -> Response:
    context = context_of(request)
    read_all(given(request), (), context.clock())
    with context.store.read() as connection:
        found = tokens.list_tokens(connection)
    return json_response(to_json({"tokens": [asdict(token) for token in found]}))


def _create_token(request: Request, new: NewToken) -> Response:
    context = context_of(request)
    with context.store.write() as connection:
        created = tokens.create(connection, new.name, new.role, context.clock())
    body = {**asdict(created.token), "secret": created.secret}
    return json_response(to_json(body), HTTPStatus.CREATED)


def _revoke_token(
    request: Request,
    id: Annotated[str, Path(pattern="^[0-9a-f]{12}$")],
) -> Response:
    context = context_of(request)
    with context.store.write() as connection:
        tokens.revoke(connection, id, context.clock())
    return Response(status_code=HTTPStatus.NO_CONTENT)
