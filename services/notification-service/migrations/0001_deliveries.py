"""The outbox of deliveries, and what is owed."""

from alembic import op

revision = "notification_0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE notification_deliveries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    idempotency_key text NOT NULL UNIQUE,
    notification_id text NOT NULL,
    tenant text NOT NULL,
    group_key text NOT NULL,
    receiver text NOT NULL,
    integration text NOT NULL,
    endpoint text NOT NULL GENERATED ALWAYS AS (receiver || '/' || integration) STORED,
    channel text NOT NULL,
    visited text[] NOT NULL,
    status text NOT NULL CHECK (status IN
        ('QUEUED', 'SENDING', 'DELIVERED', 'FELL_BACK', 'FAILED', 'SKIPPED')),
    reason text NOT NULL DEFAULT '',
    error text NOT NULL DEFAULT '',
    fallback text NOT NULL DEFAULT '',
    permanent boolean NOT NULL DEFAULT false,
    attempts integer NOT NULL DEFAULT 0,
    rounds integer NOT NULL DEFAULT 0,
    lease_owner text,
    lease_until timestamptz,
    payload jsonb NOT NULL,
    unpublished boolean NOT NULL DEFAULT false,
    revision integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    delivered_at timestamptz
);
COMMENT ON COLUMN notification_deliveries.visited IS
    'receivers of the fallback chain so far; the last is this one';
COMMENT ON COLUMN notification_deliveries.unpublished IS
    'the delivery-results topic does not know yet';

CREATE INDEX notification_deliveries_open ON notification_deliveries (endpoint, group_key, id)
    WHERE status IN ('QUEUED', 'SENDING');
CREATE INDEX notification_deliveries_unpublished ON notification_deliveries (id) WHERE unpublished;
CREATE INDEX notification_deliveries_notification ON notification_deliveries (notification_id);
CREATE INDEX notification_deliveries_lane ON notification_deliveries (endpoint, group_key, id)
    WHERE status = 'FAILED';
CREATE INDEX notification_deliveries_done ON notification_deliveries (updated_at)
    WHERE status IN ('DELIVERED', 'FELL_BACK', 'SKIPPED');

CREATE TABLE failed_notifications (
    id bigint PRIMARY KEY REFERENCES notification_deliveries (id) ON DELETE CASCADE,
    alert_id text NOT NULL,
    group_key text NOT NULL,
    channel text NOT NULL,
    receiver text NOT NULL,
    status text NOT NULL CHECK (status IN ('PENDING', 'RETRYING', 'DELIVERED', 'DEAD')),
    error text NOT NULL,
    attempts integer NOT NULL,
    next_attempt_at timestamptz,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
COMMENT ON TABLE failed_notifications IS 'what people are owed: status PENDING';

CREATE INDEX failed_notifications_due ON failed_notifications (next_attempt_at, id)
    WHERE status = 'PENDING';
CREATE INDEX failed_notifications_open ON failed_notifications (status, id)
    WHERE status IN ('PENDING', 'RETRYING', 'DEAD');
CREATE INDEX failed_notifications_alert ON failed_notifications (alert_id);
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE failed_notifications")
    op.execute("DROP TABLE notification_deliveries")
