"""The tables of deliveries: where bills come from, each version of each, and its quality."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Table,
    Text,
    text,
)

from storage.schema import BigId, Moment, metadata

source = Table(
    "source",
    metadata,
    Column("name", Text, primary_key=True, comment="Name of the collector or of the import"),
    Column("first_received_at", Moment, nullable=False, comment="When its first bill was known"),
    Column("last_seen_at", Moment, nullable=False, comment="When it was last read, changed or not"),
    Column("snapshot", Text, comment="Fingerprint of the newest whole snapshot, if it gives those"),
    comment="Where bills come from",
    info={"reference": True},
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", BigId, primary_key=True, comment="Key"),
    Column("source", ForeignKey("source.name"), nullable=False, comment="Where it came from"),
    Column("billing_period", Date, nullable=False, comment="First day of the billing month"),
    Column("state", Text, nullable=False, comment="current, replaced, or rejected"),
    Column("fingerprint", Text, nullable=False, comment="The collector's mark of this version"),
    Column("content", Text, nullable=False, comment="sha256 of all facts and totals: same, no-op"),
    Column("files", Text, nullable=False, comment="JSON list of the files' names"),
    Column("rows", BigInteger, nullable=False, comment="Line items read, quarantined included"),
    Column("quarantined", BigInteger, nullable=False, comment="Line items that were left out"),
    Column("first_day", Date, comment="First UTC usage day, null without facts"),
    Column("last_day", Date, comment="Last UTC usage day, null without facts"),
    Column("received_at", Moment, nullable=False, comment="When this version became known"),
    Column("ingested_at", Moment, nullable=False, comment="When it was stored"),
    Column("absent_since", Moment, comment="Since when snapshots lack this period, if they do"),
    Column("reason", Text, comment="Why it was rejected"),
    CheckConstraint("state IN ('current', 'replaced', 'rejected')", name="state"),
    CheckConstraint("quarantined BETWEEN 0 AND rows", name="quarantined"),
    Index(
        "ix_delivery_current",
        "source",
        "billing_period",
        unique=True,
        postgresql_where=text("state = 'current'"),
        sqlite_where=text("state = 'current'"),
    ),
    comment="Versions of bills; each source and period keeps the facts of its current one",
    info={"reference": True},
)

delivery_total = Table(
    "delivery_total",
    metadata,
    Column("delivery_id", ForeignKey("delivery.id"), primary_key=True, comment="The delivery"),
    Column("currency", Text, primary_key=True, comment="Billing currency"),
    Column("rows", BigInteger, nullable=False, comment="Line items in this currency"),
    Column("facts", BigInteger, nullable=False, comment="Rows of cost_daily in this currency"),
    Column("billed_cost", Text, nullable=False, comment="Exact decimal total"),
    Column("effective_cost", Text, nullable=False, comment="Exact decimal total"),
    Column("list_cost", Text, comment="Exact decimal total of the known ones"),
    Column("contracted_cost", Text, comment="Exact decimal total of the known ones"),
    CheckConstraint("length(currency) BETWEEN 1 AND 16", name="currency"),
    comment="Exact totals of a delivery in each currency, beside which the facts are rounded",
)

quarantined_row = Table(
    "quarantined_row",
    metadata,
    Column("id", BigId, primary_key=True, comment="Key"),
    Column("delivery_id", ForeignKey("delivery.id"), nullable=False, comment="The delivery"),
    Column("file", Text, nullable=False, comment="The file's name"),
    Column("line", BigInteger, nullable=False, comment="Line of a text file, row of a Parquet one"),
    Column("column_name", Text, nullable=False, comment="FOCUS column, empty for the whole row"),
    Column("reason", Text, nullable=False, comment="What was wrong with it"),
    Index("ix_quarantined_row_delivery_id", "delivery_id"),
    comment="Line items that were left out of a delivery; the first thousand of each",
)

quality_note = Table(
    "quality_note",
    metadata,
    Column("id", BigId, primary_key=True, comment="Key"),
    Column("delivery_id", ForeignKey("delivery.id"), nullable=False, comment="The delivery"),
    Column("column_name", Text, nullable=False, comment="Column it is about, or empty"),
    Column("rows", BigInteger, comment="Line items it is about, null where not counted"),
    Column("note", Text, nullable=False, comment="One sentence for people"),
    Index("ix_quality_note_delivery_id", "delivery_id"),
    comment="What a reader of a delivery should know: missing, guessed, rounded, set aside",
)
