"""The compiled loops: plain Python functions over numpy arrays, run by numba where they are warm.

`warm()` compiles (or loads from the disk cache) every kernel; until then a kernel that is called runs as plain
Python, slow and equal, or compiles on the spot, see `compiled.Kernel`.
"""

from penstock.engine.kernels import frames, hashing, moments, ranking, records, scatter, texts
from penstock.engine.kernels.compiled import KERNELS, interpret_until_warm, interpreting, warm
from penstock.engine.kernels.decode import avro, json, lines, protobuf
from penstock.engine.kernels.encode import avro as avro_out
from penstock.engine.kernels.encode import json as json_out
from penstock.engine.kernels.encode import protobuf as protobuf_out

__all__ = [
    "KERNELS",
    "avro",
    "avro_out",
    "frames",
    "hashing",
    "interpret_until_warm",
    "interpreting",
    "json",
    "json_out",
    "lines",
    "moments",
    "protobuf",
    "protobuf_out",
    "ranking",
    "records",
    "scatter",
    "texts",
    "warm",
]
