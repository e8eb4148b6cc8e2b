"""A JSON document from the SEC off the disk: bounded in size and depth, and only ever an object."""

from __future__ import annotations

import gzip
import json
import math
import zlib
from pathlib import Path
from typing import Any, NoReturn

from portfolio.errors import Refused

SIZE_CAP = 200 * 1024 * 1024  # bytes, unpacked; Apple's whole history is 4 MB
_AGAIN = "Download it again from data.sec.gov."


def _bytes(file: Path, cap: int) -> bytes:
    """The unpacked bytes; never more than `cap` of them come into memory."""
    try:
        with file.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(file, "rb") if packed else file.open("rb") as stream:
            body = stream.read(cap + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as trouble:
        raise Refused(f"The file {file.name} is not whole gzip: {trouble}.", _AGAIN, file=str(file)) from trouble
    except OSError as trouble:
        raise Refused(f"The file {file} cannot be read: {trouble.strerror}.", "Check its path.", file=str(file)) from trouble
    if len(body) > cap:
        raise Refused(
            f"The file {file.name} holds more than {cap >> 20} MB.", "No company's facts are that large.", file=str(file)
        )
    return body


def _not_a_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is too large for a number")
    return value


def document(file: Path, cap: int = SIZE_CAP) -> dict[str, Any]:
    """The object in a JSON file (plain or gzip). `Refused`, in one sentence, for anything else."""
    body = _bytes(file, cap)
    if body[:512].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        way_out = "It is often the SEC's refusal of an undeclared client: download it again with a contact in the user agent."
        raise Refused(f"The file {file.name} is an HTML page and not JSON.", way_out, file=str(file))
    try:
        found = json.loads(body, parse_constant=_not_a_number, parse_float=_finite)
    except RecursionError as trouble:
        raise Refused(f"The file {file.name} is nested too deeply to be company facts.", _AGAIN, file=str(file)) from trouble
    except ValueError as trouble:
        reason = str(trouble)[:120]
        raise Refused(f"The file {file.name} is not whole JSON: {reason}.", _AGAIN, file=str(file)) from trouble
    if not isinstance(found, dict):
        raise Refused(f"The file {file.name} holds a {type(found).__name__} and not an object.", _AGAIN, file=str(file))
    return found
