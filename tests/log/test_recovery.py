"""What opening does with cut and missing files: the result is a prefix, and nothing durable before the cut is lost."""

import msgspec
import pytest
from tests.log.test_partitions import NOW, append, offsets, opened, sync

from penstock.errors import PenstockError
from penstock.later import finish
from penstock.log import LogOptions
from penstock.testing.disk import SimulatedDisk

OPTIONS = {"segment_bytes": 900, "index_interval_bytes": 150, "journal_bytes": 0}


def filled(**options):
    disk = SimulatedDisk()
    log = opened(disk, **OPTIONS, **options)
    (one,) = log.create_topic("t", 1, {}, NOW).partitions
    for number in range(20):
        append(one, NOW.wall_ms + number, NOW.wall_ms + number + 5)
    sync(log)
    return disk, log


def everything(partition):
    found, offset = [], partition.start_offset
    while offset < partition.end_offset:
        found += offsets(partition.read(offset, 10_000, end=partition.end_offset))
        offset = found[-1][1] + 1
    return found


ALL = [(n, n + 1) for n in range(0, 40, 2)]


def test_a_clean_start_reads_no_batch(monkeypatch):
    disk, log = filled()
    log.close(NOW)
    monkeypatch.setattr("penstock.log.recovery._sound_batches", None)
    log = opened(disk, **OPTIONS)
    assert log.cuts == [] and everything(log.topics["t"].partitions[0]) == ALL


def test_a_start_after_a_crash_reads_only_what_is_behind_the_checkpoint(monkeypatch):
    disk, log = filled()
    one = log.topics["t"].partitions[0]
    assert log.next_sync_s(NOW.after(40)) == 0.0
    sync(log, NOW.after(40))  # writes the checkpoint
    append(one)
    sync(log)
    disk.crash()
    read = []
    from penstock.log import recovery

    sound = recovery._sound_batches
    monkeypatch.setattr(recovery, "_sound_batches", lambda *a, **k: read.append(sound(*a, **k)) or read[-1])
    one = opened(disk, **OPTIONS).topics["t"].partitions[0]
    assert [[i.base_offset for i in found] for found in read] == [[40]]
    assert one.end_offset == 41


@pytest.mark.parametrize("with_checkpoint", [True, False])
def test_the_last_segment_cut_at_any_byte_leaves_a_prefix(with_checkpoint):
    path = None
    size = 10**9
    cut = 0
    while cut <= size:
        disk, log = filled()
        if with_checkpoint:
            log.close(NOW)
        else:
            disk.crash()
        path = path or max(p for p in disk.paths() if p.endswith(".log"))
        size = disk.listing("t-0")[path[4:]]
        disk.damage(path, cut)
        again = opened(disk, **OPTIONS)
        one = again.topics["t"].partitions[0]
        found = everything(one)
        assert found == ALL[: len(found)]
        base = int(path[4:-4])
        whole = base + 2 * (cut // (size // ((40 - base) // 2)))
        assert one.end_offset == whole
        assert append(one, 1, 2) == whole
        sync(again)
        assert everything(one)[-1] == (whole, whole + 1)
        cut += 7


def test_a_flipped_byte_behind_the_checkpoint_cuts_there():
    disk, _ = filled()
    path = max(p for p in disk.paths() if p.endswith(".log"))
    file = disk._file(path)
    file.data[-3] ^= 1
    file.safe[-3] ^= 1
    disk.crash()
    log = opened(disk, **OPTIONS)
    assert everything(log.topics["t"].partitions[0]) == ALL[:-1]
    assert len(log.cuts) == 1 and path in log.cuts[0]


@pytest.mark.parametrize("kind", [".index", ".timeindex"])
def test_an_index_cut_at_any_byte_or_missing_is_made_again(kind):
    disk, log = filled()
    log.close(NOW)
    paths = [p for p in disk.paths() if p.endswith(kind)]
    sizes = [disk.listing("t-0")[p[4:]] for p in paths]
    assert max(sizes) > 24
    for cut in [*range(max(sizes)), -1]:
        for path, size in zip(paths, sizes, strict=True):
            if cut < 0:
                disk.remove(path)
            elif cut < size:
                disk.damage(path, cut)
        log = opened(disk, **OPTIONS)
        one = log.topics["t"].partitions[0]
        assert everything(one) == ALL
        for offset in range(40):
            assert offsets(one.read(offset, 1, end=40)) == [ALL[offset // 2]]
        for number in range(26):
            at = finish(one.find(NOW.wall_ms + number))
            assert (
                at
                == min(
                    (2 * n + k, NOW.wall_ms + n + 5 * k)
                    for n in range(20)
                    for k in (0, 1)
                    if n + 5 * k >= number
                )
                if number < 25
                else at is None
            )
        log.close(NOW)


def test_a_lost_checkpoint_only_costs_time():
    disk, log = filled()
    log.close(NOW)
    for damage in (lambda: disk.damage("checkpoint", 10), lambda: disk.remove("checkpoint")):
        damage()
        log = opened(disk, **OPTIONS)
        assert everything(log.topics["t"].partitions[0]) == ALL and log.cuts == []
        log.close(NOW)


def test_a_lost_segment_leaves_a_gap_and_not_more():
    disk, log = filled()
    log.close(NOW)
    second = sorted(p for p in disk.paths() if p.endswith(".log"))[1]
    disk.remove(second)
    log = opened(disk, **OPTIONS)
    one = log.topics["t"].partitions[0]
    assert "are missing" in log.cuts[0]
    assert everything(one)[0] == (0, 1) and everything(one)[-1] == (38, 39)
    assert append(one) == 40


def test_a_newer_format_a_damaged_and_a_missing_state_are_refused():
    disk, log = filled()
    log.close(NOW)
    state = bytes(disk._file("penstock.json").data)
    newer = msgspec.json.encode({**msgspec.json.decode(state), "format": 99, "topics": "other"})
    for content, words in [(newer, "has format 99"), (state[:-5], "is damaged"), (None, "no penstock.json")]:
        disk.remove("penstock.json")
        if content is not None:
            fd = disk.open("penstock.json", create=True)
            disk.write(fd, content, 0)
        with pytest.raises(PenstockError, match=words) as refused:
            opened(disk)
        assert refused.value.remedy and refused.value.place
        if content is None:
            fd = disk.open("penstock.json", create=True)
    disk.write(fd, state, 0)
    assert "t" in opened(disk).topics


def test_an_unknown_way_to_sync_is_refused():
    with pytest.raises(PenstockError, match="sync is 'sometimes'"):
        opened(sync="sometimes")
    assert LogOptions().sync == "always"


@pytest.mark.parametrize("with_checkpoint", [True, False])
@pytest.mark.parametrize(
    "content", [b"", b"version: 0\ntopic_", b"\0" * 43, b"version: 0\ntopic_id: " + b"!" * 22, None]
)
def test_a_damaged_or_lost_identity_costs_no_record_and_is_written_anew(content, with_checkpoint):
    disk, log = filled()
    log.close(NOW)
    before = bytes(disk._file("t-0/partition.metadata").data)
    if not with_checkpoint:
        disk.remove("checkpoint")
    disk.remove("t-0/partition.metadata")
    if content is not None:
        disk.write(disk.open("t-0/partition.metadata", create=True), content, 0)
    log = opened(disk, **OPTIONS)
    assert everything(log.topics["t"].partitions[0]) == ALL
    assert bytes(disk._file("t-0/partition.metadata").data) == before
    assert content is None or "t-0/partition.metadata: written anew" in log.cuts[0]
    log.close(NOW)
    assert everything(opened(disk, **OPTIONS).topics["t"].partitions[0]) == ALL


def test_a_folder_of_another_topic_is_set_aside_with_all_that_is_in_it():
    disk, log = filled()
    log.close(NOW)
    disk.write(disk.open("t-0/partition.metadata"), b"version: 0\ntopic_id: " + b"A" * 22, 0)
    names = sorted(disk.listing("t-0"))
    log = opened(disk, **OPTIONS)
    one = log.topics["t"].partitions[0]
    assert everything(one) == []
    (aside,) = (name for name in disk.listing("") if name.endswith(".aside"))
    assert f"t-0: renamed to {aside}" in log.cuts[0]
    assert sorted(disk.listing(aside)) == names
    append(one)
    sync(log)
    log.close(NOW)
    log = opened(disk, **OPTIONS)
    assert len(everything(log.topics["t"].partitions[0])) == 1
    assert sorted(disk.listing(aside)) == names


def strange(disk, folder, *names):
    disk.make_folder(folder)
    for name in names:
        disk.open(f"{folder}/{name}", create=True)


def test_only_folders_of_deleted_topics_are_removed_at_a_start():
    disk, log = filled()
    log.close(NOW)
    strange(disk, "backup-2026", "letter.txt")
    strange(disk, "mine.deleted", "letter.txt")
    strange(disk, "gone-0", "00000000000000000000.log")
    disk.write(disk.open("gone-0/partition.metadata", create=True), b"version: 0\ntopic_id: " + b"A" * 22, 0)
    strange(disk, f"{'ab' * 16}-3.deleted", "00000000000000000000.log")
    log = opened(disk, **OPTIONS)
    folders = {name for name, size in disk.listing("").items() if size < 0}
    assert folders == {"t-0", "backup-2026", "mine.deleted"}
    assert log.cuts == ["backup-2026: left alone, it is no topic's folder"]


def test_a_new_topic_does_not_take_somebodys_folder_of_its_name_over():
    disk, log = filled()
    log.close(NOW)
    strange(disk, "u-1", "00000000000000000500.log", "letter.txt")
    log = opened(disk, **OPTIONS)
    one = log.create_topic("u", 2, {}, NOW).partitions[1]
    append(one)
    sync(log)
    (aside,) = (name for name in disk.listing("") if name.endswith(".aside"))
    assert set(disk.listing(aside)) == {"00000000000000000500.log", "letter.txt"}
    assert "letter.txt" not in disk.listing("u-1")


def test_strange_files_in_a_partition_are_left_alone_and_told():
    disk, log = filled()
    log.close(NOW)
    names = ["1.log", "\u00b2.log", "notes.deleted", "draft.tmp", "my.swap"]
    for name in names:
        disk.open(f"t-0/{name}", create=True)
    log = opened(disk, **OPTIONS)
    assert everything(log.topics["t"].partitions[0]) == ALL
    assert set(names) <= set(disk.listing("t-0"))
    assert log.cuts == [f"t-0/{name}: left alone, it is not the log's" for name in names]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"topic_id": "zz"}, "the id 'zz'"),
        ({"name": "../../elsewhere"}, "cannot be named"),
        ({"partitions": -1}, "-1 partitions"),
        ({"partitions": 10**12}, "1000000000000 partitions"),
        ({"configs": {"segment.bytes": "many"}}, "a setting cannot be read"),
        ({"starts": {"0": -5}}, "starts at offset -5"),
        ({"starts": {"7": 5}}, "partition 7"),
    ],
)
def test_a_state_that_no_penstock_wrote_is_refused_and_nothing_is_touched(fields, words):
    disk, log = filled()
    log.close(NOW)
    state = msgspec.json.decode(bytes(disk._file("penstock.json").data))
    state["topics"][0] |= fields
    disk.damage("penstock.json", 0)
    disk.write(disk.open("penstock.json"), msgspec.json.encode(state), 0)
    steps = disk.steps
    with pytest.raises(PenstockError, match=words) as refused:
        opened(disk)
    assert "backup" in refused.value.remedy and refused.value.place
    assert disk.steps == steps
