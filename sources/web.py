"""The one way out to the network: bounded in time and size, paced, and honest about what came back.

What a vendor may do wrong and what becomes of it: no answer, half a body, 429 or a 5xx is an `Outage`, asked again a few
times with growing pauses; a redirect elsewhere, a body past the cap, a refusal or an unknown thing is `Refused`, at once
(and an error page is, by whoever wants data of it: see `sources.bodies`).
"""

from __future__ import annotations

import logging
import random
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from portfolio.errors import Outage, Refused, Trouble, WrongUse
from sources.bodies import Body, Gunzip, scrubbed
from sources.turns import stay_away, wait_turn

if TYPE_CHECKING:
    import httpx

MEGABYTE = 1 << 20
LONGEST_WAIT = 60.0  # seconds that a vendor may ask us to stay away before we give up
_BUSY = {408, 425, 429}
_NEVER = 501  # "not implemented" is no outage
_REDIRECTS = {301, 302, 303, 307, 308}
_HOPS = 4


@dataclass(frozen=True, slots=True)
class Site:
    """A vendor's address and manners. `base`: scheme, host and port; `pace`: requests a second that it bears.

    `headers` may hold who we are; `secrets` are words (keys) that no message may show. `deadline`: seconds for one answer, whole;
    `patience`: seconds of silence within it.
    """

    name: str
    base: str
    pace: float = 2.0
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    size_cap: int = 64 * MEGABYTE
    deadline: float = 120.0
    attempts: int = 4
    hosts: tuple[str, ...] = ()  # others of the same vendor that it may send us to
    patience: float = 30.0


class Web:
    """One vendor's site. Threads may share it. Close it after use (or use it as a context)."""

    def __init__(self, site: Site, sleep: Callable[[float], None] = time.sleep, luck: random.Random | None = None) -> None:
        import httpx

        for noisy in ("httpx", "httpcore"):  # they would log addresses, keys and all
            logging.getLogger(noisy).setLevel(logging.WARNING)
        self.site = site
        self._home = _home(site)
        self._sleep = sleep
        self._luck = luck or random.Random()  # noqa: S311  spreads pauses, guards nothing
        patience = min(site.patience, site.deadline)
        self._client = httpx.Client(
            timeout=httpx.Timeout(patience, connect=min(10.0, patience), pool=site.deadline),
            headers={"Accept-Encoding": "gzip"} | {name: _plain(value) for name, value in site.headers.items()},
            follow_redirects=False,
            trust_env=True,
        )

    def __enter__(self) -> Web:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Body:
        """The body at `path`; `Refused` where there is none."""
        body = self._asked(path, params or {}, False)
        assert body is not None
        return body

    def find(self, path: str, params: Mapping[str, str] | None = None) -> Body | None:
        """The body at `path`, None where the vendor says 404."""
        return self._asked(path, params or {}, True)

    def _asked(self, path: str, params: Mapping[str, str], missing: bool) -> Body | None:
        """Ask until there is an answer; an outage of one thread keeps all threads away from this vendor for a while."""
        for attempt in range(1, self.site.attempts + 1):
            try:
                return self._once(path, params, missing)
            except Outage as trouble:
                pause = self._pause(attempt, trouble)
                if attempt == self.site.attempts or pause > LONGEST_WAIT:
                    raise
                stay_away(self.site.base, pause)
        raise AssertionError  # pragma: no cover  attempts is at least 1

    def _pause(self, attempt: int, trouble: Outage) -> float:
        """Seconds to stay away: what the vendor said, else 1, 2, 4, ... and half as much again by chance."""
        said = trouble.facts.get("retry_after")
        grown = 2.0 ** (attempt - 1) * (1 + self._luck.random() / 2)
        return max(float(said), grown) if isinstance(said, int | float) else grown

    def _once(self, path: str, params: Mapping[str, str], missing: bool) -> Body | None:
        url, asked = self._address(path), dict(params)
        for _ in range(_HOPS):
            wait_turn(self.site.base, self.site.pace, self._sleep)
            found = self._step(url, asked, missing)
            if not isinstance(found, str):
                return found
            url, asked = found, {}
        raise Refused(f"{self.site.name} sends us round in circles.", "Look at its address in a browser.", site=self.site.name)

    def _address(self, path: str) -> str:
        """The whole address: `path` under the base, or `path` itself where it is one of this vendor's."""
        if path.startswith(("http://", "https://")):
            return self._allowed(path)
        return self.site.base.rstrip("/") + "/" + path.lstrip("/") if path else self.site.base

    def _step(self, url: str, params: Mapping[str, str], missing: bool) -> Body | str | None:
        """The body, None where it is missing and may be, or the address that we are sent to.

        The client's own errors name the address, and with it the key: they end here, outside any chain of causes.
        """
        import httpx

        until = time.monotonic() + self.site.deadline
        try:
            with self._client.stream("GET", url, params=dict(params) or None) as answer:
                if answer.status_code in _REDIRECTS:
                    return self._allowed(str(answer.headers.get("location", "")), answer.url)
                return self._answer(answer, missing, until)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            trouble = self._trouble(error)
        raise trouble

    def _allowed(self, address: str, seen_from: httpx.URL | None = None) -> str:
        """`address`, if it is of the same vendor and no less safe."""
        home, target = self._home, _joined(seen_from or self._home, address)
        if target is None:
            raise self._nowhere()
        safe = target.scheme == "https" or (target.scheme == "http" and home.scheme == "http")
        door = target.port == home.port or (target.scheme == "https" and target.port is None)
        if not safe or not door or target.host not in {home.host, *self.site.hosts}:
            where = f"{target.scheme}://{target.host}" + (f":{target.port}" if target.port else "")
            raise self._refused(f"sends us elsewhere, to {where}", "Nothing was read; see whether its address has changed.")
        return str(target)

    def _answer(self, answer: httpx.Response, missing: bool, until: float) -> Body | None:
        status = answer.status_code
        if status == 404 and missing:
            return None
        if status in _BUSY or (status >= 500 and status != _NEVER):
            raise Outage(
                f"{self.site.name} answered {status} ({_meaning(status)}).",
                "Try again later, or more slowly.",
                site=self.site.name,
                status=status,
                retry_after=_retry_after(answer.headers),
            )
        body = self._read(answer, until)
        if status != 200:
            raise self._refusal(status, body)
        return body

    def _read(self, answer: httpx.Response, until: float) -> Body:
        """The whole body, unpacked; never more than the cap of it comes into memory, nor later than the deadline."""
        declared, packed = answer.headers.get("content-length", ""), answer.headers.get("content-encoding", "identity")
        if declared.isdecimal() and int(declared[:15]) > self.site.size_cap:
            raise self._too_large()
        if packed.lower() not in {"identity", "gzip", "x-gzip"}:
            raise self._refused(
                f"packed its body as {packed[:20]!r}, which nobody asked for", "Look at its address in a browser."
            )
        gunzip, parts, size = Gunzip() if "gzip" in packed.lower() else None, list[bytes](), 0
        for raw in answer.iter_raw():
            if time.monotonic() > until:
                what = f"{self.site.name} took longer than {self.site.deadline:g} s for one answer."
                raise Outage(what, "Try again later.", site=self.site.name)
            part = self._unpacked(gunzip, raw, self.site.size_cap - size)
            size += len(part)
            if size > self.site.size_cap:
                raise self._too_large()
            parts.append(part)
        if gunzip and not gunzip.whole:
            raise self._half()
        kind = answer.headers.get("content-type", "")
        return Body(self.site.name, b"".join(parts), kind, self.site.secrets)

    def _unpacked(self, gunzip: Gunzip | None, raw: bytes, room: int) -> bytes:
        if gunzip is None:
            return raw
        try:
            return gunzip.feed(raw, room)
        except zlib.error:
            raise self._half() from None

    def _nowhere(self) -> Refused:
        return self._refused("sends us to an address that is none", "Nothing was read; try again another day.")

    def _too_large(self) -> Refused:
        megabytes = max(1, self.site.size_cap // MEGABYTE)
        what = f"sent more than {megabytes} MB and the rest was not read"
        return self._refused(what, "No answer of theirs is that large: look at it in a browser.")

    def _half(self) -> Outage:
        return Outage(f"{self.site.name} sent half a body.", "Nothing of it was used; try again.", site=self.site.name)

    def _refusal(self, status: int, body: Body) -> Refused:
        said = body.first_words()
        what = f"refused with {status} ({_meaning(status)})" + (f": {said}" if said else "")
        ways = {401: "Check the key.", 403: "Check the key, and that you say who you are.", 404: "Check the symbol's name there."}
        return self._refused(what, ways.get(status, "Check what was asked for."), status=status)

    def _refused(self, what: str, way_out: str, **facts: object) -> Refused:
        return Refused(
            f"{self.site.name} {scrubbed(what, self.site.secrets).rstrip('.')}.", way_out, site=self.site.name, **facts
        )

    def _trouble(self, error: Exception) -> Trouble:
        """The client's error in our words."""
        import httpx

        name, reason = self.site.name, scrubbed(str(error), self.site.secrets)[:120] or type(error).__name__
        if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
            return _no_address(name)
        if isinstance(error, httpx.TimeoutException):
            return Outage(f"{name} did not answer in time.", "Try again later.", site=name)
        if isinstance(error, httpx.RemoteProtocolError) and "location header" in reason:
            return self._nowhere()
        if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError):
            return Outage(f"{name} sent half a body or none ({reason}).", "Nothing of it was used; try again.", site=name)
        return Outage(f"{name} cannot be reached ({reason}).", "Check the network and its address.", site=name)


def _home(site: Site) -> httpx.URL:
    import httpx

    home = _joined(httpx.URL("http:"), site.base)
    if home is None or not site.base.startswith(("http://", "https://")) or not home.host:
        raise _no_address(site.name)
    return home


def _joined(start: httpx.URL, address: str) -> httpx.URL | None:
    """The address as seen from `start`, None where it is none."""
    import httpx

    try:
        return start.join(address)
    except httpx.InvalidURL:
        return None


def _no_address(name: str) -> WrongUse:
    return WrongUse(f"The address given for {name} is no http address.", "Write it as https://host.", site=name)


def _plain(value: str) -> str:
    """A header's value: printable ASCII, anything else as a question mark."""
    return "".join(sign if sign.isascii() and sign.isprintable() else "?" for sign in value)


def _retry_after(headers: httpx.Headers) -> float | None:
    """Seconds, from a header that says seconds or a date (by the vendor's own clock); None where it says neither."""
    words = headers.get("retry-after", "").strip()
    if words.isascii() and words.isdigit():
        return float(words[:9])
    try:
        return max(0.0, (parsedate_to_datetime(words) - parsedate_to_datetime(headers["date"])).total_seconds())
    except (TypeError, ValueError, KeyError):
        return None


def _meaning(status: int) -> str:
    from http import HTTPStatus

    try:
        return HTTPStatus(status).phrase.lower()
    except ValueError:
        return "no known status"
