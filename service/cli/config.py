"""`spendwatt config show`: the settings in force, and where each comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import typer
from pydantic import BaseModel

from service.cli.output import Format, FormatOption, listing, show
from service.cli.state import State
from service.config import Settings
from spendwatt.table import Column

_PARTS = {"settings", "analyzers"}


def show_config(ctx: typer.Context, format: FormatOption = Format.TABLE) -> None:
    """Print the settings in force."""
    state: State = ctx.obj
    rows = rows_of(state.settings)
    if format is Format.TABLE:
        # As the file writes them: a port is no 8,321.
        rows = [{**row, "value": _as_written(row["value"])} for row in rows]
    show(listing(_COLUMNS, rows), format)


def rows_of(settings: Settings) -> list[dict[str, Any]]:
    """Give each setting with its value and origin; secrets are asterisks."""
    return [
        {"setting": ".".join(place), "value": value, "from": settings.origin(place)}
        for place, value in _flat(settings, ())
    ]


def _as_written(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _flat(value: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, BaseModel):
        shown = value.model_dump(mode="json", exclude=_PARTS)
        for name in type(value).model_fields:
            inner = getattr(value, name)
            # The settings of a collector or channel stand beside its name, as in the file.
            below = place if name in _PARTS else (*place, name)
            yield from _flat(inner if _is_nested(inner) else shown.get(name), below)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(inner, (*place, str(name)))
    elif _is_nested(value):
        for number, inner in enumerate(value, start=1):
            yield from _flat(inner, (*place, getattr(inner, "name", str(number))))
    elif value is not None and value != []:
        yield place, value


def _is_nested(value: Any) -> bool:
    if isinstance(value, tuple):
        return bool(value) and isinstance(value[0], BaseModel)
    return isinstance(value, BaseModel | Mapping)


_COLUMNS = (
    Column("setting", "text", "The key, with its sections."),
    Column("value", "object", "What is in force; secrets are not shown."),
    Column("from", "text", "The file or the variable that says so, or default."),
)
