"""The program as a person runs it: `trimtab` in processes of its own, in homes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TRIMTAB = [sys.executable, "-m", "cli.main"]


@dataclass(frozen=True)
class Said:
    """How a command ended: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document of standard output; anything else there is a failure."""
        return json.loads(self.out)


def environment(home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """A clean environment: nothing of the caller's Trimtab or Prefect settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TRIMTAB_", "PREFECT_"))}
    return {**kept, "TRIMTAB_HOME": str(home), "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "160", **(more or {})}


def trimtab(*words: str, home: Path, seconds: float = 240, more: Mapping[str, str] | None = None) -> Said:
    """Run one command to its end, from a folder that is not the project's."""
    home.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [*TRIMTAB, *words],
        env=environment(home, more),
        cwd=home.parent,
        capture_output=True,
        text=True,
        timeout=seconds,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Demo:
    """A home in which the demo has run once, undisturbed, what it said, and how long it took."""

    home: Path
    said: Said
    seconds: float

    @property
    def document(self) -> dict[str, Any]:
        return self.said.document
