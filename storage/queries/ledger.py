"""Reads the cost ledger: what was known of each day, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection, select

from storage.tables.bills import account, account_name, cost_ledger, provider, region, service

Series = tuple[str, str, str, str, str, str]
"""(provider, billing account, sub-account, service, region, currency); what the bill does not name
is empty."""

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BATCH = 50_000


@dataclass(frozen=True, slots=True)
class LedgerRows:
    """Changes in parallel columns; the order of rows means nothing."""

    series: Sequence[Series]
    series_index: Sequence[int]
    """Row -> place in `series`."""
    day: Sequence[int]
    """UTC usage day, in days since 1970-01-01."""
    received: Sequence[int]
    """Seconds since 1970-01-01 UTC."""
    assumed: Sequence[bool]
    billed_nano: Sequence[int]
    effective_nano: Sequence[int]


class _Places(dict[tuple[Any, ...], int]):
    """Gives the place of each series by the ids of its row, naming it when first seen."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._texts = [
            dict(connection.execute(select(table.c.id, table.c.text)).all())
            for table in (provider, account, account, service, region)
        ]
        self.series: dict[Series, int] = {}

    def __missing__(self, ids: tuple[Any, ...]) -> int:
        *texts, currency = ids
        named = [known[id_] for known, id_ in zip(self._texts, texts, strict=True)]
        # Several ids may share a name: a service is told apart by its category too.
        place = self.series.setdefault((*named, currency), len(self.series))
        self[ids] = place
        return place


def changes(connection: Connection, *, first_day: date, as_of: datetime) -> LedgerRows:
    """Give every change of the days from `first_day` on that was known at `as_of`."""
    c = cost_ledger.c
    series = (c.provider_id, c.account_id, c.sub_account_id, c.service_id, c.region_id, c.currency)
    facts = (c.day, c.received_at, c.assumed, c.billed_nano, c.effective_nano)
    found = connection.execution_options(yield_per=_BATCH).execute(
        select(*series, *facts).where(c.day >= first_day, c.received_at <= as_of)
    )
    places = _Places(connection)
    index, days, received = [], [], []
    assumed, billed, effective = [], [], []
    for part in found.partitions(_BATCH):
        for *ids, day, at, guessed, billed_nano, effective_nano in part:
            index.append(places[tuple(ids)])
            days.append(day.toordinal() - _EPOCH_DAY)
            received.append(int((at - _EPOCH).total_seconds()))
            assumed.append(guessed)
            billed.append(billed_nano)
            effective.append(effective_nano)
    return LedgerRows(tuple(places.series), index, days, received, assumed, billed, effective)


def account_names(connection: Connection) -> dict[tuple[str, str], str]:
    """Give what people call each account: (provider, id) -> newest name, where one is known."""
    found = connection.execute(
        select(provider.c.text, account.c.text, account_name.c.name)
        .join_from(account_name, account)
        .join(provider, provider.c.id == account.c.provider_id)
    )
    return {(maker, id_): name for maker, id_, name in found if name}
