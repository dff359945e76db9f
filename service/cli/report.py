"""`spendwatt report NAME`: every query word of REST is an option here."""

from __future__ import annotations

from inspect import Parameter, Signature
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from reports.contract import find_report, names, parameters, run_report
from reports.options import Option, choices_of
from service.cli.output import Format, FormatOption, show
from service.cli.state import State


class ReportGroup(TyperGroup):
    """Every installed report as a command; one is loaded when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Name them all."""
        del ctx
        return names()

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Load one, with its own options. Raises UsageError naming all where there is none."""
        del ctx
        return _command(cmd_name)


def report_group() -> typer.Typer:
    """Make the group of reports."""
    app = typer.Typer(cls=ReportGroup, add_completion=False, no_args_is_help=True)
    app.callback(help="Print a report.")(lambda: None)
    return app


def _command(name: str) -> Any:
    report = find_report(name)
    options = parameters(report)

    def answer(ctx: typer.Context, format: Format, **given: str | None) -> None:
        state: State = ctx.obj
        params = {key: value for key, value in given.items() if value is not None}
        store, estate = state.store(), state.settings.estate()
        show(run_report(name, params, store, estate, state.clock()), format)

    _declare(answer, options)
    app = typer.Typer(add_completion=False)
    app.command(name, help=report.summary)(answer)
    return typer.main.get_command(app)


def _declare(function: Any, options: tuple[Option, ...]) -> None:
    """Give the function a parameter for each option of the report, for typer to read."""
    kinds: dict[str, Any] = {"ctx": typer.Context}
    kinds |= {option.name: _annotation(option) for option in options}
    kinds["format"] = FormatOption
    found = [
        Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind, default=_default(name))
        for name, kind in kinds.items()
    ]
    function.__signature__ = Signature(found)
    function.__annotations__ = kinds


def _default(name: str) -> Any:
    return {"ctx": Parameter.empty, "format": Format.TABLE}.get(name)


def _annotation(option: Option) -> Any:
    flags = dict.fromkeys((f"--{option.name.replace('_', '-')}", f"--{option.name}"))
    return Annotated[
        str | None,
        typer.Option(*flags, help=_help(option), metavar=option.kind.upper(), show_default=False),
    ]


def _help(option: Option) -> str:
    from rich.markup import escape  # else label[team] is taken for a colour

    text = f"{option.help} Such as {option.example}."
    if option.choices:
        text += f" Allowed: {', '.join(choices_of(option))}."
    if option.default is not None:
        text += f" Default: {str(option.default).lower()}."
    return escape(text)
