"""A bus that delivers everything twice, the way that is hardest to notice: each copy when its original is long since done."""

from collections.abc import Sequence

from shared.bus import DeliveryTableBus
from shared.messages import Record
from shared.service import Runtime


class TwiceBus(DeliveryTableBus):
    """Keeps a copy of every message for each of its subscribers, in their order. Delivered when the subscriber has taken the
    originals, no batch has both: only the rows of the inbox then know of it."""

    def __init__(self) -> None:
        super().__init__()
        self.copies: dict[str, list[Record]] = {}

    async def publish(self, records: Sequence[Record]) -> None:
        await super().publish(records)
        for record in records:
            for name in self.subscribers.get(record.topic, ()):
                self.copies.setdefault(name, []).append(record)

    async def publish_again(self, runtime: Runtime) -> bool:
        """Delivers to this subscriber what it was sent since the last time; whether that was anything."""
        copies = self.copies.pop(runtime.service.name, [])
        to_one = DeliveryTableBus()
        to_one.subscribe(runtime)
        await to_one.publish(copies)
        return bool(copies)
