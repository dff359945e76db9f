"""Tables of the service itself: findings and who was told, runs, tokens, prices, long jobs."""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)

from storage.schema import BigId, Moment, Nano

revision = "0003_service"
down_revision = "0002_telemetry"
branch_labels = None
depends_on = None

TABLES = ("finding", "finding_event", "notice", "silence", "run", "token", "price", "job")
SEVERITIES = "('info', 'warning', 'critical')"
REASONS = "('first', 'new_member', 'worse', 'resolved_member', 'all_resolved', 'repeat')"
WAITING = text("outcome IS NULL")


def upgrade() -> None:
    _create_finding()
    _create_finding_event()
    _create_notice()
    _create_silence()
    _create_run()
    _create_token()
    _create_price()
    _create_job()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _create_finding() -> None:
    op.create_table(
        "finding",
        Column("id", String(16), primary_key=True, comment="16 hex digits of sha256(kind, labels)"),
        Column("kind", Text, nullable=False, comment="What was seen: bill_shock, idle_gpu, ..."),
        Column("labels", JSON, nullable=False, comment="Label to text; with kind: identity"),
        Column("severity", Text, nullable=False, comment="info, warning or critical"),
        Column("title", Text, nullable=False, comment="One line: what, how much, where"),
        Column("detail", Text, nullable=False, comment="Since when, because of what, how sure"),
        Column("next_step", Text, nullable=False, comment="What to do, as an instruction"),
        Column("money_nano", Nano, comment="Money at stake in nano-units; NULL is unknown"),
        Column("money_basis", Text, comment="What the money counts: spent, per_day or projected"),
        Column("currency", Text, comment="Currency of the money at stake"),
        Column("evidence", JSON, nullable=False, comment="Facts behind the judgement"),
        Column("opened_at", Moment, nullable=False, comment="Since when it is so"),
        Column("seen_at", Moment, nullable=False, comment="When this episode was first saved"),
        Column("updated_at", Moment, nullable=False, comment="When it was last found to be so"),
        Column("resolved_at", Moment, comment="When it was found to be over; NULL while open"),
        Column("episodes", Integer, nullable=False, comment="How often it has opened so far"),
        CheckConstraint(f"severity IN {SEVERITIES}", name="severity"),
        CheckConstraint("money_basis IN ('spent', 'per_day', 'projected')", name="money_basis"),
        CheckConstraint(
            "money_nano IS NULL OR (money_basis IS NOT NULL AND currency IS NOT NULL)", name="money"
        ),
        CheckConstraint("episodes >= 1", name="episodes"),
        CheckConstraint("resolved_at >= seen_at", name="resolved_at"),
        Index("ix_finding_resolved_at", "resolved_at"),
        comment="The newest state of all that analyzers saw; open while resolved_at is NULL",
    )


def _create_finding_event() -> None:
    op.create_table(
        "finding_event",
        Column("id", BigId, primary_key=True, comment="Order of events"),
        Column(
            "finding_id",
            String(16),
            ForeignKey("finding.id", ondelete="CASCADE"),
            nullable=False,
            comment="The finding that changed",
        ),
        Column("at", Moment, nullable=False, comment="When the change was saved"),
        Column("event", Text, nullable=False, comment="opened, severity_changed or resolved"),
        Column("severity", Text, nullable=False, comment="Severity after the change"),
        Column("money_nano", Nano, comment="Money at stake after the change, in nano-units"),
        CheckConstraint("event IN ('opened', 'severity_changed', 'resolved')", name="event"),
        CheckConstraint(f"severity IN {SEVERITIES}", name="severity"),
        Index("ix_finding_event_finding_id_id", "finding_id", "id"),
        comment="Append-only history of findings: each opening, change of severity and end",
    )


def _create_notice() -> None:
    op.create_table(
        "notice",
        Column("id", BigId, primary_key=True, comment="Order of intents"),
        Column("key", String(64), nullable=False, comment="Idempotency key, the same at every try"),
        Column("channel", Text, nullable=False, comment="Name of the channel in the settings"),
        Column("group_key", String(16), nullable=False, comment="Hash of kind and grouping labels"),
        Column("sequence", Integer, nullable=False, comment="1, 2, ... within channel and group"),
        Column("reason", Text, nullable=False, comment="Why it is told: first, worse, ..."),
        Column("severity", Text, nullable=False, comment="Highest severity among the members"),
        Column("members", JSON, nullable=False, comment="Told: id, severity, money of each"),
        Column("message", JSON, nullable=False, comment="Rendered; each try sends the same"),
        Column("intended_at", Moment, nullable=False, comment="When it was decided to tell"),
        Column(
            "next_try_at", Moment, nullable=False, comment="Earliest next try; a claim moves it"
        ),
        Column("tries", Integer, nullable=False, comment="Claims so far; each makes some attempts"),
        Column("last_error", Text, comment="Why the newest try failed"),
        Column("outcome", Text, comment="sent or expired; NULL while it waits"),
        Column("outcome_at", Moment, comment="When the outcome was recorded"),
        UniqueConstraint("key"),
        UniqueConstraint("channel", "group_key", "sequence"),
        CheckConstraint(f"reason IN {REASONS}", name="reason"),
        CheckConstraint(f"severity IN {SEVERITIES}", name="severity"),
        CheckConstraint("outcome IN ('sent', 'expired')", name="outcome"),
        CheckConstraint("(outcome IS NULL) = (outcome_at IS NULL)", name="outcome_at"),
        CheckConstraint("sequence >= 1 AND tries >= 0", name="counts"),
        Index("ix_notice_waiting", "channel", "id", sqlite_where=WAITING, postgresql_where=WAITING),
        comment="What is told on which channel: the intent before sending, the outcome after",
    )


def _create_silence() -> None:
    op.create_table(
        "silence",
        Column("id", BigId, primary_key=True, comment="Number by which it is ended"),
        Column("filter", Text, nullable=False, comment="What it mutes, in the filter grammar"),
        Column("reason", Text, nullable=False, comment="Why, for those who wonder later"),
        Column("created_by", Text, nullable=False, comment="Who asked for it"),
        Column("created_at", Moment, nullable=False, comment="When it was made; starts at once"),
        Column("ends_at", Moment, nullable=False, comment="First moment at which it mutes no more"),
        CheckConstraint("ends_at >= created_at", name="ends_at"),
        Index("ix_silence_ends_at", "ends_at"),
        comment="Findings that nobody wants to hear of for a while; ending one early moves ends_at",
    )


def _create_run() -> None:
    op.create_table(
        "run",
        Column("id", BigId, primary_key=True, comment="Order of starts"),
        Column("name", Text, nullable=False, comment="The job: collect:NAME, analyze, notify, ..."),
        Column("started_at", Moment, nullable=False, comment="When the try began"),
        Column("touched_at", Moment, nullable=False, comment="When it last showed life"),
        Column("finished_at", Moment, comment="When it ended; NULL while it lasts"),
        Column("outcome", Text, comment="ok, failed or abandoned; NULL while it lasts"),
        Column("rows", BigId, comment="Rows brought or written, where that is counted"),
        Column("error", Text, comment="What failed and what to do, without secrets"),
        CheckConstraint("outcome IN ('ok', 'failed', 'abandoned')", name="outcome"),
        CheckConstraint("(outcome IS NULL) = (finished_at IS NULL)", name="finished_at"),
        CheckConstraint("(outcome = 'failed') = (error IS NOT NULL)", name="error"),
        CheckConstraint("rows >= 0", name="rows"),
        Index("ix_run_name_id", "name", "id"),
        comment="Each try of a job; a sampler's run stays open and is touched",
    )


def _create_token() -> None:
    op.create_table(
        "token",
        Column("id", String(12), primary_key=True, comment="Public part of the token"),
        Column("name", Text, nullable=False, comment="For whom or what it was made"),
        Column("role", Text, nullable=False, comment="viewer, operator, ingest or admin"),
        Column("secret_sha256", String(64), nullable=False, comment="Hash of the secret, in hex"),
        Column("created_at", Moment, nullable=False, comment="When it was made"),
        Column("last_used_at", Moment, comment="When it last opened a door, to about a minute"),
        Column("revoked_at", Moment, comment="From when it opens nothing; NULL while valid"),
        CheckConstraint("role IN ('viewer', 'operator', 'ingest', 'admin')", name="role"),
        CheckConstraint("length(secret_sha256) = 64", name="secret_sha256"),
        comment="Bearer tokens of the REST API; the secret itself is shown once and never stored",
    )


def _create_price() -> None:
    op.create_table(
        "price",
        Column("provider", Text, primary_key=True, comment="Who asks the price"),
        Column(
            "region", Text, primary_key=True, comment="Where; empty where it is the same everywhere"
        ),
        Column("sku", Text, primary_key=True, comment="The provider's name of the thing"),
        Column("unit", Text, primary_key=True, comment="What one of it is: hour, 1M tokens, ..."),
        Column("terms", Text, primary_key=True, comment="on_demand, spot, ... or a quote's name"),
        Column("currency", Text, primary_key=True, comment="Currency of the amount"),
        Column("valid_from", Date, primary_key=True, comment="First day on which it holds"),
        Column("amount", Text, nullable=False, comment="Exact decimal, finer than nano"),
        Column("gpu_model", Text, comment="The GPU inside, where there is one"),
        Column("gpu_count", Integer, comment="How many GPUs one unit holds"),
        Column("origin", Text, nullable=False, comment="Collector or file that it came from"),
        Column("saved_at", Moment, nullable=False, comment="When it was last confirmed"),
        CheckConstraint("gpu_count >= 1", name="gpu_count"),
        comment="What things cost, from which day on; a newer day supersedes an older one",
    )


def _create_job() -> None:
    op.create_table(
        "job",
        Column("id", String(32), primary_key=True, comment="Random hex that callers know"),
        Column("kind", Text, nullable=False, comment="What is to be done"),
        Column("arguments", JSON, nullable=False, comment="Object of what it needs to know"),
        Column("requested_by", Text, nullable=False, comment="Name of the token that asked"),
        Column("requested_at", Moment, nullable=False, comment="When it was asked for"),
        Column("started_at", Moment, comment="When the daemon took it; NULL while it waits"),
        Column("finished_at", Moment, comment="When it ended; NULL until then"),
        Column("result", JSON(none_as_null=True), comment="Its answer, once it is done"),
        Column("error", Text, comment="What failed and what to do, without secrets"),
        CheckConstraint("finished_at IS NULL OR started_at IS NOT NULL", name="started_at"),
        CheckConstraint("error IS NULL OR finished_at IS NOT NULL", name="error"),
        Index("ix_job_requested_at", "requested_at"),
        comment="Long work asked for by REST and worked off by the daemon",
    )
