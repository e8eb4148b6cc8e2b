"""The demo as a whole process: wall seconds and memory of all its processes, beside the limits of 60 s and 1.5 GB."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def tree_megabytes(root: int) -> float:
    """Proportional memory of a process and all its children now, in MB (Linux)."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    total, open_ = 0.0, [root]
    while open_:
        number = open_.pop()
        open_ += parents.get(number, [])
        try:
            lines = Path(f"/proc/{number}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    return total


def timed(words: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """(wall seconds, peak MB of the process tree) of one command."""
    started, peak = time.perf_counter(), 0.0
    with subprocess.Popen([sys.executable, "-m", "cli.main", *words], env=environment, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, tree_megabytes(process.pid))
            time.sleep(0.05)
    assert process.returncode == 0, words
    return time.perf_counter() - started, peak


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "TRIMTAB_HOME": f"{folder}/home"}
        for name, words, limit in (
            ("help", ["--help"], 1),
            ("first demo", ["demo", "--json"], 60),
            ("second demo", ["demo", "--json"], 60),
        ):
            seconds, peak = timed(words, environment)
            print(f"  {name:<12} {seconds:6.1f} s of {limit} s   {peak:6.0f} MB of 1500 MB", flush=True)


if __name__ == "__main__":
    main()
