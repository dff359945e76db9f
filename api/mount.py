"""Gives each report its address under /api/v1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response

from api.context import context_of
from api.describe import answers, described, table_schema
from reports.contract import Report, ask, parameters, parse_query
from reports.options import Option, read
from reports.render import column_json, table_csv, table_json, to_json
from spendwatt.errors import UsageError
from spendwatt.table import Table

FORMAT = Option(
    "format", "text", "How the answer is written.", "csv", default="json", choices=("json", "csv")
)


def mount(router: APIRouter, reports: Mapping[str, Report]) -> None:
    """Add GET /<name> for each report."""
    for name, report in reports.items():
        router.add_api_route(
            f"/{name}",
            _endpoint(name, report),
            methods=["GET"],
            name=name,
            operation_id=f"report_{name}",
            summary=report.summary,
            tags=["reports"],
            response_class=Response,
            responses=answers(table_schema(report.columns), csv=True),
            openapi_extra={"parameters": described((*parameters(report), FORMAT))},
        )


def given(request: Request) -> dict[str, str]:
    """Give the parameters of a request. Raises UsageError for one that stands there twice."""
    pairs = request.query_params.multi_items()
    found = dict(pairs)
    for name in found:
        if sum(other == name for other, _ in pairs) > 1:
            raise UsageError(
                f"{name[:80]} is given more than once", do="Give it once", parameter=name[:80]
            )
    return found


def json_response(body: bytes, status: int = HTTPStatus.OK) -> Response:
    """Make the answer of bytes that are JSON already."""
    return Response(body, status_code=status, media_type="application/json")


def table_response(name: str, table: Table, form: str) -> Response:
    """Make the answer of a table, as `json` or `csv`; CSV tells status and size in its headers."""
    if form == "json":
        return json_response(table_json(table))
    return Response(
        table_csv(table),
        media_type="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="{name}.csv"',
            "Spendwatt-Status": table.status.value,
            "Spendwatt-Total-Rows": str(table.total_rows),
        },
    )


def catalogue(reports: Mapping[str, Report]) -> bytes:
    """Write what reports there are, what each takes and what each gives."""
    return to_json({"reports": [_entry(name, report) for name, report in reports.items()]})


def _endpoint(name: str, report: Report) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        context = context_of(request)
        now = context.clock()
        params = given(request)
        form = read(FORMAT, params.pop(FORMAT.name, FORMAT.default), now)
        query = parse_query(params, report, now, also=(FORMAT.name,))
        table = ask(report, query, context.store, context.estate)
        return table_response(name, table, form)

    return answer


def _entry(name: str, report: Report) -> dict[str, Any]:
    return {
        "name": name,
        "path": f"/api/v1/{name}",
        "summary": report.summary,
        "default_window": report.default_window,
        "columns": [column_json(column) for column in report.columns],
        "parameters": described(parameters(report)),
    }
