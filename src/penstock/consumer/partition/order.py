"""Who may go next, so that records of one key are handled in their order, whatever is tried again in between.

A key whose record waits for its next attempt is blocked: its later records are held back, in a topic of their own,
and go on one by one once nothing older of the key waits. Records without a key have no order among each other.
Knows keys; knows nothing of topics, offsets, times or handlers.
"""

from collections import deque
from collections.abc import Callable
from enum import Enum, auto

from penstock.consumer.delivery import Delivery

RECORD_BYTES = 300
"""What is remembered of a record that blocks a key, or is held back, and is not in memory itself; its key is counted beside it."""


class Written(Enum):
    """How far a held record is in the topic of held ones."""

    NO = auto()
    """Its move there waits to be written, and can be taken back."""
    COMING = auto()
    """It is being written."""
    YES = auto()


class Held:
    """A record that is held back. `delivery` is None where it is no longer in memory: then it is at `offset`."""

    __slots__ = ("delivery", "key", "offset", "size", "wanted", "written")

    def __init__(self, delivery: Delivery | None, key: bytes, offset: int = -1) -> None:
        self.delivery, self.key, self.offset = delivery, key, offset
        self.size = delivery.size if delivery is not None else 0
        self.written = Written.NO if offset < 0 else Written.YES
        self.wanted = False


class _Key:
    """What is under way for one key: mostly one record, so its queues are made when there is something for them."""

    __slots__ = ("active", "held", "queue", "waiting")

    def __init__(self) -> None:
        self.active = False
        self.waiting = 0  # its records that are in a retry topic, or being tried again now
        self.queue: deque[Delivery] | tuple[()] = ()
        self.held: deque[Held] | tuple[()] = ()

    def add(self, delivery: Delivery) -> None:
        """To be handled after what is handled now."""
        self.queue = self.queue or deque()
        self.queue.append(delivery)

    def hold(self, held: Held) -> None:
        """To go on when nothing older waits."""
        self.held = self.held or deque()
        self.held.append(held)


class Order:
    """The keys of one partition that something is under way for. `bytes` is what is known of records that wait: of those
    that block keys, and of those held back, till they are handled.

    `ready` is called with what may be handled; `hold` makes a held one of a delivery; `load` is called with a held one
    whose turn has come and that is not in memory, or is just being written: `release` it when it is there.
    """

    def __init__(
        self,
        ready: Callable[[Delivery], None],
        hold: Callable[[Delivery], Held],
        load: Callable[[Held], None],
    ) -> None:
        self._ready, self._hold, self._load = ready, hold, load
        self._keys: dict[bytes, _Key] = {}
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._keys)

    def blocked(self, key: bytes | None) -> bool:
        """Whether new records of the key are held back."""
        found = self._keys.get(key) if key is not None else None
        return found is not None and (found.waiting > 0 or bool(found.held))

    def arrive(self, delivery: Delivery) -> None:
        """A record came, in its partition's order."""
        if delivery.key is None:
            self._ready(delivery)
            return
        key = self._of(delivery.key)
        if key.waiting or key.held:
            self._add(key, self._hold(delivery))
        elif key.active:
            key.add(delivery)
        else:
            key.active = True
            self._ready(delivery)

    def waits(self, key: bytes | None) -> None:
        """A record of this key is in a retry topic: it is older than all that comes from now on."""
        if key is not None:
            self._of(key).waiting += 1
            self.bytes += _weight(key)

    def holds(self, held: Held) -> None:
        """A record that was held back before this consumer began."""
        self._add(self._of(held.key), held)

    def come_back(self, delivery: Delivery) -> None:
        """A record that waited is due."""
        if delivery.key is None:
            self._ready(delivery)
            return
        key = self._of(delivery.key)
        if key.active:
            key.add(delivery)
        else:
            key.active = True
            self._ready(delivery)

    def finish(self, delivery: Delivery, *, waited: bool, waits: bool) -> None:
        """A record was handled. `waited`: it came from a retry topic; `waits`: it goes to one (again)."""
        if delivery.key is None:
            return
        key = self._keys[delivery.key]
        key.active = False
        key.waiting += waits - waited
        self.bytes += (waits - waited - (delivery.held is not None)) * _weight(delivery.key)
        if waits:
            stay: deque[Delivery] = deque()
            for each in key.queue:
                if each.letter is not None:  # older than what blocks the key, or sent back: due as it is
                    stay.append(each)
                else:
                    self._add(key, self._hold(each))
            key.queue = stay or ()
        self._go_on(delivery.key, key)

    def begin(self) -> None:
        """All that was there before this consumer is known: what is held back by nothing goes on."""
        for name, key in list(self._keys.items()):
            if not key.active:
                self._go_on(name, key)

    def release(self, held: Held) -> None:
        """A held record whose turn it was is in memory, and written: it may go."""
        assert held.delivery is not None
        self._ready(held.delivery)

    def _go_on(self, name: bytes, key: _Key) -> None:
        if key.queue:
            key.active = True
            self._ready(key.queue.popleft())
        elif key.waiting:
            return
        elif key.held:
            key.active = True
            self._take(key.held.popleft())
        else:
            del self._keys[name]

    def _take(self, held: Held) -> None:
        delivery = held.delivery
        if delivery is None or held.written is Written.COMING:
            held.wanted = True
            self._load(held)
            return
        if held.written is Written.NO:  # what was to be written is not, and it is as if it had just come
            delivery.settled, delivery.move, delivery.held = False, None, None
            self.bytes -= _weight(held.key)
        self._ready(delivery)

    def _add(self, key: _Key, held: Held) -> None:
        key.hold(held)
        self.bytes += _weight(held.key)

    def _of(self, name: bytes) -> _Key:
        key = self._keys.get(name)
        if key is None:
            key = self._keys[name] = _Key()
        return key


def _weight(key: bytes) -> int:
    return RECORD_BYTES + len(key)
