"""What a path holds: a file, the members of an archive, or the files of a folder; bounded before and while it is unpacked."""

from __future__ import annotations

import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from portfolio.errors import Refused
from sources.files.table import PACKED_CAP, SIZE_CAP, packed, too_large, unpacked

FILES_CAP = 100_000  # of an archive or a folder
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Piece:
    """One file, wherever it lay. `name` is without its folders; `place` says where, for a person."""

    name: str
    place: str
    content: bytes = field(repr=False)


def pieces(path: Path, cap: int = PACKED_CAP) -> Iterator[Piece]:
    """The files that `path` holds, by name; one after the other, so that a large folder is never in memory whole.

    A folder (and its folders), a zip, a tar, each of them or a plain file perhaps in gzip. What an archive holds is never
    written to disk, and a name in it never leads anywhere. `Refused` for what cannot be read, and for an archive that
    unpacks to more than `cap` bytes, by its own word or in fact.
    """
    try:
        if path.is_dir():
            yield from _folder(path, cap)
        else:
            yield from _file(path, cap)
    except OSError as trouble:  # BadGzipFile too
        reason = trouble.strerror or str(trouble)[:120]
        raise Refused(f"The file {path} cannot be read: {reason}.", "Check the file.", file=str(path)) from trouble
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError) as trouble:
        what = f"The file {path.name} is no whole archive: {str(trouble)[:120] or type(trouble).__name__}."
        raise Refused(what, "Fetch it again.", file=str(path)) from trouble


def _folder(path: Path, cap: int) -> Iterator[Piece]:
    files = sorted(each for each in path.rglob("*") if each.is_file() and not each.name.startswith("."))
    _few(path, len(files))
    for each in files:
        yield from pieces(each, cap)


def _file(path: Path, cap: int) -> Iterator[Piece]:
    if path.stat().st_size > SIZE_CAP:
        raise too_large(path, SIZE_CAP)
    if zipfile.is_zipfile(path):
        yield from _zipped(path, cap)
        return
    content = unpacked(path, cap) if packed(path) else path.read_bytes()
    name = path.name.removesuffix(".gz").removesuffix(".tgz")
    if content[257:262] == b"ustar":
        yield from _tarred(path, content)
    else:
        yield Piece(name, path.name, content)


def _zipped(path: Path, cap: int) -> Iterator[Piece]:
    with zipfile.ZipFile(path) as archive:
        found = sorted((info for info in archive.infolist() if not info.is_dir()), key=lambda info: info.filename)
        _few(path, len(found))
        room = cap
        for info in found:
            if info.file_size > room:
                raise too_large(path, cap)
            with archive.open(info) as stream:
                content = _bounded(stream, room, path, cap)
            room -= len(content)
            yield Piece(PurePosixPath(info.filename).name, f"{path.name}/{info.filename}", content)


def _tarred(path: Path, content: bytes) -> Iterator[Piece]:
    """The members of a tar, which is in memory already: its headers cannot make it larger."""
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
        found = sorted((each for each in archive if each.isreg()), key=lambda each: each.name)
        _few(path, len(found))
        room = len(content)
        for each in found:
            if each.size > room or each.issparse():
                raise too_large(path, room)
            stream = archive.extractfile(each)
            inside = b"" if stream is None else stream.read(room)
            yield Piece(PurePosixPath(each.name).name, f"{path.name}/{each.name}", inside)


def _bounded(stream: io.BufferedIOBase | zipfile.ZipExtFile, room: int, path: Path, cap: int) -> bytes:
    parts, size = [], 0
    while part := stream.read(_CHUNK):
        size += len(part)
        if size > room:
            raise too_large(path, cap)
        parts.append(part)
    return b"".join(parts)


def _few(path: Path, count: int) -> None:
    if count > FILES_CAP:
        raise Refused(f"{path.name} holds {count:,} files, above {FILES_CAP:,}.", "Split it.", file=str(path))
