"""The statements of the outbox: literals put together at import, parameters always bound."""
# ruff: noqa: S608 - LiteralString proves that no value is ever part of a statement

from typing import Final, LiteralString

INSERT: Final[LiteralString] = """
INSERT INTO notification_deliveries
    (idempotency_key, notification_id, tenant, group_key, receiver, integration, channel, visited,
     status, reason, unpublished, payload, created_at, updated_at)
VALUES (%(key)s, %(notification)s, %(tenant)s, %(group_key)s, %(receiver)s, %(integration)s,
        %(channel)s, %(visited)s, %(status)s, %(reason)s, %(unpublished)s, %(payload)s,
        %(now)s, %(now)s)
ON CONFLICT (idempotency_key) DO NOTHING
"""

_SLOTS: Final[LiteralString] = """
WITH place AS (
    SELECT * FROM unnest(%(endpoints)s::text[], %(places)s::text[]) AS p (endpoint, destination)
), slot AS (
    SELECT * FROM unnest(%(destinations)s::text[], %(free)s::integer[]) AS s (destination, free)
), due AS (
    SELECT found.id, found.owed FROM slot CROSS JOIN LATERAL (
"""
# An endpoint that the configuration lacks has the destination ''.
_DESTINATION: Final[LiteralString] = """
coalesce((SELECT place.destination FROM place WHERE place.endpoint = d.endpoint), '')
    = slot.destination
"""
# A lease of ours that ran out while the store was away is no reason to send twice at once.
_NOT_AT_WORK: Final[LiteralString] = " AND d.id <> ALL(%(busy)s::bigint[]) AND "
# Of one group's messages to one endpoint, the earlier comes first.
_FIRST_IN_LANE: Final[LiteralString] = """
NOT EXISTS (
    SELECT 1 FROM notification_deliveries e
    WHERE e.endpoint = d.endpoint AND e.group_key = d.group_key AND e.id < d.id
      AND e.status IN ('QUEUED', 'SENDING'))
"""
_EARLIER_OWED: Final[LiteralString] = """
EXISTS (
    SELECT 1 FROM notification_deliveries e JOIN failed_notifications f ON f.id = e.id
    WHERE e.endpoint = d.endpoint AND e.group_key = d.group_key AND e.id < d.id
      AND e.status = 'FAILED' AND f.status IN ('PENDING', 'RETRYING'))
"""
_TAKE: Final[LiteralString] = """
    ) AS found
)
UPDATE notification_deliveries d
SET status = 'SENDING', lease_owner = %(owner)s, lease_until = %(until)s, fence = d.fence + 1,
    updated_at = %(now)s
FROM due WHERE due.id = d.id
RETURNING d.id, d.idempotency_key, d.payload, d.receiver, d.integration, d.channel, d.visited,
          d.rounds, d.attempts, d.created_at, d.fence, d.lease_until, due.owed,
"""

CLAIM: Final[LiteralString] = (
    _SLOTS
    + "SELECT d.id, EXISTS (SELECT 1 FROM failed_notifications f WHERE f.id = d.id) AS owed"
    + " FROM notification_deliveries d WHERE "
    + _DESTINATION
    + " AND (d.status = 'QUEUED'"
    + " OR (%(take_over)s AND d.status = 'SENDING' AND d.lease_until <= %(now)s))"
    + _NOT_AT_WORK
    + _FIRST_IN_LANE
    + " ORDER BY d.id LIMIT slot.free FOR UPDATE OF d SKIP LOCKED"
    + _TAKE
    + _EARLIER_OWED
    + " AS behind"
)

CLAIM_OWED: Final[LiteralString] = (
    _SLOTS
    + "SELECT d.id, true AS owed"
    + " FROM failed_notifications o JOIN notification_deliveries d ON d.id = o.id"
    + " WHERE o.status = 'PENDING' AND o.next_attempt_at <= %(now)s AND d.status = 'FAILED' AND "
    + _DESTINATION
    + _NOT_AT_WORK
    + _FIRST_IN_LANE
    + " AND NOT "
    + _EARLIER_OWED
    + " ORDER BY d.id LIMIT slot.free FOR UPDATE OF d SKIP LOCKED"
    + _TAKE
    + "false AS behind"
)

RETRYING: Final[LiteralString] = """
UPDATE failed_notifications SET status = 'RETRYING', updated_at = %(now)s WHERE id = ANY(%(ids)s)
"""

# Everything about one notification is decided by one transaction at a time.
LOCK_NOTIFICATION: Final[LiteralString] = """
SELECT id FROM notification_deliveries WHERE notification_id = %(notification)s
ORDER BY id FOR UPDATE
"""

_ATTEMPTED: Final[LiteralString] = """
    reason = %(reason)s, error = %(error)s, attempts = attempts + %(sends)s, rounds = rounds + 1,
    permanent = %(permanent)s, lease_owner = NULL, lease_until = NULL, updated_at = %(now)s,
    unpublished = unpublished OR %(news)s, revision = revision + 1
"""

DELIVERED: Final[LiteralString] = (
    "UPDATE notification_deliveries SET status = 'DELIVERED', delivered_at = %(now)s,"
    + _ATTEMPTED
    + "WHERE id = %(id)s AND status <> 'DELIVERED'"
)

FAILED_DELIVERED: Final[LiteralString] = """
UPDATE failed_notifications f
SET status = 'DELIVERED', attempts = d.attempts, next_attempt_at = NULL, updated_at = %(now)s
FROM notification_deliveries d WHERE f.id = %(id)s AND d.id = f.id
"""

# Whoever was told through a fallback is not owed the same again; and when the original itself
# gets through, what was owed in its stead is void.
SETTLE_CHAIN: Final[LiteralString] = """
WITH settled AS (
    UPDATE failed_notifications f
    SET status = 'DELIVERED', error = 'told elsewhere', next_attempt_at = NULL, updated_at = %(now)s
    FROM notification_deliveries d
    WHERE d.id = f.id AND d.notification_id = %(notification)s AND f.id <> %(id)s
      AND f.status = 'PENDING' AND (%(stands_in)s OR cardinality(d.visited) > 1)
    RETURNING f.id)
UPDATE notification_deliveries d
SET status = 'SKIPPED', reason = 'told_elsewhere', updated_at = %(now)s, unpublished = true,
    revision = revision + 1
FROM settled WHERE d.id = settled.id
"""

FELL_BACK: Final[LiteralString] = (
    "UPDATE notification_deliveries SET status = 'FELL_BACK', fallback = %(fallback)s,"
    + _ATTEMPTED
    + "WHERE id = %(id)s AND status = 'SENDING' AND fence = %(fence)s"
)

FAILED: Final[LiteralString] = (
    "UPDATE notification_deliveries SET status = 'FAILED',"
    + _ATTEMPTED
    + "WHERE id = %(id)s AND status = 'SENDING' AND fence = %(fence)s"
)

TOLD_ELSEWHERE: Final[LiteralString] = (
    "UPDATE notification_deliveries d SET status = 'SKIPPED',"
    + _ATTEMPTED
    + """WHERE id = %(id)s AND status = 'SENDING' AND fence = %(fence)s AND EXISTS (
    SELECT 1 FROM notification_deliveries e
    WHERE e.notification_id = %(notification)s AND e.id <> %(id)s AND e.status = 'DELIVERED'
      AND cardinality(e.visited) > 1)
"""
)

OWE: Final[LiteralString] = """
INSERT INTO failed_notifications AS f
    (id, alert_id, group_key, channel, receiver, status, error, attempts, next_attempt_at, payload,
     created_at, updated_at)
SELECT id, %(alert)s, group_key, channel, receiver, %(failed_status)s,
       CASE WHEN error = '' THEN reason ELSE reason || ': ' || error END, attempts,
       CASE WHEN %(failed_status)s = 'DEAD' THEN NULL ELSE %(next_at)s::timestamptz END, payload,
       created_at, %(now)s
FROM notification_deliveries WHERE id = %(id)s
ON CONFLICT (id) DO UPDATE
SET status = excluded.status, error = excluded.error, attempts = excluded.attempts,
    next_attempt_at = excluded.next_attempt_at, updated_at = excluded.updated_at
"""

# The chain's end: all that had fallen back is owed again, unless somebody was or may be told yet.
OWE_CHAIN: Final[LiteralString] = """
WITH fallen AS (
    UPDATE notification_deliveries d
    SET status = 'FAILED', updated_at = %(now)s, unpublished = true, revision = revision + 1
    WHERE d.notification_id = %(notification)s AND d.status = 'FELL_BACK' AND NOT EXISTS (
        SELECT 1 FROM notification_deliveries e
        WHERE e.notification_id = %(notification)s AND cardinality(e.visited) > 1
          AND e.status IN ('QUEUED', 'SENDING', 'DELIVERED'))
    RETURNING d.*)
INSERT INTO failed_notifications
    (id, alert_id, group_key, channel, receiver, status, error, attempts, next_attempt_at, payload,
     created_at, updated_at)
SELECT id, %(alert)s, group_key, channel, receiver,
       CASE WHEN permanent THEN 'DEAD' ELSE 'PENDING' END,
       CASE WHEN error = '' THEN reason ELSE reason || ': ' || error END, attempts,
       CASE WHEN permanent THEN NULL ELSE %(next_at)s::timestamptz END, payload,
       created_at, %(now)s
FROM fallen
ON CONFLICT (id) DO NOTHING
"""

STAND_INS: Final[LiteralString] = """
SELECT DISTINCT d.receiver FROM notification_deliveries d
WHERE d.group_key = %(group_key)s AND cardinality(d.visited) > 1 AND d.visited[1] = %(receiver)s
  AND d.payload ->> 'status' = 'firing' AND d.status IN ('QUEUED', 'SENDING', 'DELIVERED')
  AND EXISTS (SELECT 1 FROM jsonb_array_elements(d.payload -> 'alerts') AS alert
              WHERE alert ->> 'id' = ANY(%(alerts)s))
"""

RENEW: Final[LiteralString] = """
UPDATE notification_deliveries d SET lease_until = %(until)s
FROM unnest(%(ids)s::bigint[], %(fences)s::bigint[]) AS held (id, fence)
WHERE d.id = held.id AND d.fence = held.fence AND d.status = 'SENDING'
RETURNING d.id
"""

RELEASE: Final[LiteralString] = """
UPDATE notification_deliveries SET lease_until = %(now)s
WHERE lease_owner = %(owner)s AND status = 'SENDING'
"""

HURRY: Final[LiteralString] = """
UPDATE failed_notifications f SET next_attempt_at = %(now)s
FROM notification_deliveries d
WHERE d.id = f.id AND d.endpoint = ANY(%(endpoints)s) AND f.status = 'PENDING'
  AND f.next_attempt_at > %(now)s
"""

UNPUBLISHED: Final[LiteralString] = """
SELECT id, revision, notification_id, idempotency_key, tenant, group_key, receiver, channel,
       integration, status, reason, error, fallback, attempts, updated_at, payload
FROM notification_deliveries WHERE unpublished ORDER BY id LIMIT %(limit)s
"""

PUBLISHED: Final[LiteralString] = """
UPDATE notification_deliveries d SET unpublished = false
FROM unnest(%(ids)s::bigint[], %(revisions)s::integer[]) AS told (id, revision)
WHERE d.id = told.id AND d.revision = told.revision
"""

OWED_COUNTS: Final[LiteralString] = """
SELECT count(*) FILTER (WHERE status <> 'DEAD') AS pending,
       count(*) FILTER (WHERE status = 'DEAD') AS dead
FROM failed_notifications WHERE status IN ('PENDING', 'RETRYING', 'DEAD')
"""

PRUNE: Final[LiteralString] = """
DELETE FROM notification_deliveries WHERE id IN (
    SELECT d.id FROM notification_deliveries d LEFT JOIN failed_notifications f ON f.id = d.id
    WHERE d.updated_at < %(before)s AND NOT d.unpublished
      AND (d.status IN ('DELIVERED', 'FELL_BACK', 'SKIPPED') OR f.status = 'DEAD')
    ORDER BY d.id LIMIT %(limit)s)
"""

ATTEMPTS: Final[LiteralString] = """
SELECT d.id, d.idempotency_key, d.notification_id, d.group_key, d.receiver, d.integration,
       d.channel, d.status, d.reason, d.error, d.fallback, d.visited, d.attempts, d.created_at,
       d.updated_at, d.delivered_at, d.payload -> 'alerts' AS alerts,
       d.payload ->> 'status' AS kind
FROM notification_deliveries d
WHERE (%(before)s::bigint IS NULL OR d.id < %(before)s)
  AND (%(status)s::text IS NULL OR d.status = %(status)s)
  AND (%(channel)s::text IS NULL OR d.channel = %(channel)s)
  AND (%(receiver)s::text IS NULL OR d.receiver = %(receiver)s)
  AND (%(notification)s::text IS NULL OR d.notification_id = %(notification)s)
  AND (%(alert)s::text IS NULL
       OR d.payload @> jsonb_build_object('alerts',
            jsonb_build_array(jsonb_build_object('id', %(alert)s::text))))
ORDER BY d.id DESC LIMIT %(limit)s
"""

_FAILED_FILTER: Final[LiteralString] = """
      (%(status)s::text IS NULL OR f.status = %(status)s)
  AND (%(channel)s::text IS NULL OR f.channel = %(channel)s)
  AND (%(receiver)s::text IS NULL OR f.receiver = %(receiver)s)
  AND (%(alert)s::text IS NULL OR f.alert_id = %(alert)s)
"""

FAILED_LIST: Final[LiteralString] = (
    "SELECT f.* FROM failed_notifications f"
    " WHERE (%(before)s::bigint IS NULL OR f.id < %(before)s) AND "
    + _FAILED_FILTER
    + " ORDER BY f.id DESC LIMIT %(limit)s"
)

STATUS: Final[LiteralString] = """
SELECT coalesce(f.status, d.status) AS status
FROM notification_deliveries d LEFT JOIN failed_notifications f ON f.id = d.id
WHERE d.id = %(id)s FOR UPDATE OF d
"""

# A message that was given up begins again, with its whole patience.
_RETRY: Final[LiteralString] = """
WITH again AS (
    UPDATE failed_notifications f
    SET status = 'PENDING', next_attempt_at = %(now)s, updated_at = %(now)s
    WHERE f.status IN ('PENDING', 'DEAD') AND
"""
_RETRIED: Final[LiteralString] = """
    RETURNING f.id)
UPDATE notification_deliveries d SET status = 'FAILED', rounds = 0
FROM again WHERE again.id = d.id
"""

RETRY: Final[LiteralString] = _RETRY + " f.id = %(id)s" + _RETRIED

RETRY_ALL: Final[LiteralString] = _RETRY + _FAILED_FILTER + _RETRIED
