"""A Quix Streams app that counts log events in windows, as its documentation teaches it.

Arguments: guarantee, bootstrap servers, consumer group, input topic, output topic, rules file,
state directory. Split, filter by each rule, group, window, count, filter.
"""

import json
import re
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from quixstreams import Application  # type: ignore[import-not-found]

GRACE = timedelta(days=1)
"""Partitions are read in no common order, so no window may close before all is read."""
TERMS = (
    (re.compile(r'service == "([^"]*)"'), "service"),
    (re.compile(r'level == "([^"]*)"'), "level"),
    (re.compile(r"level in \[([^\]]*)\]"), "levels"),
    (re.compile(r"statusCode >= (\d+)"), "status"),
    (re.compile(r'message\.contains\("([^"]*)"\)'), "text"),
)


class Rule:
    """A rule document, as far as all sides of the comparison implement it."""

    def __init__(self, document: dict[str, Any]) -> None:
        asked = dict(map(_asked, document["match"].split(" && ")))
        self.id = document["id"]
        self.group_by = document["groupBy"][0]
        self.threshold = document["threshold"]
        self.service = asked.get("service")
        self.text = asked.get("text")
        self.status = int(asked.get("status", 0))
        self.levels: set[str] = set()
        if "level" in asked:
            self.levels = {asked["level"]}
        if "levels" in asked:
            self.levels = set(json.loads(f"[{asked['levels']}]"))

    def matches(self, event: dict[str, Any]) -> bool:
        """Tell whether an event counts."""
        return (
            (self.service is None or event["service"] == self.service)
            and (not self.levels or event["level"] in self.levels)
            and event["statusCode"] >= self.status
            and (self.text is None or self.text in event["message"])
        )


def _asked(term: str) -> tuple[str, str]:
    for pattern, name in TERMS:
        found = pattern.fullmatch(term)
        if found:
            return name, found.group(1)
    message = f"not of the subset: {term}"
    raise ValueError(message)


def build(arguments: list[str]) -> Application:
    """Return the app; its topology is part of it."""
    guarantee, servers, group, source, target, rules_file, state = arguments
    rules = [Rule(json.loads(line)) for line in Path(rules_file).read_text().splitlines()]
    thresholds = {rule.id: rule.threshold for rule in rules}
    size = json.loads(Path(rules_file).read_text().splitlines()[0])["window"]["size"]
    app = Application(
        broker_address=servers,
        consumer_group=group,
        auto_offset_reset="earliest",
        processing_guarantee=guarantee,
        state_dir=state,
        commit_interval=0.1 if guarantee == "exactly-once" else 1.0,
        producer_extra_config={"compression.type": "lz4"},
        loglevel="WARNING",
    )

    def matching(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for rule in rules:
            if rule.matches(event):
                yield {"key": f"{rule.id}|{event[rule.group_by]}", "at": event["timestamp"]}

    def crossed(value: dict[str, Any], key: Any, *_more: Any) -> bool:  # noqa: ANN401
        return bool(value["value"] > thresholds[_text(key).split("|")[0]])

    frame = app.dataframe(app.topic(source, value_deserializer="bytes"))
    frame = frame.apply(lambda value: list(map(json.loads, value.splitlines())), expand=True)
    frame = frame.apply(lambda event: list(matching(event)), expand=True)
    frame = frame.group_by(lambda row: row["key"], name="rule-and-group")
    frame = frame.set_timestamp(lambda row, *_more: row["at"])
    frame = frame.tumbling_window(timedelta(milliseconds=size), grace_ms=GRACE).count().current()
    frame = frame.filter(crossed, metadata=True)
    frame = frame.apply(
        lambda value, key, *_more: f"{_text(key)}|{value['start']}".encode(), metadata=True
    )
    frame.to_topic(app.topic(target, value_serializer="bytes"))
    return app


def _text(key: Any) -> str:  # noqa: ANN401
    return key.decode() if isinstance(key, bytes) else str(key)


if __name__ == "__main__":
    build(sys.argv[1:]).run()
