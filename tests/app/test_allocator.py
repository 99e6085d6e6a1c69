"""The allocator's setting, seen by what it is for: pages that need not be touched again."""

import subprocess
import sys

import pytest

COUNT = """
import resource, sys
from penstock.allocator import keep_freed_memory
if sys.argv[1] == "kept" and not keep_freed_memory():
    sys.exit("not glibc")
def fill():
    pieces = [b"x" * (1 << 20) for _ in range(6)]
fill()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(30):
    fill()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", COUNT, how], capture_output=True, text=True, timeout=60, check=False
    )
    if "not glibc" in done.stderr:
        pytest.skip("the C library is not glibc: its allocator is left alone")
    return int(done.stdout)


def test_buffers_of_a_megabyte_come_from_memory_that_is_there_already():
    assert faults("kept") * 5 < faults("plain")
