"""What our Faust apps send with."""

from aiokafka.codec import lz4_encode

from alert_rule_engine.adapters.kafka import LZ4_LEVEL, create_app


def test_records_are_compressed_at_the_cheap_level() -> None:
    create_app("test", brokers="127.0.0.1:1", instance_id="i", buffered=1)
    value = b"".join(b'{"service":"s%d","count":%d}' % (n % 7, n) for n in range(500))
    assert lz4_encode(value) == lz4_encode(value, level=LZ4_LEVEL)
    assert lz4_encode(value) != lz4_encode(value, level=9)
