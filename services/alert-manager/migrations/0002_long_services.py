"""Alerts of services with long names: an index entry holds less than 2.7 KB, a label may not."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Index the beginning of the name."""
    op.execute("DROP INDEX alerts_service")
    op.execute(
        "CREATE INDEX alerts_service ON alerts"
        " (tenant, left(labels ->> 'service', 256), starts_at DESC, id DESC)"
    )


def downgrade() -> None:
    """Index the whole name again."""
    op.execute("DROP INDEX alerts_service")
    op.execute(
        "CREATE INDEX alerts_service ON alerts"
        " (tenant, (labels ->> 'service'), starts_at DESC, id DESC)"
    )
