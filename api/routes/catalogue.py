"""What can be asked: the list of reports, and the interface in OpenAPI's words."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response

from api.describe import answers
from api.mount import catalogue, json_response
from reports.contract import Report
from reports.render import to_json


def router(reports: Mapping[str, Report]) -> APIRouter:
    """Make the routes."""
    routes = APIRouter(tags=["reports"])
    listing = catalogue(reports)

    @routes.get(
        "/reports",
        response_class=Response,
        operation_id="list_reports",
        summary="Which reports are there, what do they take and what do they give?",
        responses=answers({"type": "object", "required": ["reports"]}),
    )
    def list_reports() -> Response:
        return json_response(listing)

    @routes.get("/openapi.json", include_in_schema=False)
    def openapi(request: Request) -> Response:
        return json_response(to_json(request.app.openapi()))

    return routes
