"""The journal: a chain of hashes over everything that was decided, ordered, filled and changed.

Row n has seq = n (from 1), `at` (UTC, `2026-11-22T17:14:30.556566Z`), `kind` and `body`. Its hash is

    sha256( hash of row n - 1, as 64 hex digits (64 zeros before row 1)
            + canonical JSON of {"at": ..., "body": ..., "kind": ..., "seq": ...} )        as UTF-8, in hex

where canonical JSON has sorted keys, no spaces and no ASCII escapes beyond JSON's own: Python's
`json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)`. Decimals are strings, instants and dates
ISO 8601, a number that is not finite the string "NaN", "Infinity" or "-Infinity". An export holds one JSON object
a line: the four fields and `hash`.

The chain finds a row that was edited, removed or moved. A cut tail leaves a shorter, sound chain: it is found against a
head noted elsewhere (each report prints it).
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

from portfolio.errors import Broken, Refused

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it is stored; `body` is canonical JSON text."""

    seq: int
    at: str
    kind: str
    body: str
    hash: str


@dataclass(frozen=True, slots=True)
class Verified:
    """How many rows verify, and the hash of the last one (64 zeros of an empty journal)."""

    rows: int
    head: str


def canonical(value: Any) -> str:
    """`value` as canonical JSON text."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def stamp(moment: datetime) -> str:
    """An aware instant as fixed-width UTC text, which sorts as time does."""
    if moment.tzinfo is None:
        raise Broken("An instant without a time zone reached the ledger.", "Pass an aware datetime.")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def link(before: str, seq: int, at: str, kind: str, body: str) -> str:
    """The hash of a row whose body is canonical JSON text already."""
    words = f'{{"at":{canonical(at)},"body":{body},"kind":{canonical(kind)},"seq":{seq}}}'
    return hashlib.sha256((before + words).encode()).hexdigest()


def verify(rows: Iterable[Row], head: str | None = None) -> Verified:
    """Walk the chain; `Refused` names the first bad row, or says that `head` (of an earlier report) is not in the chain."""
    before, last, seen = GENESIS, 0, head in {None, GENESIS}
    for row in rows:
        if row.seq != last + 1:
            raise Refused(f"The journal is broken at row {last + 1}: it is missing.", _WAY_OUT, seq=last + 1)
        if row.hash != link(before, row.seq, row.at, row.kind, row.body):
            raise Refused(f"The journal is broken at row {row.seq}: it was changed or moved.", _WAY_OUT, seq=row.seq)
        before, last, seen = row.hash, row.seq, seen or row.hash == head
    if not seen:
        raise Refused(
            f"The journal ends at row {last} and does not contain the head {head}: its tail was cut.", _WAY_OUT, seq=last
        )
    return Verified(last, before)


_WAY_OUT = "Compare it with an export or a backup before anything is traded."


def write(rows: Iterable[Row], path: Path) -> Verified:
    """Write an export, whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    last, head = 0, GENESIS
    with fresh.open("w", encoding="utf-8", newline="\n") as out:
        for row in rows:
            shown = {"seq": row.seq, "at": row.at, "kind": row.kind, "body": json.loads(row.body), "hash": row.hash}
            out.write(json.dumps(shown, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n")
            last, head = row.seq, row.hash
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(path)
    return Verified(last, head)


def _plain(value: Any) -> Any:  # noqa: C901, PLR0911 one line a type
    if isinstance(value, Enum):
        return _plain(value.value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, date):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(one) for key, one in value.items()}
    if isinstance(value, set | frozenset):
        return [_plain(one) for one in sorted(value, key=str)]
    if isinstance(value, Iterable):
        return [_plain(one) for one in value]
    if hasattr(value, "item"):
        return _plain(value.item())
    raise Broken(f"A {type(value).__name__} cannot be written to the journal.", "Turn it into plain values first.")
