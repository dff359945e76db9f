"""Fixtures for tests of bills: FOCUS files made of a few cells each."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path

import pytest

from collectors.billing.files import snapshot
from spendwatt.records import Delivery

WriteBill = Callable[..., Path]
MakeDelivery = Callable[..., Delivery]

LINE_ITEM = {
    "BilledCost": "1.5",
    "EffectiveCost": "1.25",
    "ListCost": "2",
    "ContractedCost": "1.5",
    "BillingCurrency": "USD",
    "BillingPeriodStart": "2026-01-01T00:00:00Z",
    "ChargePeriodStart": "2026-01-05T03:00:00Z",
    "ProviderName": "AWS",
    "BillingAccountId": "100",
    "BillingAccountName": "Payer",
    "SubAccountId": "200",
    "SubAccountName": "Team",
    "ServiceName": "EC2",
    "ServiceCategory": "Compute",
    "RegionId": "us-east-1",
    "SkuId": "SKU1",
    "ResourceId": "i-1",
    "ChargeCategory": "Usage",
    "CommitmentDiscountId": "",
    "Tags": '{"team": "ml"}',
    "ConsumedQuantity": "3",
    "ConsumedUnit": "Hours",
    "PricingQuantity": "3",
    "PricingUnit": "Hours",
}


@pytest.fixture
def write_bill(tmp_path: Path) -> WriteBill:
    """Give a way to write a FOCUS file; each row names only what differs from the usual one."""

    def write(rows: Iterable[Mapping[str, str]], name: str = "bill.csv") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        listed = [{**LINE_ITEM, **row} for row in rows]
        columns = list(dict.fromkeys(c for row in listed or [LINE_ITEM] for c in row))
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(listed)
        return path

    return write


@pytest.fixture
def make_delivery(write_bill: WriteBill) -> MakeDelivery:
    """Give a way to make a delivery of a few rows in one file."""

    def make(
        rows: Iterable[Mapping[str, str]],
        source: str = "aws",
        name: str = "bill.csv",
        received_at: datetime | None = None,
    ) -> Delivery:
        return snapshot([write_bill(rows, name)], source, received_at=received_at)

    return make
