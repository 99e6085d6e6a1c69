"""Prometheus' text format 0.0.4, written. Knows families and samples, not where their values come from.

Source: prometheus.io, "Exposition formats".
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABELLED = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\.)*",?)*)\}')
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")


@dataclass
class Family:
    """One metric: its name, type (``counter`` or ``gauge``), meaning, and samples by their labels."""

    name: str
    kind: str
    meaning: str
    samples: list[tuple[Mapping[str, str], float]] = field(default_factory=list)

    def add(self, value: float, **labels: str) -> None:
        """One sample."""
        self.samples.append((labels, value))


def write(families: Iterable[Family]) -> bytes:
    """The page. Families without samples are left out."""
    lines: list[str] = []
    for family in families:
        if not family.samples:
            continue
        meaning = family.meaning.replace("\\", r"\\").replace("\n", r"\n")
        lines += [f"# HELP {family.name} {meaning}", f"# TYPE {family.name} {family.kind}"]
        lines += [f"{family.name}{_labels(labels)} {_number(value)}" for labels, value in family.samples]
    return ("\n".join(lines) + "\n").encode(errors="replace")


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escape(value)}"' for name, value in labels.items()) + "}"


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))


def parse_name(text: str) -> tuple[str, dict[str, str]] | None:
    """A measure's name, which may carry labels (``name{label="value"}``); None for what is no such name."""
    if NAME.fullmatch(text):
        return text, {}
    labelled = _LABELLED.fullmatch(text)
    if labelled is None:
        return None
    labels = {name: _ESCAPED.sub(_unescape, value) for name, value in _LABEL.findall(labelled[2])}
    return labelled[1], labels


def _unescape(found: re.Match[str]) -> str:
    return "\n" if found[1] == "n" else found[1]
