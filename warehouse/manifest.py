"""The checksum of every data file, written when the file is: a flipped bit in Parquet reads as a wrong number, silently.

`MANIFEST` in the data folder has a line a file, in the form of `sha256sum`: anyone can run `sha256sum --check MANIFEST` there.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

NAME = "MANIFEST"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of the data folder found, as paths relative to it: changed, missing, and files nobody wrote down."""

    files: int
    changed: tuple[str, ...]
    missing: tuple[str, ...]
    unlisted: tuple[str, ...]

    @property
    def sound(self) -> bool:
        return not self.changed and not self.missing


def extend(data: str) -> int:
    """Write down the files that are not there yet; how many. To be called by whoever holds the catalog's write lock."""
    if "://" in data:
        return 0  # an object store keeps checksums of its own
    folder, listed = Path(data), read(data)
    fresh = [path for path in _files(folder) if path not in listed]
    if fresh:
        lines = "".join(f"{_hash(folder / path)}  {path}\n" for path in fresh)
        with (folder / NAME).open("ab+") as handle:
            half = handle.tell() > 0 and handle.seek(-1, os.SEEK_END) >= 0 and handle.read(1) != b"\n"  # of a killed writer
            handle.write((("\n" if half else "") + lines).encode())
            handle.flush()
            os.fsync(handle.fileno())
    return len(fresh)


def read(data: str) -> dict[str, str]:
    """Relative path -> checksum. A last line that a killed writer left half is not counted."""
    file = Path(data) / NAME
    lines = file.read_text(encoding="utf-8").split("\n")[:-1] if file.exists() else []
    pairs = [line.split("  ", 1) for line in lines]
    return {pair[1]: pair[0] for pair in pairs if len(pair) == 2 and len(pair[0]) == 64}


def verify(data: str, only: Mapping[str, str] | None = None) -> Verdict:
    """Hash every file and compare. `only`: the lines to hold the folder against, else those of its own MANIFEST."""
    folder, listed = Path(data), read(data) if only is None else only
    there = set(_files(folder))
    changed = sorted(path for path, wanted in listed.items() if path in there and _hash(folder / path) != wanted)
    missing = sorted(path for path in listed if path not in there)
    return Verdict(len(there), tuple(changed), tuple(missing), tuple(sorted(there - listed.keys())))


def rewrite(data: str) -> None:
    """Leave out the files that are gone, whole or not at all."""
    folder, there = Path(data), set(_files(Path(data)))
    kept = {path: checksum for path, checksum in read(data).items() if path in there}
    fresh = folder / f"{NAME}.new"
    with fresh.open("w", encoding="utf-8") as handle:
        handle.writelines(f"{checksum}  {path}\n" for path, checksum in sorted(kept.items()))
        handle.flush()
        os.fsync(handle.fileno())
    fresh.replace(folder / NAME)


def _files(folder: Path) -> Iterator[str]:
    for place, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".parquet"):
                yield (Path(place) / name).relative_to(folder).as_posix()


def _hash(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
