"""What analyzers saw: a list to search in, and one finding with its history."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from api.context import context_of
from api.describe import answers, described, row_schema
from api.mount import FORMAT, given, json_response, table_response
from api.problems import Refused
from reports.findings import COLUMNS, stored_fields
from reports.options import LIMIT, OFFSET, filter_option, read_all, window_option
from reports.render import to_json
from spendwatt.finding_filter import FIELDS
from spendwatt.table import Table
from storage import findings
from storage.findings import FindingEvent

_OPTIONS = (window_option(None), filter_option(FIELDS), LIMIT, OFFSET, FORMAT)
_FINDING = row_schema(COLUMNS)
_LIST = {
    "type": "object",
    "required": ["findings", "total_rows"],
    "properties": {
        "findings": {"type": "array", "items": _FINDING},
        "total_rows": {"type": "integer"},
    },
}
_ONE = {**_FINDING, "required": ["id", "kind", "history"]}


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(tags=["findings"])
    routes.add_api_route(
        "/findings",
        _search,
        methods=["GET"],
        response_class=Response,
        operation_id="list_findings",
        summary="What was found: open findings first, newest first?",
        responses=answers(_LIST, csv=True),
        openapi_extra={"parameters": described(_OPTIONS)},
    )
    routes.add_api_route(
        "/findings/{id}",
        _one,
        methods=["GET"],
        response_class=Response,
        operation_id="get_finding",
        summary="What is known of one finding, and how did it change?",
        responses=answers(_ONE, missing="No finding has this id"),
    )
    return routes


def _search(request: Request) -> Response:
    context = context_of(request)
    asked = read_all(given(request), _OPTIONS, context.clock())
    with context.store.read() as connection:
        page = findings.search(
            connection,
            asked["filter"],
            window=asked["window"],
            limit=asked["limit"],
            offset=asked["offset"],
        )
    rows = [stored_fields(stored) for stored in page.findings]
    if asked["format"] == "csv":
        return table_response("findings", Table(COLUMNS, rows, total_rows=page.total), "csv")
    return json_response(to_json({"findings": rows, "total_rows": page.total}))


def _one(
    request: Request,
    id: Annotated[
        str, Path(description="16 hex digits, or the first 4 and more", examples=["41c0e5f2"])
    ],
) -> Response:
    read_all(given(request), (), context_of(request).clock())
    with context_of(request).store.read() as connection:
        stored = findings.get(connection, id)
        if stored is None:
            raise Refused(
                HTTPStatus.NOT_FOUND,
                f"no finding has the id {id}",
                do="GET /api/v1/findings lists them",
            )
        events = findings.history(connection, stored.finding.id)
    history = [_event(event, stored.finding.currency) for event in events]
    return json_response(to_json({**stored_fields(stored), "history": history}))


def _event(event: FindingEvent, currency: str | None) -> dict[str, Any]:
    return {
        "at": event.at,
        "event": event.event,
        "severity": event.severity.value,
        "money_at_stake": event.money_at_stake,
        "currency": currency,
    }
