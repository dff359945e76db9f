"""Break-even: each workload and asset against each option, what it costs, and when it turns."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from analysis.economics.answers import AnswerKind, Origin
from analysis.economics.comparison import Comparison
from analysis.economics.futures import drawn_row, futures
from reports.contract import Report, page
from reports.measured import comparisons
from reports.options import Option
from spendwatt.estate import Estate
from spendwatt.query import Query
from spendwatt.table import Column, DataStatus, Table
from storage.engine import Store

CENT = Decimal("0.01")

COLUMNS = (
    Column("subject", "text", "`workload` or `asset`."),
    Column("name", "text", "Its name in the configuration."),
    Column("option", "text", "The hardware option or cloud price that it is held against."),
    Column("direction", "text", "Which way the move would go: cloud_to_own or own_to_cloud."),
    Column("answer", "text", "`date`, `already`, `never` or `unknown`."),
    Column("paid_back_on", "day", "Day on which the move has earned its cost."),
    Column("months", "number", "The same in months of work at the new place.", "months"),
    Column("worth_on", "day", "First day on which a month there costs less than a month here."),
    Column("live_on", "day", "First day of work at the new place, if ordered today."),
    Column("why", "text", "The answer in a sentence."),
    Column("needs", "object", "Settings or measurements that an unknown answer lacks."),
    Column("currency", "text", "Of all amounts of the row."),
    Column("cloud_per_month", "money", "Cloud cost of a month.", "currency"),
    Column("own_per_month", "money", "Own cost of a month, capital included.", "currency"),
    Column("saving_per_month", "money", "What moving saves a month.", "currency"),
    Column("upfront", "money", "To pay before the first month.", "currency"),
    Column("ratio", "number", "Own cost over cloud cost."),
    Column("utilization", "number", "Busy share of the GPU-hours, 0 to 1."),
    Column("utilization_turn", "number", "Share at which both sides cost the same."),
    Column("gpus_worth_owning", "integer", "Of an asset's GPUs, at the measured load."),
    Column("gpus_worth_owning_least", "integer", "Least number within 2 % of the best cost."),
    Column("gpus_worth_owning_most", "integer", "Largest number within 2 % of the best cost."),
    Column("p10_on", "day", "A tenth of the futures drawn are paid back by then."),
    Column("p50_on", "day", "Half of them."),
    Column("p90_on", "day", "Nine tenths; none where that lies beyond the horizon."),
    Column("never_share", "number", "Share of the futures that never pay back, 0 to 1."),
    Column("gain_share", "number", "Share that gain over the whole span, 0 to 1."),
    Column("assumptions", "object", "Every figure behind it: key, value, origin, age in days."),
)


class Breakeven(Report):
    """When does it pay to move, in either direction."""

    summary = "When does it pay to own instead of renting, or to rent instead of owning?"
    columns = COLUMNS
    options = (
        Option("workload", "text", "Only the workload of this name.", "training"),
        Option("asset", "text", "Only the asset of this name.", "rack-a"),
    )

    def run(self, query: Query, store: Store, estate: Estate) -> Table:
        """Compare everything that is configured, by the last 28 days."""
        with store.read() as connection:
            found = comparisons(connection, estate, query.as_of)
        asked = [one for one in found if _is_asked(one, query)]
        rows = [row(one) for one in asked]
        return Table(
            columns=self.columns,
            rows=page(rows, query, "subject", "name", "option"),
            total_rows=len(rows),
            status=_status(asked),
            notes=_notes(estate, asked),
        )


def row(one: Comparison) -> dict[str, Any]:
    """Give a comparison as a row of the report; amounts to the cent."""
    answer = one.answer
    return {
        "subject": one.subject,
        "name": one.name,
        "option": one.option,
        "direction": one.direction.value,
        "answer": answer.kind.value,
        "paid_back_on": answer.paid_back_on,
        "months": None if answer.months is None else float(round(answer.months, 2)),
        "worth_on": answer.worth_on,
        "live_on": answer.live_on,
        "why": answer.why,
        "needs": list(answer.needs),
        "currency": one.currency,
        "cloud_per_month": _cents(one.cloud_per_month),
        "own_per_month": _cents(one.own_per_month),
        "saving_per_month": _cents(one.saving_per_month),
        "upfront": _cents(one.upfront),
        "ratio": _share(one.ratio),
        "utilization": _share(one.utilization),
        "utilization_turn": _share(one.utilization_turn),
        **_sizing(one),
        **drawn_row(one, futures(one)),
        "assumptions": [
            {
                "key": a.key,
                "value": a.value,
                "origin": a.origin.value,
                "age_days": a.age_days(one.on),
            }
            for a in one.assumptions
        ],
    }


def _sizing(one: Comparison) -> dict[str, int | None]:
    least, most = one.sizing.nearly_best() if one.sizing else (None, None)
    return {
        "gpus_worth_owning": one.sizing.best if one.sizing else None,
        "gpus_worth_owning_least": least,
        "gpus_worth_owning_most": most,
    }


def _is_asked(one: Comparison, query: Query) -> bool:
    workload, asset = query.option("workload"), query.option("asset")
    if workload is None and asset is None:
        return True
    return (one.subject, one.name) in {("workload", workload), ("asset", asset)}


def _status(found: Sequence[Comparison]) -> DataStatus:
    if any(one.answer.kind is AnswerKind.UNKNOWN for one in found):
        return DataStatus.INCOMPLETE
    assumed = any(a.origin is Origin.DEFAULT for one in found for a in one.assumptions)
    return DataStatus.ESTIMATED if assumed else DataStatus.COMPLETE


def _notes(estate: Estate, found: Sequence[Comparison]) -> tuple[str, ...]:
    notes = []
    if not estate.assets and not any(w.filter for w in estate.workloads):
        notes.append(
            "nothing to compare: configure [[workloads]] with [[hardware_options]], "
            "or [[assets]] with [[quotes]]"
        )
    missing = {a.key for one in found for a in one.assumptions if a.origin is Origin.DEFAULT}
    if missing:
        notes.append(f"taken by default: {', '.join(sorted(missing))}")
    return tuple(notes)


def _cents(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.quantize(CENT)


def _share(value: Decimal | None) -> float | None:
    return None if value is None else float(round(value, 4))
