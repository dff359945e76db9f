"""Open to everybody: is the process alive, and can it answer? They tell nothing else."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response

from api.context import context_of
from api.mount import json_response
from api.problems import MEDIA_TYPE, REFERENCE, problem
from spendwatt.errors import StorageError
from storage import migrate

_OK: dict[int | str, dict[str, Any]] = {
    200: {"description": "Yes", "content": {"application/json": {"schema": {"type": "object"}}}}
}
_NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {"description": "Not now", "content": {MEDIA_TYPE: {"schema": REFERENCE}}}
}


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(tags=["health"])
    # Reading the migrations' folder takes too long for an open address.
    needed = migrate.head()

    @routes.get(
        "/livez",
        response_class=Response,
        operation_id="livez",
        summary="Does the process answer at all?",
        responses=_OK,
    )
    async def livez() -> Response:
        return json_response(b'{"status":"alive"}')

    @routes.get(
        "/readyz",
        response_class=Response,
        operation_id="readyz",
        summary="Is the database there, with the right schema?",
        responses=_OK | _NOT_READY,
    )
    def readyz(request: Request) -> Response:
        context = context_of(request)
        try:
            have = migrate.current(context.store)
        except StorageError:
            return _not_ready(context.settings.retry_after_seconds, "the database does not answer")
        if have != needed:
            return _not_ready(
                context.settings.retry_after_seconds, "the database has another schema"
            )
        return json_response(b'{"status":"ready"}')

    return routes


def _not_ready(seconds: int, why: str) -> Response:
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        why,
        do="The daemon's log has the cause",
        headers={"Retry-After": str(seconds)},
    )
