"""What a real server did when it was last asked, as JSON in a file: what runs against ours needs no real one."""

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.beside.running import Outcome


def by_lines(value: Any, depth: int) -> str:
    """JSON with a line for each entry, down to this depth: so its differences read best."""
    if depth == 0:
        return json.dumps(value, ensure_ascii=False)
    entries = (f"{json.dumps(key)}: {by_lines(each, depth - 1)}" for key, each in value.items())
    return "{\n" + ",\n".join(entries) + "\n}"


@dataclass(frozen=True)
class Answers:
    """Outcomes by scenario. Answers are plain JSON, or, where bytes are in them, `literal`: as Python writes them."""

    file: Path
    literal: bool = False

    def read(self) -> dict[str, Outcome]:
        """All that is kept."""
        return self._parse(self.file.read_text())

    def write(self, outcomes: Mapping[str, Outcome]) -> None:
        """Keep them; raises ValueError where an answer cannot be read back."""
        kept = {
            name: {"answer": repr(one.answer) if self.literal else one.answer, "met": sorted(one.met)}
            for name, one in sorted(outcomes.items())
        }
        text = json.dumps(kept, indent=1, ensure_ascii=False) if self.literal else by_lines(kept, 1)
        again = self._parse(text)
        if lost := [name for name, one in outcomes.items() if again[name] != one]:
            raise ValueError(f"answers of {lost} hold more than plain values")
        self.file.write_text(text + "\n")

    def _parse(self, text: str) -> dict[str, Outcome]:
        return {
            name: Outcome(
                ast.literal_eval(one["answer"]) if self.literal else one["answer"], frozenset(one["met"])
            )
            for name, one in json.loads(text).items()
        }
