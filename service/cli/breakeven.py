"""`spendwatt breakeven`: from what is measured, or a calculator over a scenario file."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from analysis.economics.answers import AnswerKind
from analysis.economics.comparison import Comparison, Direction
from analysis.economics.demand import exact
from analysis.economics.futures import futures, sure_text, swings
from service.cli.chart import two_curves
from service.cli.output import Format, FormatOption, listing, show, show_json
from service.cli.state import State
from spendwatt.clock import utc_day
from spendwatt.errors import UsageError
from spendwatt.table import Column

CENT = Decimal("0.01")

Scenario = Annotated[
    Path | None,
    typer.Option("--scenario", help="A TOML file to calculate with: no database is needed."),
]
Named = Annotated[str | None, typer.Option(help="Only this one, as the configuration names it.")]


def breakeven(
    ctx: typer.Context,
    scenario: Scenario = None,
    workload: Named = None,
    asset: Named = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """Tell when owning costs less than renting, or the reverse, and what that rests on."""
    state: State = ctx.obj
    if scenario is not None:
        if workload is not None or asset is not None:
            raise UsageError("a scenario holds its own work", do="Leave --workload and --asset out")
        from service.cli.scenario import read_scenario

        found = [read_scenario(scenario).compare(utc_day(state.clock()))]
    else:
        found = _chosen(_measured(state), workload, asset)
    match format:
        case Format.JSON:
            show_json({"data": [as_json(comparison) for comparison in found]})
        case Format.CSV:
            show(listing(_MONTH, [row for one in found for row in months(one)]), format)
        case Format.TABLE:
            typer.echo("\n\n".join(as_text(comparison) for comparison in found))


def _measured(state: State) -> list[Comparison]:
    from reports.measured import comparisons

    estate = state.settings.estate()
    with state.store().read() as connection:
        return comparisons(connection, estate, state.clock())


def _chosen(
    found: Sequence[Comparison], workload: str | None, asset: str | None
) -> list[Comparison]:
    """Leave what was asked for; of several options for one workload all are shown."""
    if not found:
        raise UsageError(
            "there is nothing to compare",
            do="Configure [[workloads]] with [[hardware_options]], or [[assets]] with [[quotes]]; "
            "or calculate with --scenario FILE",
        )
    asked = {("workload", workload), ("asset", asset)}
    if workload is None and asset is None:
        return list(found)
    left = [one for one in found if (one.subject, one.name) in asked]
    if not left:
        names = ", ".join(sorted({f"{one.subject} {one.name}" for one in found}))
        raise UsageError(f"nothing is named {workload or asset}", do=f"There is: {names}")
    return left


def as_text(one: Comparison) -> str:
    """Write a comparison for people: the answer, the amounts, the chart, what it rests on."""
    against = one.name if one.option is None else f"{one.name} against {one.option}"
    lines = [f"{against}: {one.answer}"]
    if one.answer.kind is not AnswerKind.UNKNOWN:
        lines.append(f"  {one.answer.why}")
    for label, value in _amounts(one):
        lines.append(f"  {label:<34}{value}")
    outcome = futures(one)
    if outcome is not None:
        lines += [f"  {sure_text(one, outcome)}.", f"  {_movers(one)}", "", _chart(one)]
    lines += ["", "It rests on:", *(f"  {a.line(one.on)}" for a in one.assumptions)]
    return "\n".join(lines)


def _movers(one: Comparison) -> str:
    """Name the inputs that move the net present value most, with how far they take it."""
    told = [
        f"{swing.name.replace('_', ' ')} ({swing.low:,.0f} to {swing.high:,.0f})"
        for swing in swings(one)[:3]
        if swing.low != swing.high
    ]
    return f"What moves its net present value most, in {one.currency}: {', '.join(told)}."


def _amounts(one: Comparison) -> list[tuple[str, str]]:
    money = {
        "Cloud a month": one.cloud_per_month,
        "Own a month, with capital": one.own_per_month,
        "To pay first": one.upfront,
        "Moving saves a month": one.saving_per_month,
    }
    found = [
        (label, f"{value:,.2f} {one.currency}")
        for label, value in money.items()
        if value is not None
    ]
    dates = {
        "Worth it since or from": one.answer.worth_on,
        "Ordered today, working on": one.answer.live_on,
        "Paid back on": one.answer.paid_back_on,
    }
    found += [(label, day.isoformat()) for label, day in dates.items() if day is not None]
    if one.utilization is not None:
        found.append(("Utilization", f"{one.utilization:.1%}"))
    if one.utilization_turn is not None:
        never = " (none suffices)" if one.utilization_turn > 1 else ""
        found.append(("It turns at a utilization of", f"{one.utilization_turn:.1%}{never}"))
    if one.sizing is not None:
        least, most = one.sizing.nearly_best()
        span = "" if least == most else f" ({least} to {most} cost nearly the same)"
        found.append(("GPUs worth owning at this load", f"{one.sizing.best}{span}"))
    return found


def _chart(one: Comparison) -> str:
    if one.payback is None:
        return ""
    curve = one.payback.curve
    here, there = ("stay in the cloud", "buy")
    if one.direction is Direction.OWN_TO_CLOUD:
        here, there = ("keep", "move to the cloud")
    return two_curves(
        [month.stay_total for month in curve],
        [month.go_total for month in curve],
        labels=(f"{here}, {one.currency} in all", f"{there}, {one.currency} in all"),
    )


def months(one: Comparison) -> list[dict[str, Any]]:
    """Give every month of both curves, to the cent; none where the answer is unknown."""
    outcome = futures(one)
    if one.payback is None or outcome is None:
        return []
    band = zip(outcome.low, outcome.high, strict=True)
    return [
        {
            "subject": one.subject,
            "name": one.name,
            "option": one.option,
            "month": month.month,
            "currency": one.currency,
            "stay": month.stay.quantize(CENT),
            "go": month.go.quantize(CENT),
            "stay_total": month.stay_total.quantize(CENT),
            "go_total": month.go_total.quantize(CENT),
            "position": month.position.quantize(CENT),
            "position_p10": exact(low).quantize(CENT),
            "position_p90": exact(high).quantize(CENT),
        }
        for month, (low, high) in zip(one.payback.curve, band, strict=True)
    ]


def as_json(one: Comparison) -> dict[str, Any]:
    """Give a comparison with every figure and every month."""
    from reports.breakeven import row

    return {**row(one), "months": months(one)}


_MONTH = (
    Column("subject", "text", "workload or asset."),
    Column("name", "text", "Its name."),
    Column("option", "text", "What it is held against."),
    Column("month", "integer", "Months from the start; 0 is what is paid first."),
    Column("currency", "text", "Of all amounts."),
    Column("stay", "money", "The month's cost of staying.", "currency"),
    Column("go", "money", "The month's cost of moving.", "currency"),
    Column("stay_total", "money", "Staying, up to here.", "currency"),
    Column("go_total", "money", "Moving, up to here.", "currency"),
    Column("position", "money", "Discounted savings less what was paid first.", "currency"),
    Column("position_p10", "money", "A tenth of the futures drawn are below it.", "currency"),
    Column("position_p90", "money", "A tenth are above it.", "currency"),
)
