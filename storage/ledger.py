"""Writes the cost ledger: what each delivery changed, and when that became known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Boolean, Column, Connection, Date, MetaData, Table, select, text

from spendwatt.clock import midnight
from storage.schema import Moment
from storage.tables.bills import cost_day_mix

_KEY = "day, provider_id, account_id, sub_account_id, service_id, region_id, currency"

_arrival = Table(
    "arrival",
    MetaData(),
    Column("usage_day", Date, primary_key=True),
    Column("received_at", Moment, nullable=False),
    Column("assumed", Boolean, nullable=False),
    prefixes=["TEMPORARY"],
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """When the changes of a delivery became known."""

    received_at: datetime
    history_before: datetime | None = None
    """The source's first receipt, where the period had never been delivered: of days before it
    nobody saw the arrival. None where all changes were seen arriving."""
    assumed_lag: timedelta = timedelta(0)
    """How long after a day began its cost is taken to have been known, in such history."""

    def of(self, day_began_at: datetime) -> tuple[datetime, bool]:
        """Give when a day's cost became known, and whether that is assumed."""
        assumed_at = day_began_at + self.assumed_lag
        if self.history_before is not None and assumed_at < self.history_before:
            return assumed_at, True
        return self.received_at, False


def record(
    connection: Connection, delivery_id: int, replaced_id: int | None, arrival: Arrival
) -> None:
    """Append what differs between a delivery and the one that it replaces, if any."""
    old_id = 0 if replaced_id is None else replaced_id
    versions = {"new": delivery_id, "old": old_id}
    days = connection.scalars(
        select(cost_day_mix.c.day)
        .where(cost_day_mix.c.delivery_id.in_((delivery_id, old_id)))
        .distinct()
    )
    _arrival.create(connection)
    arrivals = [(day, *arrival.of(midnight(day))) for day in days]
    if arrivals:
        connection.execute(
            _arrival.insert(),
            [dict(zip(_arrival.c.keys(), each, strict=True)) for each in arrivals],
        )
    connection.execute(text(_CHANGES), versions)
    _arrival.drop(connection)


_CHANGES = f"""
INSERT INTO cost_ledger (delivery_id, {_KEY}, billed_nano, effective_nano, received_at, assumed)
SELECT :new, {_KEY}, billed, effective, received_at, assumed FROM (
    SELECT {_KEY}, sum(billed) AS billed, sum(effective) AS effective FROM (
        SELECT {_KEY}, billed_nano AS billed, effective_nano AS effective
        FROM cost_day_mix WHERE delivery_id = :new
        UNION ALL
        SELECT {_KEY}, -billed_nano, -effective_nano
        FROM cost_day_mix WHERE delivery_id = :old
    ) AS versions GROUP BY {_KEY}
) AS changes JOIN arrival ON usage_day = day
WHERE billed <> 0 OR effective <> 0
ORDER BY {_KEY}
"""  # noqa: S608 - built from constants only
