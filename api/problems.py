"""Every error as RFC 9457 `application/problem+json`: what is wrong, where, and what is allowed.

No stack, no address of the database and no value of a header ever stands in one.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api.context import context_of
from spendwatt.errors import SchemaError, SpendwattError, StorageError, UsageError

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"

SECURITY_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""On every answer that does not set them itself."""

NAME = "Problem"
REFERENCE = {"$ref": f"#/components/schemas/{NAME}"}
"""How descriptions of answers name the schema."""

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "Always `about:blank`: the status says it all."},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong."},
        "do": {"type": "string", "description": "What is allowed, or what to do next."},
        "parameter": {"type": "string", "description": "The parameter that is wrong."},
    },
}


class Refused(HTTPException):
    """A request that is not served; `do` says what would be."""

    def __init__(
        self, status: int, detail: str, *, do: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, detail, headers)
        self.do = do


def problem(
    status: int,
    detail: str,
    *,
    do: str | None = None,
    parameter: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Make the answer to a request that failed."""
    fields = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "do": do,
        "parameter": parameter,
    }
    return Response(
        orjson.dumps({name: value for name, value in fields.items() if value is not None}),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={**SECURITY_HEADERS, **(headers or {})},
    )


def install(app: FastAPI) -> None:
    """Let every error of the application be told as a problem."""
    app.exception_handler(HTTPException)(_refused)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(SpendwattError)(_failed)
    app.exception_handler(Exception)(_unexpected)


def _refused(request: Request, err: HTTPException) -> Response:
    detail, do = err.detail, getattr(err, "do", None)
    if err.status_code == HTTPStatus.NOT_FOUND and do is None:
        detail = f"there is nothing at {request.url.path[:200]}"
        do = "GET /api/v1/openapi.json lists every address"
    if err.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (err.headers or {}).get("Allow", "GET")
        detail, do = f"{request.method[:20]} is not possible here", f"Allowed: {allowed}"
    return problem(err.status_code, detail, do=do, headers=err.headers)


def _invalid(_request: Request, err: RequestValidationError) -> Response:
    # The value itself stays out: a body may hold a secret.
    first = err.errors()[0]
    if first["type"] == "json_invalid":
        return problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"the body is not JSON, from character {first['loc'][-1]} on",
            do="Send one JSON object; /api/v1/openapi.json describes it",
        )
    place = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"{place}: {first['msg']}",
        parameter=place,
        do="/api/v1/openapi.json describes what is allowed",
    )


def _failed(request: Request, err: SpendwattError) -> Response:
    if isinstance(err, UsageError):
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return problem(status, err.what, do=err.do, parameter=err.parameter)
    if isinstance(err, StorageError) and (err.retryable or isinstance(err, SchemaError)):
        return _away(request, err)
    raise err  # ours, but not the caller's doing: told and logged like anything unexpected


def _away(request: Request, err: StorageError) -> Response:
    log.warning("database away", path=request.url.path, error=str(err))
    seconds = context_of(request).settings.retry_after_seconds
    schema = isinstance(err, SchemaError)
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "the database has another schema" if schema else "the database does not answer",
        do="Run `spendwatt db upgrade`" if schema else f"Try again in {seconds} seconds",
        headers={"Retry-After": str(seconds)},
    )


def _unexpected(_request: Request, _err: Exception) -> Response:
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "the server failed while it answered; the request is not at fault",
        do="Look into the daemon's log: it has the cause",
    )
