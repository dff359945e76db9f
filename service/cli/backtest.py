"""`spendwatt backtest`: what would have been said of a past, day by day, and how often wrongly."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.output import Format, FormatOption, listing, note, show, show_json
from service.cli.state import State
from spendwatt.clock import midnight
from spendwatt.errors import InputError, UsageError
from spendwatt.local_files import is_special
from spendwatt.table import Column

if TYPE_CHECKING:  # numpy is loaded when the command runs
    from analysis.backtest import Said
    from analysis.ledger import Ledger

LedgerFile = Annotated[
    Path | None,
    typer.Option(
        "--ledger",
        help="A CSV file with usage_date, account, provider, service, region, cost, ingested_at; "
        "else the database's own ledger.",
    ),
]
First = Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")]
Last = Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")]
Output = Annotated[Path | None, typer.Option(help="Write each alerted day to this CSV file.")]
Labels = Annotated[
    Path | None, typer.Option(help="A CSV file of the true shocks, to score what was said.")
]

_COLUMNS = (
    Column("month", "text", "Month in which it would have been said."),
    Column("direction", "text", "`up` or `down`."),
    Column("rule", "text", "The rule by which the first day of the shock was found."),
    Column("shocks", "integer", "Shocks that began: alerted days of a series joined to one."),
    Column("notices", "integer", "Those worth a message: over the floor in money."),
)


def backtest(  # noqa: PLR0917 - typer reads the options from the signature
    ctx: typer.Context,
    first: First,
    last: Last,
    ledger: LedgerFile = None,
    output: Output = None,
    labels: Labels = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """Replay the past as of each day with the present settings, and tell what was said when."""
    from analysis.backtest import replay

    state: State = ctx.obj
    start, end = first.date(), last.date()
    if end < start:
        raise UsageError(f"--to {end} is before --from {start}", parameter="to")
    truth = _labels(labels) if labels is not None else None
    played = _from_file(ledger) if ledger is not None else _from_store(state, start, end)
    settings = state.settings.analysis.analyzers.get("bill_shock")
    days = (end - start).days + 1
    with typer.progressbar(length=days, label="Replaying", file=sys.stderr) as bar:
        said = replay(
            played, start, end, settings, progress=lambda day: bar.update(int(day >= start))
        )
    if output is not None:
        _write(output, said)
    _show(said, start, end, format)
    if truth is not None:
        _score(said, truth, played, start, end)


def _from_file(path: Path) -> Ledger:
    from analysis.backtest import read_ledger

    with _open(path) as file:
        return read_ledger(file, file=str(path))


def _labels(path: Path) -> Sequence[Any]:
    from analysis.backtest import read_labels

    with _open(path) as file:
        return read_labels(file, file=str(path))


def _open(path: Path) -> Any:
    if is_special(path):
        raise InputError("is no regular file", file=str(path), do="Save it as a file first")
    try:
        return path.open(newline="", encoding="utf-8-sig")
    except OSError as err:
        raise InputError(err.strerror or str(err), file=str(path)) from err


def _from_store(state: State, first: date, last: date) -> Ledger:
    from analysis.bill_shock import first_needed
    from reports import spend

    as_of = min(midnight(last + timedelta(days=1)), state.clock())
    with state.store().read() as connection:
        return spend.ledger(connection, as_of, first_day=first_needed(midnight(first)))


def _write(path: Path, said: Sequence[Said]) -> None:
    from analysis.backtest import OUTPUT_COLUMNS, output_rows

    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, OUTPUT_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(output_rows(said))


def _show(said: Sequence[Said], first: date, last: date, format: Format) -> None:
    from analysis.backtest import beginnings

    shocks: Counter[tuple[str, str, str]] = Counter()
    notices: Counter[tuple[str, str, str]] = Counter()
    for begun, was_told in beginnings(said):
        key = (f"{begun.alerted_at:%Y-%m}", begun.direction, begun.rule.name.lower())
        shocks[key] += 1
        notices[key] += was_told
    rows = [
        dict(zip(("month", "direction", "rule"), key, strict=True))
        | {"shocks": shocks[key], "notices": notices[key]}
        for key in sorted(shocks)
    ]
    if format == Format.JSON:
        show_json({"data": rows})
        return
    show(listing(_COLUMNS, rows), format)
    months = max((last - first).days / 30.4, 1 / 30.4)
    total = sum(notices.values())
    note(
        f"From {first} to {last}: {sum(shocks.values())} shocks, {total} of them worth a message, "
        f"{total / months:.1f} messages a month."
    )


def _score(
    said: Sequence[Said], truth: Sequence[Any], ledger: Ledger, first: date, last: date
) -> None:
    from analysis.backtest import told
    from analysis.backtest_score import score

    # What lies outside the replay could not be found; alerts about it are still not false.
    truth = [
        replace(label, material=label.material and label.start <= last and label.detect_by >= first)
        for label in truth
    ]
    series = len({name[:3] for name in ledger.series})
    years = series * ((last - first).days + 1) / 365
    for direction in ("up", "down"):
        result = score(told(said), truth, direction, years)
        if not result.material and not result.false_episodes:
            continue
        found = ", ".join(f"{kind} {hit}/{of}" for kind, (hit, of) in result.by_kind.items())
        delay = sorted(result.delays)[len(result.delays) // 2] if result.delays else None
        note(
            f"{direction}: {result.detected} of {result.material} shocks found ({found}), "
            f"{result.false_episodes} false ({result.false_rate:.2f} per series and year), "
            f"F1 {result.f1:.2f}, median delay {delay} days."
        )
