"""A made-up company's bills: what it buys, what goes wrong, and when its providers say so.

Everything follows from the tables below and a fixed seed, so each run tells the same story.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from service.demo.catalogue import FIRST_MONTH, KNOWN_AFTER_DAYS, LINES, PROVIDERS, Line
from spendwatt.clock import midnight, next_month
from spendwatt.money import plain

DAILY_FROM = date(2026, 10, 1)
"""From here on the bills come day by day; the months before were imported whole."""
TODAY = date(2026, 10, 22)
DELIVERED_AT_HOUR = 7

SEED = 20261022
LATE_DAY = date(2026, 10, 16)
LATE_SOURCE = "gcp"
LATE_SHARE = Decimal("0.12")
LATE_UNTIL = date(2026, 10, 19)
RESTATED_MONTH = date(2026, 9, 1)
RESTATED_ON = date(2026, 10, 6)
RESTATED_SOURCE = "azure"
RESTATED_FACTOR = Decimal("0.93")

_COLUMNS = (
    "BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd",
    "ProviderName", "BillingAccountId", "BillingAccountName", "SubAccountId", "SubAccountName",
    "ServiceCategory", "ServiceName", "RegionId", "ResourceId", "SkuId", "ChargeCategory",
    "ChargeDescription", "BillingCurrency", "BilledCost", "EffectiveCost", "ListCost",
    "ContractedCost", "ConsumedQuantity", "ConsumedUnit", "Tags",
)  # fmt: skip


def months() -> Iterator[date]:
    """Yield the first day of each month of the story."""
    month = FIRST_MONTH
    while month <= TODAY:
        yield month
        month = next_month(month)


def delivered_at(day: date) -> datetime:
    """Give the moment of `day` at which every provider refreshes its bill."""
    return midnight(day) + timedelta(hours=DELIVERED_AT_HOUR)


def write_bill(folder: Path, source: str, month: date, as_of: date) -> None:
    """Write the bill of `month` as `source` shows it on the morning of `as_of`, as FOCUS CSV."""
    folder.mkdir(parents=True, exist_ok=True)
    half_written = folder / f".{month:%Y-%m}.part"
    with half_written.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        writer.writerows(_rows(source, month, as_of))
    half_written.rename(folder / f"{month:%Y-%m}.csv")


def _rows(source: str, month: date, as_of: date) -> Iterator[list[object]]:
    for line in LINES:
        if line.source != source:
            continue
        day = month
        while day < min(next_month(month), as_of):
            quantity = _quantity(line, day) * _known_share(source, day, as_of)
            if quantity:
                yield _row(line, month, day, plain(quantity), _restated(line, day, as_of))
            day += timedelta(days=1)


def _quantity(line: Line, day: date) -> Decimal:
    """Give the units used on `day`, the same on each call."""
    if not line.starts <= day <= line.ends or line.day_of_month not in {None, day.day}:
        return Decimal(0)
    luck = random.Random(f"{SEED}/{line.resource}/{line.place.service}/{day}")  # noqa: S311 - a story
    months_in = (day - FIRST_MONTH).days / 30
    factor = (1 + line.growth_per_month) ** months_in * (1 + luck.gauss(0, line.noise))
    if day.weekday() >= 5 and line.day_of_month is None:
        factor *= line.weekend
    return Decimal(repr(round(line.per_day * factor, 6)))


def _known_share(source: str, day: date, as_of: date) -> Decimal:
    if source == LATE_SOURCE and day == LATE_DAY and as_of < LATE_UNTIL:
        return LATE_SHARE
    shares = KNOWN_AFTER_DAYS[source]
    age = (as_of - day).days
    return shares[age - 1] if age <= len(shares) else Decimal(1)


def _restated(line: Line, day: date, as_of: date) -> Decimal:
    """Give the factor by which a later bill changed the price of that day."""
    is_restated = (
        line.source == RESTATED_SOURCE
        and line.place.service == "Virtual Machines"
        and RESTATED_MONTH <= day < next_month(RESTATED_MONTH)
        and as_of >= RESTATED_ON
    )
    return RESTATED_FACTOR if is_restated else Decimal(1)


def _row(
    line: Line, month: date, day: date, quantity: Decimal, price_factor: Decimal
) -> list[object]:
    provider, payer_id, payer = PROVIDERS[line.source]
    billed = plain(quantity * Decimal(line.unit_price) * price_factor)
    # A purchase covers later charges: FOCUS counts it as billed, not as effective cost.
    effective = Decimal(0) if line.charge_category == "Purchase" else billed
    return [
        _utc(month), _utc(next_month(month)), _utc(day), _utc(day + timedelta(days=1)),
        provider, payer_id, payer, f"{line.source}-{line.account}", line.account,
        line.place.category, line.place.service, line.place.region, line.resource,
        f"{line.place.service}/{line.unit}",
        line.charge_category, f"{line.place.service} {line.resource}", "USD",
        billed, effective, billed, billed, quantity, line.unit, json.dumps({"team": line.team}),
    ]  # fmt: skip


def _utc(day: date) -> str:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
