"""Who stood in for whom is found by group."""

from alembic import op

revision = "notification_0002"
down_revision = "notification_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX notification_deliveries_stand_ins ON notification_deliveries (group_key)"
        " WHERE cardinality(visited) > 1"
    )


def downgrade() -> None:
    op.execute("DROP INDEX notification_deliveries_stand_ins")
