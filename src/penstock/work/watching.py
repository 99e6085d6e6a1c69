"""Which pipeline files are new, changed or gone since the last look.

Looks at time, size and then content, so that touching a file restarts nothing. Knows nothing of what files mean.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from penstock.work.loading import pipeline_files


@dataclass(frozen=True)
class Changes:
    """What one look found: files with their new content, and those that are gone."""

    saved: dict[Path, bytes]
    gone: list[Path]


@dataclass
class _Seen:
    stamp: tuple[int, int]
    digest: bytes


@dataclass
class Watch:
    """The files under some paths. `look` compares with the look before; the first finds all of them saved."""

    paths: tuple[str, ...]
    _seen: dict[Path, _Seen] = field(default_factory=dict)

    def look(self) -> Changes:
        """What changed. A file that cannot be read now is looked at again the next time."""
        saved: dict[Path, bytes] = {}
        there = pipeline_files(self.paths)
        for path in there:
            try:
                status = path.stat()
                stamp = (status.st_mtime_ns, status.st_size)
                known = self._seen.get(path)
                if known and known.stamp == stamp:
                    continue
                text = path.read_bytes()
            except OSError:
                continue
            digest = hashlib.sha256(text).digest()
            if known is None or known.digest != digest:
                saved[path] = text
            self._seen[path] = _Seen(stamp, digest)
        gone = [path for path in self._seen if path not in there]
        for path in gone:
            del self._seen[path]
        return Changes(saved, gone)
