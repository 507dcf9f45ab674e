"""What brokers say of the model's topics: which partitions there are, where they begin, and whether a topic is the one
that it was: one that was deleted and made anew has another id, and may hold as many records again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import OffsetSpec, TopicDescription

from monitor.records import Partition
from monitor.settings import MonitorSettings
from scorer.stream import topics

REQUEST_SECONDS = 2.0

_NO_ID = "A" * 22
"""The id that a broker gives which has none to give, in base64."""


class Told(NamedTuple):
    """The partitions that have a leader; those that are known and are no more; the topics that were made ``anew`` since
    they were last asked about; and whether all partitions of the topics that are there have a leader (``whole``)."""

    led: frozenset[Partition]
    gone: frozenset[Partition]
    anew: frozenset[str]
    whole: bool


class Partitions:
    """Asks the brokers; no question takes longer than ``REQUEST_SECONDS``. For one thread.

    ``names`` are the topics' names in Kafka, ``ids`` those under which they are known. ``wait`` is told what is waited
    for: a kind of trouble, and why in words.
    """

    def __init__(
        self,
        settings: MonitorSettings,
        names: Mapping[str, str],
        ids: Mapping[str, str],
        wait: Callable[[str, str], None],
    ) -> None:
        self.ids = dict(ids)
        """The ids of the topics; without those of which no broker told one."""
        self._settings, self._names, self._wait = settings, names, wait

    def ask(self, client: Consumer, known: Iterable[Partition]) -> Told | None:
        """What there is now, beside the partitions that are ``known``; ``None`` where no broker answers."""
        try:
            found = client.list_topics(timeout=REQUEST_SECONDS).topics
        except KafkaException as error:
            self._wait("brokers", f"no broker answers: {error.args[0].str()}; see kafka.bootstrap_servers")
            return None
        led, gone, there, whole = set[Partition](), set[Partition](), [], True
        for topic, name in self._names.items():
            one = found.get(name)
            if one is None or one.error is not None:
                continue
            there.append(topic)
            led |= {(topic, number) for number, partition in one.partitions.items() if partition.leader >= 0}
            whole = whole and all(partition.leader >= 0 for partition in one.partitions.values())
            gone |= {place for place in known if place[0] == topic and place[1] not in one.partitions}
        missing = [name for topic, name in self._names.items() if topic not in there]
        if missing:
            self._wait("topics", f"there is no topic {', '.join(missing)}; make it: scorer topics create")
        return Told(frozenset(led), frozenset(gone), self._anew(there), whole)

    def _anew(self, there: Iterable[str]) -> frozenset[str]:
        """Which of these topics bear another id than they did."""
        named = {self._names[topic]: topic for topic in there}
        if not named:
            return frozenset()
        client = topics.admin(self._settings)  # its requests end with it
        futures = client.describe_topics(TopicCollection(list(named)), request_timeout=REQUEST_SECONDS)
        anew = set()
        for name, future in futures.items():
            try:
                described: TopicDescription = future.result(REQUEST_SECONDS)
            except (KafkaException, TimeoutError) as error:
                self._wait("ids", f"{name}: whether it is still the same topic is not known: {error}")
                continue
            topic, found = named[name], str(described.topic_id)
            if found == _NO_ID:
                continue
            if self.ids.setdefault(topic, found) != found:
                anew.add(topic)
                self.ids[topic] = found
        return frozenset(anew)

    def beginnings(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """The first offset of each partition; without those whose broker does not say it now."""
        asked = {TopicPartition(self._names[topic], number): (topic, number) for topic, number in partitions}
        found = {}
        earliest: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
        client = topics.admin(self._settings)
        futures = client.list_offsets(dict.fromkeys(asked, earliest), request_timeout=REQUEST_SECONDS)
        for place, future in futures.items():
            try:
                found[asked[place]] = int(future.result(REQUEST_SECONDS).offset)
            except (KafkaException, TimeoutError) as error:
                self._wait("beginning", f"{place.topic}-{place.partition}: where it begins is not known: {error}")
        return found
