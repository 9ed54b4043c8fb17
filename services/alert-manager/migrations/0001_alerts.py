"""Alerts, their timelines, and the notifications that are owed.

Times are epoch milliseconds; `to_timestamp(starts_at / 1000.0)` shows one.
"""

from alembic import op

revision = "0001"
down_revision = None

TABLES = """
CREATE TABLE alert_installation (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO alert_installation DEFAULT VALUES;

CREATE TABLE alerts (
  id text PRIMARY KEY,
  tenant text NOT NULL,
  fingerprint text NOT NULL,
  state text NOT NULL CHECK (state IN ('firing', 'acknowledged', 'resolved')),
  reported text NOT NULL CHECK (reported IN ('firing', 'resolved')),
  sequence bigint NOT NULL,
  occurrence integer NOT NULL,
  closed_by text CHECK (closed_by IN ('engine', 'person', 'newer')),
  rule_id text NOT NULL,
  rule_name text NOT NULL,
  severity text NOT NULL,
  labels jsonb NOT NULL,
  reason text NOT NULL,
  starts_at bigint NOT NULL,
  ends_at bigint,
  updated_at bigint NOT NULL,
  notified_at bigint,
  reminders integer NOT NULL,
  told text[] NOT NULL,
  acknowledged_by text,
  acknowledged_at bigint,
  resolved_by text,
  accepted_at bigint,
  decided_at bigint,
  stored_at bigint,
  published_at bigint,
  delivered_at bigint,
  evidence jsonb NOT NULL
);
COMMENT ON COLUMN alerts.evidence IS
  'the newest record of the engine: window, counts, samples, sources; annotations rendered';
CREATE UNIQUE INDEX alerts_one_open ON alerts (tenant, fingerprint) WHERE state <> 'resolved';
CREATE INDEX alerts_newest ON alerts (tenant, starts_at DESC, id DESC);
CREATE INDEX alerts_service ON alerts (tenant, (labels ->> 'service'), starts_at DESC, id DESC);
CREATE INDEX alerts_rule ON alerts (tenant, rule_id, starts_at DESC, id DESC);
CREATE INDEX alerts_labels ON alerts USING gin (labels jsonb_path_ops);
CREATE INDEX alerts_over ON alerts (updated_at) WHERE state = 'resolved';

CREATE TABLE alert_timeline (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  alert_id text NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
  key text NOT NULL,
  kind text NOT NULL,
  reason text NOT NULL,
  detail text NOT NULL,
  actor text,
  at bigint NOT NULL,
  last_at bigint NOT NULL,
  times integer NOT NULL,
  UNIQUE (alert_id, key)
);

CREATE TABLE notification_outbox (
  id text PRIMARY KEY,
  alert_id text NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
  receiver text NOT NULL,
  payload jsonb NOT NULL,
  created_at bigint NOT NULL,
  published_at bigint,
  refused text
);
CREATE INDEX notification_outbox_owed ON notification_outbox (created_at)
  WHERE published_at IS NULL AND refused IS NULL;
CREATE INDEX notification_outbox_alert ON notification_outbox (alert_id);
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(TABLES)


def downgrade() -> None:
    """Drop them, with everything in them."""
    op.execute("DROP TABLE notification_outbox, alert_timeline, alerts, alert_installation")
