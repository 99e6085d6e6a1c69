"""What of a queue is ready, in columns: numbers, sizes and expiries, a lane for each priority.

No object stands for a waiting message. Numbers grow, so a lane is in order by itself; what comes back, in a small heap
beside it, is taken when its number is the smallest. Knows no bodies, no consumers and no disk.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import repeat
from typing import TypeAlias

Item: TypeAlias = tuple[int, int, int, int, int]
"""One message outside of the columns: its number, its body's bytes, when it expires (wall clock, 0 is never), how often
it came back, and its priority."""

_COMPACT_FROM = 4096


class Lane:
    """Messages of one priority, oldest first."""

    __slots__ = ("back", "expiries", "head", "late", "numbers", "priority", "sizes")

    def __init__(self, priority: int) -> None:
        self.priority = priority
        self.numbers, self.sizes = array("Q"), array("I")
        self.expiries: array[int] | None = None  # there once a message of the lane may expire
        self.head = 0
        self.back: list[Item] = []
        self.late: dict[int, int] = {}  # what came back to the end, out of order, and how often

    def __len__(self) -> int:
        return len(self.numbers) - self.head + len(self.back)

    def put(self, number: int, size: int, expires_ms: int) -> None:
        """A new message, of a number greater than all before."""
        if expires_ms and self.expiries is None:
            self.expiries = array("Q", bytes(8 * len(self.numbers)))
        self.numbers.append(number)
        self.sizes.append(size)
        if self.expiries is not None:
            self.expiries.append(expires_ms)

    def put_alike(self, first: int, sizes: Sequence[int]) -> None:
        """New messages of the numbers from `first` on, none of which expires."""
        self.numbers.extend(range(first, first + len(sizes)))
        self.sizes.extend(sizes)
        if self.expiries is not None:
            self.expiries.extend(repeat(0, len(sizes)))

    def fill(self, numbers: "array[int]", sizes: "array[int]", expiries: "array[int]") -> None:
        """Put in many at once, into an empty lane."""
        self.numbers, self.sizes = array("Q", numbers), array("I", sizes)
        if any(expiries):
            self.expiries = array("Q", expiries)

    def first(self) -> Item:
        """The one that `take` would give."""
        if self._back_is_first():
            return self.back[0]
        return self._at(self.head)

    def take(self) -> Item:
        """The first one, which is not ready any more."""
        if self._back_is_first():
            return heappop(self.back)
        found = self._at(self.head)
        self._behead(1)
        if self.late:
            self.late.pop(found[0], None)
        return found

    def run(self) -> int:
        """How many stand at the head one behind the other, so that they can be taken at once."""
        if self.late or self._back_is_first():
            return 1
        end = bisect_left(self.numbers, self.back[0][0], self.head) if self.back else len(self.numbers)
        return end - self.head

    def take_many(self, most: int, bytes_max: int) -> list[Item]:
        """Up to `most` of a run, the first whatever its size and the others within `bytes_max`."""
        most = min(most, self.run())
        if most <= 1:
            return [self.take()] if most > 0 else []
        begin, end = self.head, self.head + most
        sizes: Sequence[int] = self.sizes[begin:end]
        if sum(sizes) > bytes_max:
            left, count = bytes_max - sizes[0], 1
            while count < len(sizes) and sizes[count] <= left:
                left -= sizes[count]
                count += 1
            end, sizes = begin + count, sizes[:count]
        expiries: Iterable[int] = repeat(0) if self.expiries is None else self.expiries[begin:end]
        taken = list(zip(self.numbers[begin:end], sizes, expiries, repeat(0), repeat(self.priority)))
        self._behead(end - begin)
        return taken

    def give_back(self, item: Item) -> None:
        """What was taken is ready again, at its old place."""
        heappush(self.back, item)

    def put_last(self, item: Item) -> None:
        """What was taken is ready again, behind all others."""
        self.put(item[0], item[1], item[2])
        self.late[item[0]] = item[3]

    def remove(self, number: int) -> Item | None:
        """Take the one of this number, wherever it stands; None where it is not here."""
        for place, item in enumerate(self.back):
            if item[0] == number:
                del self.back[place]
                self.back.sort()  # a sorted list is a heap
                return item
        low = self._find(number)
        if low < 0:
            return None
        found = self._at(low)
        self.late.pop(number, None)
        del self.numbers[low], self.sizes[low]
        if self.expiries is not None:
            del self.expiries[low]
        return found

    def remove_from(self, number: int) -> int:
        """Forget those of this number and above; their bytes."""
        gone = [item for item in self if item[0] >= number]
        if gone:
            rest = [item for item in self if item[0] < number]
            self.numbers, self.sizes, self.expiries, self.head = array("Q"), array("I"), None, 0
            self.back, self.late = [], {}
            for item in rest:
                if item[3]:
                    self.put_last(item)
                else:
                    self.put(*item[:3])
        return sum(item[1] for item in gone)

    def __iter__(self) -> Iterator[Item]:
        back, place = sorted(self.back), 0
        for at in range(self.head, len(self.numbers)):
            while place < len(back) and back[place][0] < self.numbers[at]:
                yield back[place]
                place += 1
            yield self._at(at)
        yield from back[place:]

    def all_numbers(self) -> "array[int]":
        """Of all that is ready, in no order."""
        found = self.numbers[self.head :]
        found.extend(item[0] for item in self.back)
        return found

    def _at(self, place: int) -> Item:
        number, expires_ms = self.numbers[place], 0 if self.expiries is None else self.expiries[place]
        return number, self.sizes[place], expires_ms, self.late.get(number, 0), self.priority

    def _find(self, number: int) -> int:
        """Where it stands in the columns, -1 where it does not."""
        if self.late:
            return next((at for at in range(self.head, len(self.numbers)) if self.numbers[at] == number), -1)
        at = bisect_left(self.numbers, number, self.head)
        return at if at < len(self.numbers) and self.numbers[at] == number else -1

    def _back_is_first(self) -> bool:
        back, head = self.back, self.head
        return bool(back) and (head == len(self.numbers) or back[0][0] < self.numbers[head])

    def _behead(self, count: int) -> None:
        self.head += count
        if self.head == len(self.numbers):
            self.numbers, self.sizes, self.expiries, self.head = array("Q"), array("I"), None, 0
        elif self.head > _COMPACT_FROM and self.head * 2 > len(self.numbers):
            del self.numbers[: self.head], self.sizes[: self.head]
            if self.expiries is not None:
                del self.expiries[: self.head]
            self.head = 0


class Ready:
    """All lanes of one queue, the highest priority first. `bytes` are those of the bodies."""

    __slots__ = ("bytes", "lanes", "occupied", "priority_max")

    def __init__(self, priority_max: int) -> None:
        self.priority_max = priority_max
        self.lanes: dict[int, Lane] = {0: Lane(0)}  # each made when something of its priority comes first
        self.bytes = 0
        self.occupied = 0  # a bit for each lane that has something, or lately had

    def __len__(self) -> int:
        return sum(map(len, self.lanes.values()))

    def __bool__(self) -> bool:
        return self._highest() is not None

    def put(self, number: int, size: int, expires_ms: int, priority: int) -> None:
        """A new message; a priority above the highest counts as the highest."""
        lane = self.lane(min(priority, self.priority_max))
        lane.put(number, size, expires_ms)
        self.bytes += size
        self.occupied |= 1 << lane.priority

    def put_alike(self, first: int, sizes: Sequence[int], priority: int) -> None:
        """New messages of one priority, of the numbers from `first` on, none of which expires."""
        lane = self.lane(min(priority, self.priority_max))
        lane.put_alike(first, sizes)
        self.bytes += sum(sizes)
        self.occupied |= 1 << lane.priority

    def fill(self, numbers: "array[int]", sizes: "array[int]", expiries: "array[int]") -> None:
        """Put in many at once, where there is one lane and nothing in it."""
        self.lanes[0].fill(numbers, sizes, expiries)
        self.bytes, self.occupied = sum(sizes), 1

    def first(self) -> Item | None:
        """What `take` would give, None where nothing is ready."""
        lane = self._highest()
        return None if lane is None else lane.first()

    def take(self) -> Item:
        """The first of the highest priority; there must be one."""
        lane = self._highest()
        assert lane is not None
        item = lane.take()
        self.bytes -= item[1]
        return item

    def run(self) -> int:
        """How many can be taken at once; there must be one."""
        lane = self._highest()
        assert lane is not None
        return lane.run()

    def take_many(self, most: int, bytes_max: int) -> list[Item]:
        """Some of the first, at least one; there must be one."""
        lane = self._highest()
        assert lane is not None
        items = lane.take_many(most, bytes_max)
        self.bytes -= sum([item[1] for item in items])
        return items

    def give_back(self, item: Item) -> None:
        """What was taken is ready again."""
        self.lane(item[4]).give_back(item)
        self.bytes += item[1]
        self.occupied |= 1 << item[4]

    def put_last(self, item: Item) -> None:
        """What was taken is ready again, behind all others of its priority."""
        self.lane(item[4]).put_last(item)
        self.bytes += item[1]
        self.occupied |= 1 << item[4]

    def remove(self, number: int) -> Item | None:
        """Take the one of this number; None where it is not ready."""
        for lane in self.lanes.values():
            item = lane.remove(number)
            if item is not None:
                self.bytes -= item[1]
                return item
        return None

    def expired(self, until_ms: int, most: int) -> list[Item]:
        """Take up to `most` from the head that expire up to this moment. What expires behind one that does not, or in a
        lane behind another, waits for its turn, as in RabbitMQ (its page on priority queues, "interaction")."""
        found: list[Item] = []
        while len(found) < most and (first := self.first()) is not None and 0 < first[2] <= until_ms:
            found.append(self.take())
        return found

    def remove_from(self, number: int) -> None:
        """Forget those of this number and above: they never came."""
        self.bytes -= sum(lane.remove_from(number) for lane in self.lanes.values())

    def clear(self) -> "array[int]":
        """Take everything; the numbers."""
        numbers = array("Q")
        for lane in self.lanes.values():
            numbers.extend(lane.all_numbers())
        self.lanes = {0: Lane(0)}
        self.bytes = self.occupied = 0
        return numbers

    def __iter__(self) -> Iterator[Item]:
        for priority in sorted(self.lanes, reverse=True):
            yield from self.lanes[priority]

    def lane(self, priority: int) -> Lane:
        """Where messages of a priority stand."""
        found = self.lanes.get(priority)
        if found is None:
            found = self.lanes[priority] = Lane(priority)
        return found

    def _highest(self) -> Lane | None:
        while self.occupied:
            lane = self.lanes[self.occupied.bit_length() - 1]
            if len(lane):
                return lane
            self.occupied ^= 1 << lane.priority
        return None
