"""Tables of bills."""

from __future__ import annotations

revision = "0001_bills"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
