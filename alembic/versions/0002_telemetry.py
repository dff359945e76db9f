"""Tables of telemetry."""

from __future__ import annotations

revision = "0002_telemetry"
down_revision = "0001_bills"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
