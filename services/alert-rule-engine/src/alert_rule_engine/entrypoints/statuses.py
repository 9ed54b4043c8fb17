"""Telling how the rules fare."""

import asyncio
from collections.abc import Iterable
from typing import Final

from aiokafka.errors import KafkaError

from alert_contracts.rule_status import RuleStatus, encode_status, status_key
from alert_contracts.topics import Header, Schema, Topic
from alert_rule_engine.ports import Outlet

STATUS_SECONDS: Final = 5.0
_HEADERS: Final = {
    str(Header.CONTENT_TYPE): "application/json",
    str(Header.SCHEMA): str(Schema.RULE_STATUS),
}


async def tell_statuses(outlet: Outlet, statuses: Iterable[RuleStatus]) -> None:
    """Send statuses; what cannot be sent now is told again soon."""
    try:
        sent = [
            await outlet.keyed(
                Topic.RULE_STATUS, status_key(status), encode_status(status), _HEADERS
            )
            for status in statuses
        ]
    except KafkaError:
        return
    await asyncio.gather(*sent, return_exceptions=True)
