"""A sample belongs to the innermost frame that is known."""

import pytest
from engine.profiler import REST, by_purpose, purpose_of

DOMAIN = ["/x/alert_rule_engine/domain/panes.py", "fill", 3]
CODEC = ["/x/aiokafka/codec.py", "lz4_decode", 1]
FETCHER = ["/x/aiokafka/consumer/fetcher.py", "_proc", 9]
ASYNCIO = ["/x/asyncio/streams.py", "write", 5]


@pytest.mark.parametrize(
    ("stack", "purpose"),
    [
        ([DOMAIN, ASYNCIO], "domain/panes: fill"),
        ([["/x/re.py", "match", 1], DOMAIN], "domain/panes: fill"),
        ([CODEC, FETCHER], "lz4: decompress"),
        ([["/x/aiokafka/codec.py", "has_lz4", 1], FETCHER], "Kafka's protocol"),
        ([ASYNCIO, FETCHER], "fetch"),
        ([ASYNCIO], REST),
    ],
)
def test_a_stack_has_one_purpose(stack: list[list[object]], purpose: str) -> None:
    assert purpose_of(stack) == purpose


def test_samples_add_up_to_microseconds_an_event() -> None:
    samples = [{"stack": [DOMAIN], "seconds": 1.0}, {"stack": [DOMAIN, CODEC], "seconds": 2.0}]
    assert by_purpose(samples, 1_000_000) == {"domain/panes: fill": 3.0}
