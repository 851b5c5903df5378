"""Prints each account whose band got worse.

    pip install confluent-kafka
    python consumer.py localhost:9092 [TOPIC]

Delivery is at least once: an offset is committed after its change has been handled. To handle each change once, store the highest
`sequence` per account and skip what is not above it.
"""

import json
import signal
import sys

from confluent_kafka import Consumer, KafkaException


def handle(change: dict) -> None:
    """Replace this: create a task in the CRM, send a message, write a row."""
    health = change["health"]
    reason = change["drivers"][0] if change["drivers"] else "no reason given"
    print(f'{change["account_id"]}: {health["previous_band"]} -> {health["band"]}: {reason}', flush=True)


def main(servers: str, topic: str = "account-health") -> None:
    consumer = Consumer({
        "bootstrap.servers": servers,
        "group.id": "health-alerts",
        # Changes of transactions that were aborted must not be seen.
        "isolation.level": "read_committed",
        "auto.offset.reset": "earliest",
        "enable.auto.offset.store": False,
    })
    running = True

    def stop(*_: object) -> None:
        nonlocal running
        running = False

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    consumer.subscribe([topic])
    try:
        while running:
            record = consumer.poll(1.0)
            if record is None:
                continue
            if record.error():
                raise KafkaException(record.error())
            dropped = any(name == "churnwatch_band_dropped" for name, _ in record.headers() or [])
            # The value of a deleted account is null.
            if dropped and record.value() is not None:
                handle(json.loads(record.value()))
            consumer.store_offsets(record)
    finally:
        consumer.close()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
