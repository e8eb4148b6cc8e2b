"""A CSV (plain or gzip) or Parquet file off the disk as text columns, bounded before and while it is read."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import polars as pl

from portfolio.errors import Refused

SIZE_CAP = 1 << 30  # bytes
PACKED_CAP = 256 << 20  # bytes, of what comes out of a gzip or an archive
ROW_CAP = 50_000_000
NO_CHARACTER = "\ufffd"
_CHUNK = 1 << 20
_SPLIT = "Split it by years or symbols."


def too_large(file: Path, cap: int) -> Refused:
    return Refused(f"The file {file.name} holds more than {cap >> 20} MB.", _SPLIT, file=str(file), cap=cap)


def unpacked(file: Path, cap: int) -> bytes:
    """The bytes of a gzip file; stops at `cap` while unpacking, so that a small bomb stays small."""
    parts, size = [], 0
    with gzip.open(file, "rb") as stream:
        while part := stream.read(_CHUNK):
            size += len(part)
            if size > cap:
                raise too_large(file, cap)
            parts.append(part)
    return b"".join(parts)


def packed(file: Path) -> bool:
    """Whether it is gzip, whatever its name."""
    with file.open("rb") as raw:
        return raw.read(2) == b"\x1f\x8b"


def without_nul(body: bytes) -> bytes:
    """Each NUL as the mark of a character nobody can read: for many a database a text ends at a NUL."""
    return body.replace(b"\x00", NO_CHARACTER.encode()) if b"\x00" in body else body


def _csv(file: Path, cap: int) -> pl.DataFrame:
    body = unpacked(file, min(cap, PACKED_CAP)) if packed(file) else file.read_bytes()
    if not body.strip():
        raise Refused(f"The file {file.name} is empty.", "Give a file with a header and rows.", file=str(file))
    return pl.read_csv(without_nul(body), infer_schema=False, truncate_ragged_lines=False)


def _parquet(file: Path, cap: int, rows: int) -> pl.DataFrame:
    """Row count and unpacked size come from the metadata, before a page is read."""
    import pyarrow.parquet as pq

    about = pq.read_metadata(file)
    if about.num_rows > rows:
        raise Refused(f"The file {file.name} says it has {about.num_rows:,} rows, above {rows:,}.", _SPLIT, file=str(file))
    if sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups)) > cap:
        raise too_large(file, cap)
    frame = pl.read_parquet(file)
    nested = [name for name, kind in frame.schema.items() if kind.is_nested() or kind == pl.Binary]
    if nested:
        raise Refused(
            f"The file {file.name} has nested or binary columns: {', '.join(nested)}.", "Write plain ones.", file=str(file)
        )
    return frame.with_columns(_plain(name, kind) for name, kind in frame.schema.items())


def _plain(name: str, kind: pl.DataType) -> pl.Expr:
    """Numbers stay numbers; instants become ISO text with their offset; everything else becomes text."""
    if kind.is_numeric():
        return pl.col(name)
    if isinstance(kind, pl.Datetime):
        return pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%S%:z" if kind.time_zone else "%Y-%m-%dT%H:%M:%S")
    return pl.col(name).cast(pl.String()).str.replace_all("\x00", NO_CHARACTER, literal=True)


def table(file: Path, size_cap: int = SIZE_CAP, row_cap: int = ROW_CAP) -> pl.DataFrame:
    """The file's columns: text from CSV, text or numbers from Parquet; an empty cell is null.

    Nothing is evaluated: a cell that begins with = + - or @ is that text. `Refused` for a file that is missing, empty,
    too large, ragged, not UTF-8, or neither CSV nor Parquet.
    """
    try:
        if file.stat().st_size > size_cap:
            raise too_large(file, size_cap)
        with file.open("rb") as raw:
            magic = raw.read(4)
        return _parquet(file, size_cap, row_cap) if magic == b"PAR1" else _csv(file, size_cap)
    except OSError as trouble:  # BadGzipFile and ArrowIOError too
        reason = trouble.strerror or str(trouble)[:120]
        raise Refused(f"The file {file} cannot be read: {reason}.", "Check the file.", file=str(file)) from trouble
    except (pl.exceptions.PolarsError, EOFError, zlib.error, ValueError) as trouble:
        reason = str(trouble).splitlines()[0][:120]
        what = f"The file {file.name} is neither whole CSV nor Parquet: {reason}."
        raise Refused(what, "Write one header and as many cells in each line.", file=str(file)) from trouble
