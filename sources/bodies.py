"""What came back, as what it should be: JSON, text or CSV; an error page is never read as data."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import math
import re
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn
from urllib.parse import quote, quote_plus

from portfolio.errors import Refused

_UNPACKED_CAP = 256 << 20  # bytes
_DIGITS = 40  # of a whole number; what has more is no price, no count and no time
_TAGS = re.compile(r"<[^>]*>|\s+")
_PAGE = re.compile(rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype html|html|head|body|title)\b", re.DOTALL)


def scrubbed(words: str, secrets: Iterable[str]) -> str:
    """`words` without the secrets, as they are or as an address writes them."""
    for secret in filter(None, secrets):
        for form in {secret, quote(secret, safe=""), quote(secret), quote_plus(secret)}:
            words = re.sub(re.escape(form), "***", words, flags=re.IGNORECASE)  # a host comes back in small letters
    return words


@dataclass(frozen=True, slots=True)
class Body:
    """A whole answer: who sent it, its bytes, and what it says it is; `secrets` are words that no message may show."""

    sender: str
    content: bytes = field(repr=False)
    kind: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def page(self) -> bool:
        """Whether it is an HTML page."""
        return _PAGE.match(self.content[:2048].removeprefix(b"\xef\xbb\xbf").lower()) is not None

    def first_words(self) -> str:
        """Up to 120 characters of what a person would read of it."""
        words = " ".join(_TAGS.sub(" ", self.content[:600].decode("utf-8", "replace")).split())
        return scrubbed("".join(sign for sign in words if sign.isprintable()), self.secrets)[:120]

    def text(self, what: str = "text") -> str:
        """As UTF-8 text. `Refused` for an HTML page, an empty body, or other bytes."""
        if self.page:
            raise self.wrong(f"sent an HTML page and no {what}: {self.first_words()}")
        if not self.content.strip():
            raise self.wrong(f"sent an empty body and no {what}")
        try:
            return self.content.decode("utf-8-sig")
        except UnicodeDecodeError as trouble:
            raise self.wrong(f"sent no {what}: its bytes are not UTF-8") from trouble

    def json(self) -> Any:
        """As a JSON document without NaN, infinite numbers, half characters or a key twice."""
        words = self.text("JSON")
        try:
            found = json.loads(
                words, parse_constant=_not_a_number, parse_float=_finite, parse_int=_whole, object_pairs_hook=_once
            )
            if "\\ud" in words.lower():
                json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair is no text
            return found
        except RecursionError as trouble:
            raise self.wrong("sent JSON that is nested too deeply") from trouble
        except ValueError as trouble:
            raise self.wrong(f"sent no whole JSON: {str(trouble)[:100]}") from trouble

    def members(self) -> dict[str, bytes]:
        """The files of a ZIP archive by name, none of them unpacked past the cap; `Refused` for anything else."""
        try:
            with zipfile.ZipFile(io.BytesIO(self.content)) as archive:
                if sum(info.file_size for info in archive.infolist()) > _UNPACKED_CAP:
                    raise self.wrong(f"sent an archive of more than {_UNPACKED_CAP >> 20} MB")
                return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, RuntimeError, ValueError) as trouble:
            raise self.wrong(f"sent no whole ZIP archive: {str(trouble)[:100]}") from trouble

    def unpacked(self) -> Body:
        """Itself, or what is inside where it is gzip."""
        if not self.content.startswith(b"\x1f\x8b"):
            return self
        try:
            inside = gzip.GzipFile(fileobj=io.BytesIO(self.content)).read(_UNPACKED_CAP + 1)
        except (OSError, EOFError, zlib.error) as trouble:
            raise self.wrong(f"sent no whole gzip: {str(trouble)[:100]}") from trouble
        if len(inside) > _UNPACKED_CAP:
            raise self.wrong(f"sent more than {_UNPACKED_CAP >> 20} MB in a gzip")
        return replace(self, content=inside)

    def wrong(self, what: str) -> Refused:
        """The refusal of this body, as one sentence."""
        said = scrubbed(what, self.secrets).rstrip(".")
        return Refused(f"{self.sender} {said}.", "Nothing of it was used; look at its address in a browser.", site=self.sender)


class Gunzip:
    """Unpacks gzip as it comes in, never more than asked for: a small bomb stays small."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(31)
        self._begun = False

    @property
    def whole(self) -> bool:
        """Whether it ended where gzip says that it ends (or never began)."""
        return self._member.eof or not self._begun

    def feed(self, raw: bytes, room: int) -> bytes:
        """What `raw` unpacks to, at most `room` + 1 bytes of it; the rest is lost. `zlib.error` where it is no gzip."""
        parts = bytearray()
        while raw and len(parts) <= room:
            self._begun = True
            if self._member.eof:  # a file may be several, one after the other
                self._member = zlib.decompressobj(31)
            parts += self._member.decompress(raw, room + 1 - len(parts))
            raw = self._member.unused_data
        return bytes(parts)


def _not_a_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is too large for a number")
    return value


def _whole(text: str) -> int:
    if len(text) > _DIGITS:
        raise ValueError(f"{text[:20]}... is too large for a number")
    return int(text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands in it twice")
    return found
