"""Tables of bills: dimensions, deliveries, daily facts, the ledger, summaries, quality."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001_bills"
down_revision = branch_labels = depends_on = None

DIMENSIONS = {
    "account": "FOCUS BillingAccountId or SubAccountId",
    "service": "FOCUS ServiceName",
    "region": "FOCUS RegionId",
    "sku": "FOCUS SkuId",
    "resource": "FOCUS ResourceId",
    "charge_category": "FOCUS ChargeCategory",
    "commitment": "FOCUS CommitmentDiscountId",
    "unit": "FOCUS ConsumedUnit, else PricingUnit",
}
SNAPSHOT = "Fingerprint of the newest whole snapshot, if it gives those"
ASSUMED = "received_at is assumed: imported history"
QUANTITY = "Sum of the quantity in `unit`, null where unknown"
WITHOUT_PURCHASES = "ListCost without purchases (their use is listed again)"


def upgrade() -> None:
    _dimensions()
    _deliveries()
    _delivery_totals()
    _facts()
    _ledger()
    _quality()


def downgrade() -> None:
    for table in (
        *("quality_note", "quarantined_row", "cost_ledger"),
        *("cost_day_mix", "cost_month_resource", "cost_day_account", "cost_day_service"),
        *("cost_daily", "delivery_total", "delivery", "source", "account_name", "tag_set"),
        *(*reversed(DIMENSIONS), "provider"),
    ):
        op.drop_table(table)


def _text(name: str, comment: str, **more: Any) -> sa.Column[str]:
    key = [sa.ForeignKey(more.pop("of"))] if "of" in more else []
    nullable = more.pop("nullable", False)
    return sa.Column(name, sa.Text(), *key, nullable=nullable, comment=comment, **more)


def _number(name: str, comment: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable, comment=comment)


def _moment(name: str, comment: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, comment=comment)


def _big_id() -> Any:
    return sa.BigInteger().with_variant(sa.INTEGER(), "sqlite")


def _id(comment: str) -> sa.Column[int]:
    return sa.Column("id", _big_id(), primary_key=True, comment=comment)


def _row_of(table: str, comment: str, **more: Any) -> sa.Column[int]:
    name, key = f"{table}_id", sa.ForeignKey(f"{table}.id")
    return sa.Column(name, _big_id(), key, nullable=False, comment=comment, **more)


def _date(name: str, comment: str, **more: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.Date(), comment=comment, **more)


def _part(name: str, comment: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), primary_key=True, autoincrement=False, comment=comment)


def _dimensions() -> None:
    provider = op.create_table(
        "provider",
        _id("Key; 0 is the empty provider"),
        _text("text", "FOCUS ProviderName", unique=True),
        comment="Who made the service that was charged",
    )
    op.bulk_insert(provider, [{"id": 0, "text": ""}])
    for name, says in DIMENSIONS.items():
        _dimension(name, says)
    tag_set = op.create_table(
        "tag_set",
        _id("Key; 0 is the empty set"),
        _text("digest", "sha256 of `tags`, in hex", unique=True),
        _text("tags", "Canonical JSON: sorted keys, no spaces"),
        comment="Distinct sets of tags",
    )
    op.bulk_insert(tag_set, [{"id": 0, "digest": "", "tags": "{}"}])
    op.create_table(
        "account_name",
        _row_of("account", "The account", primary_key=True),
        _text("name", "BillingAccountName or SubAccountName, newest"),
        comment="What people call an account; for display only",
    )


def _dimension(name: str, says: str) -> None:
    more = [_text("category", "FOCUS ServiceCategory")] if name == "service" else []
    table = op.create_table(
        name,
        _id("Key; 0 means that the bill names none"),
        _row_of("provider", "The provider that uses this text"),
        _text("text", says),
        *more,
        sa.UniqueConstraint("provider_id", "text", *(column.name for column in more)),
        comment=f"Distinct values of: {says}",
    )
    empty = {"id": 0, "provider_id": 0, "text": ""}
    op.bulk_insert(table, [{**empty, "category": ""} if more else empty])


def _deliveries() -> None:
    op.create_table(
        "source",
        _text("name", "Name of the collector or of the import", primary_key=True),
        _moment("first_received_at", "When its first bill was known"),
        _moment("last_seen_at", "When it was last read, changed or not"),
        _text("snapshot", SNAPSHOT, nullable=True),
        comment="Where bills come from",
    )
    op.create_table(
        "delivery",
        _id("Key"),
        _text("source", "Where it came from", of="source.name"),
        _date("billing_period", "First day of the billing month", nullable=False),
        _text("state", "current, replaced, or rejected"),
        _text("fingerprint", "The collector's mark of this version"),
        _text("content", "sha256 of all facts and totals: same, no-op"),
        _text("files", "JSON list of the files' names"),
        _number("rows", "Line items read, quarantined included"),
        _number("quarantined", "Line items that were left out"),
        _date("first_day", "First UTC usage day, null without facts"),
        _date("last_day", "Last UTC usage day, null without facts"),
        _moment("received_at", "When this version became known"),
        _moment("ingested_at", "When it was stored"),
        _moment("absent_since", "Since when snapshots lack this period, if they do", nullable=True),
        _text("reason", "Why it was rejected", nullable=True),
        sa.CheckConstraint("state IN ('current', 'replaced', 'rejected')", name="state"),
        sa.CheckConstraint("quarantined BETWEEN 0 AND rows", name="quarantined"),
        comment="Versions of bills; each source and period keeps the facts of its current one",
    )
    op.create_index(
        "ix_delivery_current",
        "delivery",
        ["source", "billing_period"],
        unique=True,
        postgresql_where=sa.text("state = 'current'"),
        sqlite_where=sa.text("state = 'current'"),
    )


def _delivery_totals() -> None:
    op.create_table(
        "delivery_total",
        _row_of("delivery", "The delivery", primary_key=True),
        _text("currency", "Billing currency", primary_key=True),
        _number("rows", "Line items in this currency"),
        _number("facts", "Rows of cost_daily in this currency"),
        _text("billed_cost", "Exact decimal total"),
        _text("effective_cost", "Exact decimal total"),
        _text("list_cost", "Exact decimal total of the known ones", nullable=True),
        _text("contracted_cost", "Exact decimal total of the known ones", nullable=True),
        sa.CheckConstraint("length(currency) BETWEEN 1 AND 16", name="currency"),
        comment="Exact totals of a delivery in each currency, beside which the facts are rounded",
    )


def _keys(*names: str) -> list[sa.Column[int]]:
    return [
        _part(f"{name}_id", f"Row of `{'account' if name == 'sub_account' else name}`, 0 for none")
        for name in names
    ]


def _costs(list_says: str) -> list[sa.Column[int]]:
    return [
        _number("billed_nano", "BilledCost, nano-units"),
        _number("effective_nano", "EffectiveCost, nano-units"),
        _number("list_nano", f"{list_says}, nano-units", nullable=True),
        _number("contracted_nano", "ContractedCost, as list_nano, nano-units", nullable=True),
    ]


def _fact_table(name: str, when: sa.Column[Any], *keys: str, comment: str, **more: Any) -> None:
    quantities = more.pop("quantities", ())
    list_says = "ListCost, null where unknown" if quantities else WITHOUT_PURCHASES
    op.create_table(
        name,
        _part("delivery_id", "The delivery that told it"),
        when,
        *_keys(*keys),
        _text("currency", "Billing currency", primary_key=True),
        *_costs(list_says),
        *quantities,
        comment=comment,
        sqlite_with_rowid=False,
        **more,
    )


def _day() -> sa.Column[Any]:
    return _date("day", "UTC day of ChargePeriodStart", primary_key=True)


def _facts() -> None:
    _fact_table(
        "cost_daily",
        _day(),
        *("provider", "account", "sub_account", "service", "region", "sku", "resource"),
        *("charge_category", "commitment", "tag_set", "unit"),
        comment="What was charged on a day, each figure rounded once from its exact sum",
        quantities=(
            sa.Column("quantity", sa.Double(), comment=QUANTITY),
            _number("line_items", "Line items summed here"),
        ),
        postgresql_partition_by="RANGE (day)",
    )
    _fact_table(
        "cost_day_service",
        _day(),
        *("provider", "service"),
        comment="cost_daily summed by day and service",
    )
    _fact_table(
        "cost_day_account",
        _day(),
        *("provider", "account", "sub_account"),
        comment="cost_daily summed by day, account and sub-account",
    )
    _fact_table(
        "cost_month_resource",
        _date("month", "First day of the UTC usage month", primary_key=True),
        *("provider", "resource"),
        comment="cost_daily summed by usage month and resource",
    )
    _fact_table(
        "cost_day_mix",
        _day(),
        *("provider", "account", "sub_account", "service", "region", "charge_category"),
        comment="cost_daily summed by day, service, account, region and charge category",
    )


def _ledger() -> None:
    op.create_table(
        "cost_ledger",
        _id("Key, in the order of writing"),
        _row_of("delivery", "Delivery that changed it"),
        _date("day", "UTC usage day", nullable=False),
        _number("provider_id", "Row of `provider`"),
        _number("account_id", "Row of `account`"),
        _number("sub_account_id", "Row of `account`"),
        _number("service_id", "Row of `service`"),
        _number("region_id", "Row of `region`"),
        _text("currency", "Billing currency"),
        _number("billed_nano", "Change of the billed cost, nano-units"),
        _number("effective_nano", "Change of effective cost, nano-units"),
        _moment("received_at", "When the change became known"),
        sa.Column("assumed", sa.Boolean(), nullable=False, comment=ASSUMED),
        comment="Changes of cost, only ever added: their sum up to a moment is what was known then",
    )
    op.create_index("ix_cost_ledger_day", "cost_ledger", ["day", "received_at"])
    op.create_index("ix_cost_ledger_delivery_id", "cost_ledger", ["delivery_id"])


def _quality() -> None:
    op.create_table(
        "quarantined_row",
        _id("Key"),
        _row_of("delivery", "The delivery"),
        _text("file", "The file's name"),
        _number("line", "Line of a text file, row of a Parquet one"),
        _text("column_name", "FOCUS column, empty for the whole row"),
        _text("reason", "What was wrong with it"),
        comment="Line items that were left out of a delivery; the first thousand of each",
    )
    op.create_index("ix_quarantined_row_delivery_id", "quarantined_row", ["delivery_id"])
    op.create_table(
        "quality_note",
        _id("Key"),
        _row_of("delivery", "The delivery"),
        _text("column_name", "Column it is about, or empty"),
        _number("rows", "Line items it is about, null where not counted", nullable=True),
        _text("note", "One sentence for people"),
        comment="What a reader of a delivery should know: missing, guessed, rounded, set aside",
    )
    op.create_index("ix_quality_note_delivery_id", "quality_note", ["delivery_id"])
