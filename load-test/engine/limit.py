"""The floor under any engine in Python: consume `log-events` and decode it, nothing more.

`python -m engine.limit SERVERS EVENTS` prints CPU and wall seconds, the second half of the topic's
events only, so that the start does not count.
"""

import json
import sys
import time

from confluent_kafka import Consumer, KafkaException, TopicPartition

from alert_contracts.events import decode_batch
from alert_contracts.topics import Topic
from engine.workload import PARTITIONS

PATIENCE_S = 30.0


def main() -> int:
    """Return the exit code."""
    servers, events = sys.argv[1], int(sys.argv[2])
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": "limit",
            "enable.auto.commit": False,
            "fetch.message.max.bytes": 4 * 1024 * 1024,
            "queued.max.messages.kbytes": 65_536,
            "check.crcs": False,
        }
    )
    consumer.assign([TopicPartition(Topic.LOG_EVENTS, n, 0) for n in range(PARTITIONS)])
    first = _read(consumer, events // 2)
    cpu, wall = time.process_time(), time.perf_counter()
    rest = _read(consumer, events - first)
    spent = {
        "events": rest,
        "cpu": time.process_time() - cpu,
        "wall": time.perf_counter() - wall,
    }
    consumer.close()
    print(json.dumps(spent))
    return 0


def _read(consumer: Consumer, events: int) -> int:
    """Decode at least so many events; return how many it were.

    Raises:
        KafkaException: the broker does not answer.
        TimeoutError: there are not so many.
    """
    seen, deadline = 0, time.monotonic() + PATIENCE_S
    while seen < events:
        for message in consumer.consume(64, 1.0):
            error = message.error()
            if error is not None:
                raise KafkaException(error)
            seen += len(decode_batch(message.value() or b""))
        if time.monotonic() > deadline:
            raise TimeoutError
    return seen


if __name__ == "__main__":
    sys.exit(main())
