"""Keeping findings from being told for a while: list, add, end."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Operator, requires
from api.bodies import Storable
from api.context import context_of
from api.describe import answers, made, problems, row_schema
from api.mount import given, json_response
from api.problems import Refused
from reports.options import read_all
from reports.render import to_json
from spendwatt.errors import UsageError
from spendwatt.filter_grammar import MAX_LENGTH
from spendwatt.settings import parse_duration
from spendwatt.table import Column
from storage import silences
from storage.silences import Silence
from storage.tokens import Role

COLUMNS = (
    Column("id", "integer", "Number by which it is ended."),
    Column("filter", "text", "The findings that it mutes."),
    Column("reason", "text", "Why."),
    Column("created_by", "text", "Name of the token that asked for it, or `loopback`."),
    Column("created_at", "time", "When it began."),
    Column("ends_at", "time", "From when it mutes no more."),
)
_SILENCE = row_schema(COLUMNS)
_LIST = {
    "type": "object",
    "required": ["silences"],
    "properties": {"silences": {"type": "array", "items": _SILENCE}},
}
_MAX_ID = 2**63 - 1


class NewSilence(BaseModel):
    """What to mute, for how long, and why."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    filter: Storable = Field(
        max_length=MAX_LENGTH,
        description="In the filter language, over kind, severity, state, currency, id and labels.",
        examples=['kind:"idle_gpu"+label[host]:"node-a"'],
    )
    duration: str = Field(
        alias="for", max_length=20, description="Such as 4h or 7d.", examples=["7d"]
    )
    reason: Storable = Field(min_length=1, max_length=500, examples=["Benchmarks until Friday"])


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(tags=["findings"])
    reads, writes = Depends(requires(Role.VIEWER)), Depends(requires(Role.OPERATOR))
    routes.add_api_route(
        "/silences",
        _list_silences,
        methods=["GET"],
        dependencies=[reads],
        response_class=Response,
        operation_id="list_silences",
        summary="What is muted now, until when, and who said so?",
        responses=answers(_LIST),
    )
    routes.add_api_route(
        "/silences",
        _add_silence,
        methods=["POST"],
        status_code=HTTPStatus.CREATED,
        response_class=Response,
        operation_id="add_silence",
        summary="Mute what a filter matches, for a while.",
        responses=made(_SILENCE),
    )
    routes.add_api_route(
        "/silences/{id}",
        _end_silence,
        methods=["DELETE"],
        status_code=HTTPStatus.NO_CONTENT,
        dependencies=[writes],
        response_class=Response,
        operation_id="end_silence",
        summary="End a silence now.",
        responses=problems({HTTPStatus.NOT_FOUND: "No silence with this number is active"}),
    )
    return routes


def _list_silences(request: Request) -> Response:
    context = context_of(request)
    read_all(given(request), (), context.clock())
    with context.store.read() as connection:
        found = silences.active(connection, context.clock())
    return json_response(to_json({"silences": [_fields(silence) for silence in found]}))


def _add_silence(request: Request, new: NewSilence, caller: Operator) -> Response:
    context = context_of(request)
    now = context.clock()
    with context.store.write() as connection:
        silence = silences.create(
            connection,
            new.filter,
            ends_at=_end(new.duration, now),
            reason=new.reason,
            created_by=caller.name,
            now=now,
        )
    return json_response(to_json(_fields(silence)), HTTPStatus.CREATED)


def _end_silence(
    request: Request,
    id: Annotated[int, Path(ge=1, le=_MAX_ID)],
) -> Response:
    context = context_of(request)
    with context.store.write() as connection:
        ended = silences.end(connection, id, context.clock())
    if not ended:
        raise Refused(
            HTTPStatus.NOT_FOUND,
            f"no silence with the number {id} is active",
            do="GET /api/v1/silences lists those that are",
        )
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _end(text: str, now: datetime) -> datetime:
    try:
        return now + parse_duration(text)
    except (ValueError, OverflowError) as err:
        raise UsageError(
            "for is not a span of time that can be used", do="Such as 4h or 7d", parameter="for"
        ) from err


def _fields(silence: Silence) -> dict[str, Any]:
    found = {field.name: getattr(silence, field.name) for field in fields(silence)}
    found["filter"] = found.pop("filter_text")
    return found
