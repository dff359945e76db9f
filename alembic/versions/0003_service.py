"""Tables of service."""

from __future__ import annotations

revision = "0003_service"
down_revision = "0002_telemetry"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
