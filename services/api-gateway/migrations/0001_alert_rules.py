"""Alert rules, their history, and the three rules that a fresh install has.

Times are epoch milliseconds; `to_timestamp(updated_at / 1000.0)` shows one.
"""

import json
from typing import Any

from alembic import op

revision = "0001"
down_revision = None

TABLES = """
CREATE TABLE alert_rules (
  tenant text NOT NULL,
  id text NOT NULL,
  revision integer NOT NULL CHECK (revision > 0),
  published_revision integer NOT NULL DEFAULT 0,
  name text COLLATE "C" NOT NULL,
  description text NOT NULL,
  type text NOT NULL,
  severity text NOT NULL,
  enabled boolean NOT NULL,
  labels jsonb NOT NULL,
  document jsonb NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  deleted_at bigint,
  PRIMARY KEY (tenant, id)
);
COMMENT ON COLUMN alert_rules.published_revision IS
  'The newest revision on the topic alert-rules; where it differs, a publication is owed.';
CREATE INDEX alert_rules_by_name ON alert_rules (tenant, name, id) WHERE deleted_at IS NULL;
CREATE INDEX alert_rules_unpublished ON alert_rules (updated_at)
  WHERE published_revision <> revision;
CREATE INDEX alert_rules_deleted ON alert_rules (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE alert_rule_revisions (
  tenant text NOT NULL,
  rule_id text NOT NULL,
  revision integer NOT NULL,
  action text NOT NULL
    CHECK (action IN ('created', 'updated', 'enabled', 'disabled', 'deleted')),
  at bigint NOT NULL,
  document jsonb NOT NULL,
  PRIMARY KEY (tenant, rule_id, revision),
  FOREIGN KEY (tenant, rule_id) REFERENCES alert_rules (tenant, id) ON DELETE CASCADE
);
"""

SEED = """
WITH seed AS (
  SELECT %(id)s::text AS id, %(document)s::jsonb AS document,
         (extract(epoch FROM now()) * 1000)::bigint AS at
), rule AS (
  INSERT INTO alert_rules (tenant, id, revision, name, description, type, severity, enabled,
                           labels, document, created_at, updated_at)
  SELECT 'default', id, 1, document->>'name', document->>'description', document->>'type',
         document->>'severity', true, '{}', document, at, at
  FROM seed
  RETURNING tenant, id, revision, document, created_at
)
INSERT INTO alert_rule_revisions (tenant, rule_id, revision, action, at, document)
SELECT tenant, id, revision, 'created', created_at, document FROM rule
"""

RUNBOOK = (
    "Look at the sample events of the alert, then at what {{ labels.service }} deployed or "
    "depended on when it began."
)
DEFAULT_RULES: dict[str, dict[str, Any]] = {
    "default-error-count": {
        "name": "High error count",
        "description": "A service logged more than 100 errors within 5 minutes.",
        "type": "ERROR_THRESHOLD",
        "condition": "count > threshold",
        "threshold": 100,
        "windowMinutes": 5,
        "severity": "CRITICAL",
        "enabled": True,
        "annotations": {
            "summary": "{{ labels.service }} logs errors: {{ aggregates.count }} in 5 minutes",
            "description": "{{ labels.service }} logged {{ aggregates.count }} events of level "
            "ERROR or FATAL within 5 minutes; {{ threshold }} are tolerated.",
            "runbook": RUNBOOK,
        },
    },
    "default-latency": {
        "name": "High latency",
        "description": "The 95th percentile of a service's response times exceeds 1 second over "
        "5 minutes.",
        "type": "LATENCY",
        "condition": "p95 > threshold",
        "threshold": 1000,
        "windowMinutes": 5,
        "severity": "HIGH",
        "enabled": True,
        "annotations": {
            "summary": "{{ labels.service }} is slow: p95 is {{ aggregates.p95 | round | int }} ms",
            "description": "5 % of {{ aggregates.count }} requests to {{ labels.service }} took "
            "{{ aggregates.p95 | round | int }} ms or longer within 5 minutes; {{ threshold }} ms "
            "are tolerated.",
            "runbook": RUNBOOK,
        },
    },
    "default-server-errors": {
        "name": "Server errors",
        "description": "A service answered more than 25 requests with a 5xx status within "
        "5 minutes.",
        "type": "SERVER_ERROR",
        "condition": "count > threshold",
        "threshold": 25,
        "windowMinutes": 5,
        "severity": "CRITICAL",
        "enabled": True,
        "annotations": {
            "summary": "{{ labels.service }} answers 5xx: {{ aggregates.count }} in 5 minutes",
            "description": "{{ labels.service }} answered {{ aggregates.count }} requests with a "
            "5xx status within 5 minutes; {{ threshold }} are tolerated.",
            "runbook": RUNBOOK,
        },
    },
}


def upgrade() -> None:
    """Create the tables and the default rules."""
    op.execute(TABLES)
    connection = op.get_bind()
    for rule_id, document in DEFAULT_RULES.items():
        connection.exec_driver_sql(SEED, {"id": rule_id, "document": json.dumps(document)})
