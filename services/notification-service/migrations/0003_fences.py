"""Each claim has a number of its own: who has lost a message can no longer decide about it."""

from alembic import op

revision = "notification_0003"
down_revision = "notification_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE notification_deliveries ADD COLUMN fence bigint NOT NULL DEFAULT 0")
    op.execute(
        "COMMENT ON COLUMN notification_deliveries.fence IS"
        " 'the number of the newest claim: marks of older ones decide nothing'"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE notification_deliveries DROP COLUMN fence")
