"""Reads the parts of one series from the present bills: region, SKU, resource, tags, by day."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date

from sqlalchemy import ColumnElement, Connection, Subquery, and_, case, func, or_, select

from spendwatt.money import NANO_PER_UNIT
from spendwatt.parts import PartDays, PartsAsked
from storage.tables import bills
from storage.tables.bills import account, cost_daily, provider, service
from storage.tables.deliveries import delivery

MOST_PARTS = 200
"""Parts beyond the largest movers are left out: they explain next to nothing."""

_NONE_ID = 0
"""Id of each dimension's empty text: the bill names none."""
_KEYS = ("region", "sku", "resource", "tag_set", "unit")
_facts = cost_daily.c


def parts(connection: Connection, asked: PartsAsked, *, most: int = MOST_PARTS) -> list[PartDays]:
    """Give the parts that moved most, up or down, on the asked days against the days before.

    They are as the bills say now: what they said earlier is not kept below region.
    """
    if not asked.days:
        return []
    top = _movers(asked, most)
    keys = [_facts[f"{name}_id"] for name in _KEYS]
    query = (
        select(*keys, _facts.day, func.sum(_facts.billed_nano), func.sum(_facts.quantity))
        .select_from(cost_daily)
        .join(top, and_(*(key == top.c[key.name] for key in keys)))
        .where(*_of(asked))
        .group_by(*keys, _facts.day)
    )
    found: dict[tuple[int, ...], tuple[dict[date, float], dict[date, float]]] = {}
    for *ids, day, nano, quantity in connection.execute(query):
        cost, used = found.setdefault(tuple(ids), ({}, {}))
        cost[day] = int(nano) / NANO_PER_UNIT
        if quantity is not None:
            used[day] = float(quantity)
    texts = _texts(connection, list(found))
    return [
        PartDays(
            region=texts["region"][ids[0]],
            sku=texts["sku"][ids[1]],
            resource=texts["resource"][ids[2]],
            tags=json.loads(texts["tag_set"][ids[3]]),
            unit=texts["unit"][ids[4]],
            billed_cost=cost,
            quantity=used,
        )
        for ids, (cost, used) in sorted(found.items())
    ]


def _movers(asked: PartsAsked, most: int) -> Subquery:
    """Rank by how far the mean of the asked days lies off that of the days before."""
    keys = [_facts[f"{name}_id"] for name in _KEYS]
    weight = case((_facts.day.in_(asked.days), len(asked.before) or 1), else_=-len(asked.days))
    moved = func.abs(func.sum(weight * _facts.billed_nano))
    return (
        select(*keys).where(*_of(asked)).group_by(*keys).order_by(moved.desc(), *keys).limit(most)
    ).subquery("movers")


def _of(asked: PartsAsked) -> list[ColumnElement[bool]]:
    makers = select(provider.c.id).where(provider.c.text == asked.provider)
    accounts = select(account.c.id).where(
        account.c.text == asked.account, account.c.provider_id.in_(makers)
    )
    services = select(service.c.id).where(
        service.c.text == asked.service, service.c.provider_id.in_(makers)
    )
    days = (*asked.before, *asked.days)
    held = select(delivery.c.id).where(
        delivery.c.state == "current",
        delivery.c.first_day <= max(days),
        delivery.c.last_day >= min(days),
    )
    return [
        _facts.delivery_id.in_(held),
        _facts.day.in_(days),
        _facts.provider_id.in_(makers),
        or_(
            _facts.sub_account_id.in_(accounts),
            and_(_facts.sub_account_id == _NONE_ID, _facts.account_id.in_(accounts)),
        ),
        _facts.service_id.in_(services),
        _facts.currency == asked.currency,
    ]


def _texts(connection: Connection, found: Sequence[tuple[int, ...]]) -> dict[str, dict[int, str]]:
    texts = {}
    for place, name in enumerate(_KEYS):
        table = getattr(bills, name)
        text = table.c.tags if name == "tag_set" else table.c.text
        ids_of = {ids[place] for ids in found}
        rows = connection.execute(select(table.c.id, text).where(table.c.id.in_(ids_of)))
        texts[name] = {row[0]: row[1] for row in rows}
    return texts
