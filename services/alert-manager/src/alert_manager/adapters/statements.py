"""The SQL of the history and the outbox. Batches travel as one JSON array of rows."""

# ruff: noqa: S608 - every part is a constant of this module

from types import MappingProxyType
from typing import Final, LiteralString

STANDING: Final[LiteralString] = (
    "id, state, reported, sequence, occurrence, notified_at, reminders, told, closed_by, "
    "acknowledged_by, acknowledged_at, resolved_by, resolved_at"
)
STAMPS: Final[LiteralString] = "accepted_at, decided_at, stored_at, published_at, delivered_at"
COLUMNS: Final[LiteralString] = (
    f"{STANDING}, {STAMPS}, tenant, fingerprint, rule_id, rule_name, severity, labels, reason, "
    "resolved_reason, starts_at, ends_at, updated_at, evidence"
)

RECALL: Final[LiteralString] = f"""
SELECT {STANDING}, {STAMPS}, updated_at, resolved_reason, evidence::text AS evidence
FROM alerts
WHERE id IN (
  SELECT unnest(%(ids)s::text[])
  UNION
  SELECT held.id
  FROM alerts held
  JOIN unnest(%(tenants)s::text[], %(fingerprints)s::text[]) AS matter (tenant, fingerprint)
    ON held.tenant = matter.tenant AND held.fingerprint = matter.fingerprint
  WHERE held.state <> 'resolved'
)
ORDER BY id
FOR UPDATE
"""

SAVE: Final[LiteralString] = f"""
INSERT INTO alerts ({COLUMNS})
SELECT {COLUMNS} FROM jsonb_populate_recordset(NULL::alerts, %(rows)s::jsonb)
ON CONFLICT (id) DO UPDATE SET
  state = excluded.state, reported = excluded.reported, sequence = excluded.sequence,
  occurrence = excluded.occurrence, closed_by = excluded.closed_by,
  rule_name = excluded.rule_name, severity = excluded.severity, labels = excluded.labels,
  reason = excluded.reason, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
  updated_at = excluded.updated_at, notified_at = excluded.notified_at,
  reminders = excluded.reminders, told = excluded.told,
  acknowledged_by = excluded.acknowledged_by, acknowledged_at = excluded.acknowledged_at,
  resolved_by = excluded.resolved_by, resolved_at = excluded.resolved_at,
  resolved_reason = excluded.resolved_reason, accepted_at = excluded.accepted_at,
  decided_at = excluded.decided_at, stored_at = excluded.stored_at,
  published_at = excluded.published_at, delivered_at = excluded.delivered_at,
  evidence = excluded.evidence
"""

REFRESH: Final[LiteralString] = """
UPDATE alerts SET
  sequence = newer.sequence,
  reason = newer.reason,
  updated_at = %(now)s,
  starts_at = least(alerts.starts_at, newer.starts_at),
  evidence = jsonb_build_object('samples', coalesce(alerts.evidence -> 'samples', '[]'))
    || newer.evidence
    || jsonb_build_object('startsAt', least(alerts.starts_at, newer.starts_at))
    || CASE WHEN alerts.evidence ? 'found' AND NOT newer.evidence ? 'found'
      THEN jsonb_build_object('found', alerts.evidence -> 'found',
        'annotations', coalesce(alerts.evidence -> 'annotations', '{}'))
      ELSE '{}' END
FROM jsonb_to_recordset(%(rows)s::jsonb)
  AS newer (key text, sequence bigint, reason text, starts_at bigint, evidence jsonb)
WHERE alerts.id = newer.key
  AND alerts.state = 'firing'
  AND alerts.sequence < newer.sequence
  AND alerts.notified_at > %(told_after)s
RETURNING alerts.id, alerts.state, alerts.reported, alerts.sequence, alerts.occurrence,
  alerts.notified_at, alerts.reminders, alerts.told, alerts.closed_by, alerts.acknowledged_by,
  alerts.acknowledged_at, alerts.resolved_by, alerts.resolved_at
"""

NOTE: Final[LiteralString] = """
INSERT INTO alert_timeline (alert_id, key, kind, reason, detail, actor, at, last_at, times)
SELECT entry.alert_id, entry.key, entry.kind, entry.reason, entry.detail, entry.actor, entry.at,
  entry.last_at, entry.times
FROM jsonb_to_recordset(%(rows)s::jsonb) AS entry (
  alert_id text, key text, kind text, reason text, detail text, actor text, at bigint,
  last_at bigint, times integer)
JOIN alerts ON alerts.id = entry.alert_id
ON CONFLICT (alert_id, key) DO UPDATE SET
  times = alert_timeline.times + excluded.times,
  last_at = excluded.last_at,
  detail = excluded.detail
WHERE alert_timeline.kind = 'decision'
"""

OWE: Final[LiteralString] = """
INSERT INTO notification_outbox (id, alert_id, receiver, created_at, payload)
SELECT id, alert_id, receiver, created_at, payload
FROM jsonb_populate_recordset(NULL::notification_outbox, %(rows)s::jsonb)
ON CONFLICT (id) DO NOTHING
"""

FIND: Final[LiteralString] = f"""
SELECT {STANDING}, {STAMPS}, updated_at, resolved_reason, evidence::text AS evidence
FROM alerts
WHERE tenant = %(tenant)s AND id = %(id)s
"""

SEARCH: Final[LiteralString] = f"""
SELECT {STANDING}, {STAMPS}, updated_at, resolved_reason, (evidence - 'samples')::text AS evidence
FROM alerts
WHERE {{where}}
ORDER BY starts_at DESC, id DESC
LIMIT %(limit)s
"""

CONDITIONS: Final = MappingProxyType[str, LiteralString](
    {
        "states": "state = ANY(%(states)s)",
        "severities": "severity = ANY(%(severities)s)",
        "rule": "(rule_id = %(rule)s OR rule_name = %(rule)s)",
        # The first half is what the index holds.
        "service": (
            "(left(labels ->> 'service', 256) = left(%(service)s, 256)"
            " AND labels ->> 'service' = %(service)s)"
        ),
        "labels": "labels @> %(labels)s::jsonb",
        "since": "starts_at >= %(since)s",
        "until": "starts_at < %(until)s",
        "text": (
            "(rule_name ILIKE %(text)s OR reason ILIKE %(text)s OR resolved_reason ILIKE %(text)s"
            " OR EXISTS ("
            "SELECT FROM jsonb_each_text(labels) AS label WHERE label.value ILIKE %(text)s))"
        ),
        "after_start": "(starts_at, id) < (%(after_start)s, %(after_id)s)",
    }
)

TIMELINE: Final[LiteralString] = """
SELECT entry.alert_id, key, kind, entry.reason, detail, actor, at, last_at, times
FROM alert_timeline AS entry
JOIN alerts ON alerts.id = entry.alert_id AND alerts.tenant = %(tenant)s
WHERE entry.alert_id = %(id)s
ORDER BY last_at DESC, number DESC
LIMIT %(limit)s
"""

DELIVERED: Final[LiteralString] = """
UPDATE alerts SET delivered_at = result.at
FROM unnest(%(ids)s::text[], %(times)s::bigint[]) AS result (id, at)
WHERE alerts.id = result.id AND delivered_at IS NULL
  AND result.at >= alerts.stored_at - %(skew)s
"""

COUNT_OPEN: Final[LiteralString] = "SELECT count(*) FROM alerts WHERE state <> 'resolved'"

FORGET: Final[LiteralString] = """
DELETE FROM alerts WHERE id IN (
  SELECT id FROM alerts
  WHERE state = 'resolved' AND updated_at < %(before)s
  ORDER BY updated_at
  LIMIT %(limit)s
  FOR UPDATE SKIP LOCKED)
"""

OWED: Final[LiteralString] = """
SELECT alert_id, payload::text AS payload
FROM notification_outbox
WHERE published_at IS NULL AND refused IS NULL AND created_at < %(before)s
ORDER BY created_at
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED
"""

PUBLISHED: Final[LiteralString] = """
WITH settled AS (
  UPDATE notification_outbox SET published_at = %(now)s
  WHERE id = ANY(%(ids)s) AND published_at IS NULL
  RETURNING alert_id)
UPDATE alerts SET published_at = %(now)s
WHERE id IN (SELECT alert_id FROM settled) AND published_at IS NULL
"""

REFUSED: Final[LiteralString] = """
UPDATE notification_outbox SET refused = result.reason
FROM unnest(%(ids)s::text[], %(reasons)s::text[]) AS result (id, reason)
WHERE notification_outbox.id = result.id
"""

COUNT_OWED: Final[LiteralString] = """
SELECT count(*) FROM notification_outbox WHERE published_at IS NULL AND refused IS NULL
"""
