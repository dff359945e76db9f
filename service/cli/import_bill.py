"""`spendwatt import bill PATH...` (also `import focus`): bills from files, as one snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from service.cli.output import Format, FormatOption, listing, note, show
from service.cli.progress import working
from service.cli.source_name import source_name
from service.cli.state import State
from spendwatt.clock import parse_moment, rfc3339
from spendwatt.errors import UsageError
from spendwatt.table import Column
from storage.bills import Ingested, IngestOptions, ingest
from storage.engine import Store
from storage.queries.quality import Quality, quality

SHOWN_ROWS = 10
"""Quarantined rows that are named on the screen; `--format json` has up to a thousand."""

_COLUMNS = (
    Column("source", "text", "Where the bill comes from."),
    Column("billing_period", "text", "Billing month, YYYY-MM."),
    Column("billing_currency", "text", "Currency of the costs."),
    Column("rows", "integer", "Line items stored."),
    Column("quarantined", "integer", "Line items left out, told with the period's first currency."),
    Column("billed_cost", "money", "Exact total.", "billing_currency"),
    Column("effective_cost", "money", "Exact total.", "billing_currency"),
    Column("changed", "boolean", "Whether anything differs from what was stored."),
)


def import_bill(
    ctx: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(help="Files or folders, together one snapshot.", metavar="PATH..."),
    ],
    *,
    source: Annotated[
        str | None,
        typer.Option(
            help="Name under which it replaces what came before.",
            show_default="the name of a single PATH, without suffix",
        ),
    ] = None,
    dialect: Annotated[str, typer.Option(help="How the columns are named: auto, focus.")] = "auto",
    received_at: Annotated[
        str | None,
        typer.Option(help="When it became known, RFC 3339, for history.", show_default="now"),
    ] = None,
    currency: Annotated[
        str | None,
        typer.Option(help="Currency of rows that name none.", show_default="XXX, which is none"),
    ] = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """Bring in bills from files: FOCUS 1.0 to 1.4 as CSV, CSV.gz or Parquet, folders recursively.

    All paths together are the whole of one source. Each billing period in them replaces what the
    source had stored of it; a period that they lack is kept, and named.
    """
    from collectors.billing import files

    state: State = ctx.obj
    now = state.clock()
    delivery = files.snapshot(
        paths,
        source_name(files.source_of(paths, source)),
        dialect=dialect,
        received_at=_moment(received_at, now),
        default_currency=_code(currency),
    )
    store = state.store(create=True)
    with working("Importing bills") as say:
        done = ingest(store, delivery, now=now, options=IngestOptions(on_step=say))
    show(listing(_COLUMNS, [_row(each) for each in done]), format, key="deliveries")
    _report_quality(store, delivery.source, done)


def _moment(text: str | None, now: datetime) -> datetime | None:
    if text is None:
        return None
    try:
        moment = parse_moment(text)
    except (ValueError, OverflowError) as err:
        raise UsageError(
            f'--received-at "{text[:80]}" is not a moment',
            do="Write RFC 3339, such as 2026-02-01T06:00:00Z",
            parameter="received_at",
        ) from err
    if moment > now:
        # It would hide every later bill of the source from what was known until then.
        raise UsageError(
            f"--received-at {rfc3339(moment)} lies in the future: it is {rfc3339(now)}",
            do="Write when the bill became known, or leave it out",
            parameter="received_at",
        )
    return moment


def _code(currency: str | None) -> str | None:
    if currency is not None and not (1 <= len(currency) <= 16 and currency.isalnum()):
        raise UsageError(
            f'--currency "{currency[:80]}" is not a currency code',
            do="Write ISO 4217's, such as USD",
            parameter="currency",
        )
    return currency


def _row(ingested: Ingested) -> dict[str, Any]:
    return {
        **{column.name: getattr(ingested, column.name) for column in _COLUMNS},
        "billing_period": f"{ingested.billing_period:%Y-%m}",
    }


def _report_quality(store: Store, source: str, done: Sequence[Ingested]) -> None:
    """Tell on stderr what is to know about the data, so that scripts read stdout undisturbed."""
    with store.read() as connection:
        known = quality(connection, source)
    periods = {each.billing_period for each in done}
    said: dict[str, int | None] = {}
    for each in known:
        if each.billing_period in periods:
            for found in each.notes:
                told = said.get(found.note)
                said[found.note] = None if found.rows is None else found.rows + (told or 0)
            _name_quarantined(each)
        elif each.absent_since is not None:
            said[f"{each.billing_period:%Y-%m} is not in this snapshot: what is stored stays"] = (
                None
            )
    for text, rows in said.items():
        note(f"Note: {text}" + ("" if rows is None else f" ({rows:,} line items)"))


def _name_quarantined(found: Quality) -> None:
    for row in found.quarantined_rows[:SHOWN_ROWS]:
        place = f"{row.file}, line {row.line}" + (f", column {row.column}" if row.column else "")
        note(f"Left out: {place}: {row.reason}")
    more = found.quarantined - min(len(found.quarantined_rows), SHOWN_ROWS)
    if more > 0:
        note(f"Left out: {more:,} more line items of {found.billing_period:%Y-%m}")
