"""What Flink needs to read Avro and Protobuf: its formats' jars, and the Java classes of a .proto file.

The jars and `protoc` (for x86-64 Linux) come from Maven Central into `.oracle/`, once; the classes are made there, once for each
text of the .proto file. Needs a JDK, as Flink's own two sources do.
"""

import contextlib
import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from bench.oracle import flink, kafka

JARS = kafka.JARS.with_name(f"flink-formats-{flink.VERSION}")


def class_path(proto: Path) -> str:
    """The Java class path beside Flink's own; raises CalledProcessError with the compiler's words."""
    jars = kafka.assemble("flink.formats.pom.xml", JARS)
    target = JARS.with_name(f"flink-messages-{hashlib.sha256(proto.read_bytes()).hexdigest()[:12]}")
    if not target.is_dir():
        with tempfile.TemporaryDirectory(dir=JARS.parent) as coming:
            made = Path(coming, "classes")
            made.mkdir()
            (fetched,) = JARS.glob("protoc-*.exe")
            protoc = Path(shutil.copy(fetched, Path(coming, "protoc")))
            protoc.chmod(0o700)
            words = [str(protoc), f"--proto_path={proto.parent}", f"--java_out={coming}", proto.name]
            subprocess.run(words, check=True)
            sources = [str(source) for source in Path(coming).rglob("*.java")]
            subprocess.run(["javac", "-nowarn", "-cp", jars, "-d", str(made), *sources], check=True)
            with contextlib.suppress(OSError):  # another process was first: its folder is as good
                made.rename(target)
    return f"{target}:{jars}"
