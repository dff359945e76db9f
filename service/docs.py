"""Writes docs/configuration.md and docs/cli.md from the code: `python -m service.docs`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin
from zoneinfo import ZoneInfo

import typer
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from alerts.channels import CHANNELS
from alerts.channels import GROUP as CHANNEL_GROUP
from analysis import ANALYZERS
from analysis import GROUP as ANALYZER_GROUP
from collectors import COLLECTORS
from collectors import GROUP as COLLECTOR_GROUP
from service.cli.app import COMMANDS, loaded
from service.config import Settings
from service.config.parts import load_class, settings_model
from spendwatt.money import Money
from spendwatt.query import Condition, Group
from spendwatt.settings import duration_text

_WORDS: dict[Any, str] = {
    timedelta: "duration",
    Money: "money",
    Condition: "filter",
    Group: "filter",
    ZoneInfo: "time zone",
    SecretStr: "secret",
    Decimal: "number",
    float: "number",
    int: "whole number",
    str: "text",
    bool: "true or false",
    date: "day",
    Path: "path",
}
_PARTS = {"settings", "analyzers"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One key as the page describes it."""

    place: str
    kind: str
    default: str | None
    """None where it must be given."""
    help: str


def settings() -> Iterator[tuple[str, str, list[Setting]]]:
    """Give each section: its heading, what it is, its settings."""
    for name, field in Settings.model_fields.items():
        yield from _section(name, field)
    for word, table, group in (
        ("collectors", COLLECTORS, COLLECTOR_GROUP),
        ("alerts.channels", CHANNELS, CHANNEL_GROUP),
    ):
        for kind in table:
            part = load_class(table, group, kind)
            heading = f'[[{word}]] kind = "{kind}"'
            yield heading, _first(part), _keys(f"{word}.{kind}", settings_model(part))
    for name in ANALYZERS:
        part = load_class(ANALYZERS, ANALYZER_GROUP, name)
        place = f"analysis.{name}"
        yield f"[{place}]", _first(part), _keys(place, settings_model(part))


def _section(place: str, field: FieldInfo) -> Iterator[tuple[str, str, list[Setting]]]:
    model = _model(field.annotation)
    if model is None:
        return
    is_array = get_origin(field.annotation) is tuple
    own = [name for name, inner in model.model_fields.items() if _model(inner.annotation) is None]
    heading = f"[[{place}]]" if is_array else f"[{place}]"
    yield (
        heading,
        _first(model),
        [_setting(place, model, name) for name in own if name not in _PARTS],
    )
    for name, inner in model.model_fields.items():
        yield from _section(f"{place}.{name}", inner)


def _keys(place: str, model: type[BaseModel]) -> list[Setting]:
    return [_setting(place, model, name) for name in model.model_fields]


def _setting(place: str, model: type[BaseModel], name: str) -> Setting:
    field = model.model_fields[name]
    default = None if field.is_required() else _value(field.get_default(call_default_factory=True))
    text = (field.description or "").strip()
    return Setting(f"{place}.{name}", kind_of(field.annotation), default, text)


def kind_of(annotation: Any) -> str:
    """Say in a word or two what a value looks like."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin in {Union, UnionType}:
        kinds = dict.fromkeys(kind_of(part) for part in parts if part is not NoneType)
        return " or ".join(kinds)
    if origin is Literal:
        return " or ".join(f'"{part}"' for part in parts)
    if origin is tuple:
        return f"list of {kind_of(parts[0])}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "table"
    if parts:
        return kind_of(parts[0])  # Annotated
    return _WORDS.get(annotation, "text")


def _value(value: Any) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, timedelta):
        return f'"{duration_text(value)}"'
    if isinstance(value, tuple):
        return f"[{', '.join(_value(part) for part in value)}]"
    return str(value) if isinstance(value, int | float | Decimal | Mapping) else f'"{value}"'


def _model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model(part) for part in get_args(annotation))
    return next((model for model in found if model is not None), None)


def _first(part: Any) -> str:
    return (part.__doc__ or "").strip().splitlines()[0]


def configuration_page() -> str:
    """Write docs/configuration.md."""
    lines = [_CONFIGURATION]
    for heading, about, found in settings():
        lines += [f"## `{heading}`", "", about, ""]
        for setting in found:
            lines += [f"### `{setting.place}`", "", f"{setting.help} {_form(setting)}", ""]
    return "\n".join(lines)


def _form(setting: Setting) -> str:
    if setting.default is None:
        return f"({setting.kind}; must be given)"
    default = "optional" if setting.default == "none" else f"default `{setting.default}`"
    return f"({setting.kind}; {default})"


def cli_page() -> str:
    """Write docs/cli.md."""
    lines = [_CLI]
    for path, command in COMMANDS.items():
        lines += [f"## `spendwatt {path}`", "", command.help, ""]
        if command.is_group:
            lines += ["One command for each report; its options are the words of REST.", ""]
            continue
        click_command = loaded(path.split()[-1], command)
        more = "\n".join((click_command.help or "").splitlines()[1:]).strip()
        lines += [more, ""] if more else []
        rows = [_parameter(parameter) for parameter in click_command.params]
        if rows:
            lines += ["| argument or option | says |", "|---|---|", *rows, ""]
    return "\n".join(lines)


def _parameter(parameter: Any) -> str:
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    is_option = parameter.param_type_name == "option"
    shown = f"`{names}`" if is_option else f"`{parameter.name.upper()}`"
    help_text = " ".join((getattr(parameter, "help", None) or "").split())
    return f"| {shown} | {help_text.replace('|', chr(92) + '|')} |"


_CONFIGURATION = """\
<!-- Written by `python -m service.docs`; edit the code instead. -->
# Configuration

One TOML file: `--config FILE`, else `$SPENDWATT_CONFIG`, else `./spendwatt.toml`; without one every
default holds. `spendwatt init` writes one that fits the machine, `spendwatt config show` prints
what is in force and where each value comes from, `spendwatt check` tries it. All mistakes of a file
are told at once, each with its key and what is allowed. Settings are read at the start: restart
after a change.

**Variables.** `SPENDWATT_SECTION__KEY` overrides a value, such as `SPENDWATT_STORAGE__URL` or
`SPENDWATT_ANALYSIS__EVERY`. Only variables with a double underscore are read. Arrays of tables
(`[[...]]`) are set in the file only.

**Secrets.** A setting of the kind *secret* is given as it is, by a variable, or by a file:
`webhook_url_file = "/run/secrets/slack"` for `webhook_url`. Secrets are never shown or logged.

**Kinds of values.** A *duration* is a number with `ms`, `s`, `m`, `h`, `d` or `w`, such as `"6h"`.
*Money* is an amount with its currency, such as `"250000 USD"`. A *filter* is written as in REST,
such as `'label[team]:"ml"+service!:"Tax"'`. What is left out is unknown, never 0. Days, windows and
budgets are UTC.
"""

_CLI = """\
<!-- Written by `python -m service.docs`; edit the code instead. -->
# Command line

`spendwatt [--config FILE] COMMAND`. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration,
130 interrupted. An error is one clear message on stderr. Every listing has
`--format table|json|csv`; JSON and CSV are those of REST. `spendwatt COMMAND --help` shows the same
as this page.

Only `serve`, `db upgrade`, and commands that write into a database that does not exist yet make or
change its schema. Every other command refuses an old schema and names `spendwatt db upgrade`.
"""


def main(folder: Path = Path("docs")) -> None:
    """Write both pages."""
    (folder / "configuration.md").write_text(configuration_page(), encoding="utf-8")
    (folder / "cli.md").write_text(cli_page(), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
