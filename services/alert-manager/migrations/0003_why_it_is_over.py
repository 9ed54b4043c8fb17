"""A resolved alert goes on saying why it fired, and when somebody declared it over."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Say apart why an alert fired and why it is over; of older ones only the latter is known."""
    op.execute(
        "ALTER TABLE alerts ADD COLUMN resolved_reason text NOT NULL DEFAULT '',"
        " ADD COLUMN resolved_at bigint"
    )
    op.execute("UPDATE alerts SET resolved_reason = reason WHERE state = 'resolved'")
    op.execute(
        "UPDATE alerts SET resolved_at = coalesce(ends_at, updated_at) WHERE closed_by = 'person'"
    )


def downgrade() -> None:
    """Let the one reason be why it is over again."""
    op.execute("UPDATE alerts SET reason = resolved_reason WHERE resolved_reason <> ''")
    op.execute("ALTER TABLE alerts DROP COLUMN resolved_reason, DROP COLUMN resolved_at")
