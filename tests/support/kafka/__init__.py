"""Finds or starts a real Kafka broker.

The first that applies: the one named by `KAFKA_BOOTSTRAP_SERVERS`; a container, where a Docker engine runs; a plain
process, where there is Java 17 or newer, with the jars that Maven fetched once into `.cache/kafka`. With none of them
the tests marked `kafka` are left out, and the last line of the run says so; with `HOLDFAST_REQUIRE_KAFKA=1` that is an
error.

`shared_broker()` is one broker for the whole run, whatever the number of workers: the first to ask starts it, the last
to let go ends it. `private_broker()` is for those who kill, pause or restart it; `proxied()` is for those who take away
some of its answers.
"""

from tests.support.kafka.broker import SETTINGS, Broker, answers_kafka, available, private_broker, wait_for_broker
from tests.support.kafka.proxy import Proxy, proxied
from tests.support.kafka.run import pytest_collection_modifyitems_kafka, shared_broker, terminal_summary

__all__ = [
    "SETTINGS",
    "Broker",
    "Proxy",
    "answers_kafka",
    "available",
    "private_broker",
    "proxied",
    "pytest_collection_modifyitems_kafka",
    "shared_broker",
    "terminal_summary",
    "wait_for_broker",
]
