"""Answers DeleteRecords: the beginning of a partition is forgotten for good, up to an offset."""

from collections import Counter

from penstock.broker.answers import answers
from penstock.broker.records.durable import DISK_ERRORS, refused_by
from penstock.broker.state import State
from penstock.broker.topics.internal import RESERVED
from penstock.calls import DeletePart, DeleteRecords
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.log import Partition

HIGH_WATERMARK = -1


@answers(DeleteRecords)
def delete_records(state: State, call: DeleteRecords, now: Now) -> list[int | Refused]:
    """One new start offset a part; all of them are written down at once."""
    times = Counter((part.topic, part.partition) for part in call.parts)
    found = [
        Refused(Refusal.BAD_REQUEST, "the request names the partition more than once")
        if times[part.topic, part.partition] > 1
        else _target(state, part)
        for part in call.parts
    ]
    targets = dict(one for one in found if not isinstance(one, Refused))
    try:
        state.log.truncate_before(targets)
    except DISK_ERRORS as error:
        refused = refused_by(error)
        return [one if isinstance(one, Refused) else refused for one in found]
    for name in {partition.topic for partition in targets}:
        state.waits.wake_topic(name, now)  # who waits below the new start should hear so
    return [one if isinstance(one, Refused) else one[0].start_offset for one in found]


def _target(state: State, part: DeletePart) -> tuple[Partition, int] | Refused:
    partition = state.partition(part.topic, part.partition)
    if partition is None:
        return Refused(Refusal.NO_TOPIC, f"{part.topic}/{part.partition}")
    if part.topic in RESERVED:
        return Refused(Refusal.BAD_TOPIC_NAME, f"the broker itself reads {part.topic}")
    if not state.settings(part.topic).deletes:
        return Refused(Refusal.POLICY, f"cleanup.policy of {part.topic} does not have delete")
    high = partition.durable_offset
    offset = high if part.offset == HIGH_WATERMARK else part.offset
    if not 0 <= offset <= high:
        detail = f"{part.topic}/{part.partition} holds {partition.start_offset} to {high}, not {part.offset}"
        return Refused(Refusal.OFFSET_OUT_OF_RANGE, detail)
    return partition, offset
