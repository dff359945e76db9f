"""Describes parameters and answers as OpenAPI does, from what reports declare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from api.problems import MEDIA_TYPE, REFERENCE
from reports.options import Option, choices_of
from reports.render import column_brief
from spendwatt.table import Column, DataStatus

_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": ["string", "null"]},
    "money": {"type": ["string", "null"], "pattern": r"^-?[0-9]+(\.[0-9]+)?$"},
    "number": {"type": ["number", "null"]},
    "integer": {"type": ["integer", "null"]},
    "time": {"type": ["string", "null"], "format": "date-time"},
    "day": {"type": ["string", "null"], "format": "date"},
    "boolean": {"type": ["boolean", "null"]},
    "object": {},
}

_EXAMPLES: dict[str, Any] = {
    "money": "1234.567",
    "number": 12.5,
    "integer": 42,
    "time": "2026-03-01T12:00:00Z",
    "day": "2026-03-01",
    "boolean": True,
}
_TEXTS = {
    "account": "123456789012",
    "billing_currency": "USD",
    "currency": "USD",
    "gpu_name": "NVIDIA H100 80GB HBM3",
    "gpu_uuid": "GPU-5d2a1f3e-8c1b-4f0e-9a51-3d2f6a7b8c9d",
    "host": "node-a",
    "provider": "AWS",
    "region": "us-east-1",
    "service": "Amazon Elastic Compute Cloud",
    "source": "aws",
    "state": "idle_held",
}


def described(options: Sequence[Option]) -> list[dict[str, Any]]:
    """Describe parameters as OpenAPI does."""
    return [
        {
            "name": option.name,
            "in": "query",
            "required": False,
            "description": _description(option),
            "schema": _option_schema(option),
            "example": _typed(option, option.example),
        }
        for option in options
    ]


def answers(
    schema: dict[str, Any], *, csv: bool = False, missing: str | None = None
) -> dict[int | str, dict[str, Any]]:
    """Describe the answers of a GET: the good one, and every problem."""
    content: dict[str, Any] = {"application/json": {"schema": schema}}
    if csv:
        content["text/csv"] = {"schema": {"type": "string"}}
    good = {HTTPStatus.OK.value: {"description": "The answer", "content": content}}
    return good | problems({HTTPStatus.NOT_FOUND: missing} if missing else {})


def made(schema: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """Describe the answers of a POST that makes something."""
    content = {"application/json": {"schema": schema}}
    good = {HTTPStatus.CREATED.value: {"description": "It was made", "content": content}}
    return good | problems(
        {
            HTTPStatus.BAD_REQUEST: "The body is not JSON in UTF-8",
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large",
        }
    )


def problems(more: Mapping[HTTPStatus, str]) -> dict[int | str, dict[str, Any]]:
    """Describe what any route may refuse, and `more` that this one refuses."""
    content = {MEDIA_TYPE: {"schema": REFERENCE}}
    told = {
        HTTPStatus.UNAUTHORIZED: "A token is needed",
        HTTPStatus.FORBIDDEN: "The role does not suffice",
        HTTPStatus.REQUEST_URI_TOO_LONG: "The address is too long",
        HTTPStatus.UNPROCESSABLE_ENTITY: "A parameter is wrong; `parameter` names it",
        HTTPStatus.SERVICE_UNAVAILABLE: "The database is away; see Retry-After",
        **more,
    }
    return {
        status.value: {"description": text, "content": content} for status, text in told.items()
    }


def table_schema(columns: Sequence[Column]) -> dict[str, Any]:
    """Describe a report's answer."""
    rows = {"type": "array", "items": row_schema(columns)}
    moment = {"type": "string", "format": "date-time"}
    return {
        "type": "object",
        "example": _example(columns),
        "required": ["window", "status", "notes", "columns", "data", "total", "total_rows"],
        "properties": {
            "window": {
                "type": ["object", "null"],
                "properties": {"start": moment, "end": moment},
                "description": "Half-open, UTC",
            },
            "status": {"type": "string", "enum": [status.value for status in DataStatus]},
            "notes": {"type": "array", "items": {"type": "string"}},
            "columns": {"type": "array", "items": {"type": "object"}},
            "data": rows,
            "total": {**rows, "description": "Over all rows, not only this page's"},
            "total_rows": {"type": "integer"},
        },
    }


def _example(columns: Sequence[Column]) -> dict[str, Any]:
    """Make up an answer with one row; a text that nobody could guess is left out of it."""
    row = {c.name: _EXAMPLES.get(c.kind, _TEXTS.get(c.name)) for c in columns}
    return {
        "window": {"start": "2026-03-01T00:00:00Z", "end": "2026-04-01T00:00:00Z"},
        "status": DataStatus.COMPLETE.value,
        "notes": [],
        "columns": [column_brief(columns[0])],
        "data": [{name: value for name, value in row.items() if value is not None}],
        "total": [],
        "total_rows": 1,
    }


def row_schema(columns: Sequence[Column]) -> dict[str, Any]:
    """Describe a row: an object with a property for each column."""
    return {"type": "object", "properties": {c.name: _column_schema(c) for c in columns}}


def _column_schema(column: Column) -> dict[str, Any]:
    unit = f" ({column.unit})" if column.unit else ""
    return {**_TYPES[column.kind], "description": f"{column.help}{unit}"}


def _description(option: Option) -> str:
    if option.kind in {"names", "filter"}:
        return f"{option.help} Of: {', '.join(choices_of(option))}."
    return option.help


def _option_schema(option: Option) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if option.kind in {"integer", "decimal", "boolean"}:
        schema = {"type": {"decimal": "number"}.get(option.kind, option.kind)}
    if option.kind == "day":
        schema = {"type": "string", "format": "date"}
    if option.kind == "text" and option.choices:
        schema = {"type": "string", "enum": [str(choice) for choice in option.choices]}
    bounds = {"minimum": option.minimum, "maximum": option.maximum, "default": option.default}
    return schema | {name: value for name, value in bounds.items() if value is not None}


def _typed(option: Option, text: str) -> Any:
    match option.kind:
        case "integer":
            return int(text)
        case "decimal":
            return float(text)
        case "boolean":
            return text == "true"
        case _:
            return text
