"""The tables of costs: dimensions, daily facts, their summaries, the ledger.

`info` on a table says what Citus does with it: `reference` (copied to each node) or
`distributed_by` (a column of its key); without either it stays local.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Double,
    ForeignKey,
    Index,
    Table,
    Text,
    UniqueConstraint,
)

from storage.schema import BigId, Moment, Nano, metadata

provider = Table(
    "provider",
    metadata,
    Column("id", BigId, primary_key=True, comment="Key; 0 is the empty provider"),
    Column("text", Text, nullable=False, unique=True, comment="FOCUS ProviderName"),
    comment="Who made the service that was charged",
    info={"reference": True},
)


def _dimension(name: str, says: str, *more: Column[str]) -> Table:
    """Declare a dimension: the distinct texts of one FOCUS column, each provider's own."""
    return Table(
        name,
        metadata,
        Column("id", BigId, primary_key=True, comment="Key; 0 means that the bill names none"),
        Column(
            "provider_id",
            ForeignKey("provider.id"),
            nullable=False,
            comment="The provider that uses this text",
        ),
        Column("text", Text, nullable=False, comment=says),
        *more,
        UniqueConstraint("provider_id", "text", *(column.name for column in more)),
        comment=f"Distinct values of: {says}",
        info={"reference": True},
    )


account = _dimension("account", "FOCUS BillingAccountId or SubAccountId")
service = _dimension(
    "service",
    "FOCUS ServiceName",
    Column("category", Text, nullable=False, comment="FOCUS ServiceCategory"),
)
region = _dimension("region", "FOCUS RegionId")
sku = _dimension("sku", "FOCUS SkuId")
resource = _dimension("resource", "FOCUS ResourceId")
charge_category = _dimension("charge_category", "FOCUS ChargeCategory")
commitment = _dimension("commitment", "FOCUS CommitmentDiscountId")
unit = _dimension("unit", "FOCUS ConsumedUnit, else PricingUnit")

tag_set = Table(
    "tag_set",
    metadata,
    Column("id", BigId, primary_key=True, comment="Key; 0 is the empty set"),
    Column("digest", Text, nullable=False, unique=True, comment="sha256 of `tags`, in hex"),
    Column("tags", Text, nullable=False, comment="Canonical JSON: sorted keys, no spaces"),
    comment="Distinct sets of tags",
    info={"reference": True},
)

account_name = Table(
    "account_name",
    metadata,
    Column("account_id", ForeignKey("account.id"), primary_key=True, comment="The account"),
    Column("name", Text, nullable=False, comment="BillingAccountName or SubAccountName, newest"),
    comment="What people call an account; for display only",
    info={"reference": True},
)


def _key(name: str, says: str) -> Column[int]:
    """Declare a part of a key of facts.

    No foreign keys here: ids are resolved in the same ingest, dimensions are never deleted, and
    checking twelve of them for each fact takes longer than writing the fact.
    """
    return Column(name, BigInteger, primary_key=True, autoincrement=False, comment=says)


def _keys(*names: str) -> list[Column[int]]:
    return [_key(f"{name}_id", f"Row of `{_of(name)}`, 0 for none") for name in names]


def _of(name: str) -> str:
    return "account" if name == "sub_account" else name


def _delivery() -> Column[int]:
    return _key("delivery_id", "The delivery that told it")


def _day() -> Column[date]:
    return Column("day", Date, primary_key=True, comment="UTC day of ChargePeriodStart")


def _currency() -> Column[str]:
    return Column("currency", Text, primary_key=True, comment="Billing currency")


def _costs(list_says: str = "ListCost, null where unknown") -> list[Column[int]]:
    return [
        Column("billed_nano", Nano, nullable=False, comment="BilledCost, nano-units"),
        Column("effective_nano", Nano, nullable=False, comment="EffectiveCost, nano-units"),
        Column("list_nano", Nano, comment=f"{list_says}, nano-units"),
        Column("contracted_nano", Nano, comment="ContractedCost, as list_nano, nano-units"),
    ]


_WITHOUT_PURCHASES = "ListCost without purchases (their use is listed again)"

cost_daily = Table(
    "cost_daily",
    metadata,
    _delivery(),
    _day(),
    *_keys("provider", "account", "sub_account", "service", "region", "sku", "resource"),
    *_keys("charge_category", "commitment", "tag_set", "unit"),
    _currency(),
    *_costs(),
    Column("quantity", Double, comment="Sum of the quantity in `unit`, null where unknown"),
    Column("line_items", BigInteger, nullable=False, comment="Line items summed here"),
    comment="What was charged on a day, each figure rounded once from its exact sum",
    info={"distributed_by": "resource_id"},
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (day)",
)

cost_day_service = Table(
    "cost_day_service",
    metadata,
    _delivery(),
    _day(),
    *_keys("provider", "service"),
    _currency(),
    *_costs(_WITHOUT_PURCHASES),
    comment="cost_daily summed by day and service",
    sqlite_with_rowid=False,
)

cost_day_account = Table(
    "cost_day_account",
    metadata,
    _delivery(),
    _day(),
    *_keys("provider", "account", "sub_account"),
    _currency(),
    *_costs(_WITHOUT_PURCHASES),
    comment="cost_daily summed by day, account and sub-account",
    sqlite_with_rowid=False,
)

cost_month_resource = Table(
    "cost_month_resource",
    metadata,
    _delivery(),
    Column("month", Date, primary_key=True, comment="First day of the UTC usage month"),
    *_keys("provider", "resource"),
    _currency(),
    *_costs(_WITHOUT_PURCHASES),
    comment="cost_daily summed by usage month and resource",
    info={"distributed_by": "resource_id"},
    sqlite_with_rowid=False,
)

cost_day_mix = Table(
    "cost_day_mix",
    metadata,
    _delivery(),
    _day(),
    *_keys("provider", "account", "sub_account", "service", "region", "charge_category"),
    _currency(),
    *_costs(_WITHOUT_PURCHASES),
    comment="cost_daily summed by day, service, account, region and charge category",
    sqlite_with_rowid=False,
)

cost_ledger = Table(
    "cost_ledger",
    metadata,
    Column("id", BigId, primary_key=True, comment="Key, in the order of writing"),
    Column(
        "delivery_id", ForeignKey("delivery.id"), nullable=False, comment="Delivery that changed it"
    ),
    Column("day", Date, nullable=False, comment="UTC usage day"),
    *(
        Column(f"{name}_id", BigInteger, nullable=False, comment=f"Row of `{_of(name)}`")
        for name in ("provider", "account", "sub_account", "service", "region")
    ),
    Column("currency", Text, nullable=False, comment="Billing currency"),
    Column("billed_nano", Nano, nullable=False, comment="Change of the billed cost, nano-units"),
    Column("effective_nano", Nano, nullable=False, comment="Change of effective cost, nano-units"),
    Column("received_at", Moment, nullable=False, comment="When the change became known"),
    Column("assumed", Boolean, nullable=False, comment="received_at is assumed: imported history"),
    Index("ix_cost_ledger_day", "day", "received_at"),
    Index("ix_cost_ledger_delivery_id", "delivery_id"),
    comment="Changes of cost, only ever added: their sum up to a moment is what was known then",
)

SUMMARIES = (cost_day_service, cost_day_account, cost_month_resource, cost_day_mix)
"""Sums of cost_daily, written in its transaction."""
