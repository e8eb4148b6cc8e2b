"""Where the documents of a company stand: in files that somebody downloaded, or on the SEC's own site."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from portfolio.errors import Refused, WrongUse
from sources.edgar.document import document
from sources.edgar.filings import Filer, Filing, filer, filings

if TYPE_CHECKING:
    from sources.bodies import Body
    from sources.port import Access
    from sources.web import Site, Web

PACE = 5.0  # requests a second; the SEC bears 10 from one address
DATA = "https://data.sec.gov"
TICKERS = "https://www.sec.gov/files/company_tickers.json"
_LABEL = re.compile(r"CIK\d{10}_([A-Z][A-Z0-9.\-]{0,9})\.json")
_TICKER = re.compile(r"[A-Z0-9][A-Z0-9.\-]{0,9}")
_PART = re.compile(r"CIK\d{10}-submissions-\d{3}\.json")


class Shelf(Protocol):
    """`kinds`: the datasets its documents serve. A document comes with the name that a message gives it."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Of fundamentals, news, identifiers."""

    def tickers(self) -> tuple[str, ...]:
        """Whom it has documents of."""

    def facts(self, ticker: str) -> tuple[dict[str, Any], str] | None:
        """The companyfacts of a company; None where the SEC has none (a fund)."""

    def filer(self, ticker: str) -> Filer | None:
        """Who the company is; None where no submissions are there."""

    def filings(self, ticker: str, since: date | None) -> Sequence[Filing]:
        """Its filings from `since` on (earlier ones may be among them)."""


@dataclass(frozen=True)
class Disk:
    """Files of one company. The ticker comes from `symbol`, else from the file itself, else from the submissions file, else
    from a label in the file's name (CIK0000320193_AAPL.json): companyfacts names only the CIK.
    """

    file: Path  # companyfacts or submissions
    symbol: str | None = None
    submissions: Path | None = None

    @cached_property
    def _body(self) -> dict[str, Any]:
        return document(self.file)

    @cached_property
    def _listing(self) -> tuple[dict[str, Any], str] | None:
        """The submissions document: its own file, or `file` itself."""
        if self.submissions:
            return document(self.submissions), self.submissions.name
        is_one = "facts" not in self._body and ("filings" in self._body or "accessionNumber" in self._body)
        return (self._body, self.file.name) if is_one else None

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        facts = () if self._listing and self._listing[0] is self._body else ("fundamentals",)
        return (*facts, *(("news", "identifiers") if self._listing else ()))

    @cached_property
    def ticker(self) -> str:
        """`Refused` where nothing names the company, or what names it is no ticker."""
        inside = (self._body.get("tickers") or [None])[0] if isinstance(self._body.get("tickers"), list) else None
        label = _LABEL.search(self.file.name)
        beside = filer(*self._listing).tickers if self._listing else ()
        found = self.symbol or inside or self._body.get("ticker") or (beside[0] if beside else None) or (label and label[1])
        if not isinstance(found, str) or not _TICKER.fullmatch(found):
            entity = str(self._body.get("entityName") or self._body.get("name") or "the company")[:80]
            what = f"The file {self.file.name} does not say the ticker of {entity.rstrip('.')}."
            raise Refused(what, "Give it with --symbols.", file=str(self.file))
        return found.replace("-", ".")

    def tickers(self) -> tuple[str, ...]:
        return (self.ticker,)

    def facts(self, ticker: str) -> tuple[dict[str, Any], str] | None:
        return self._body, self.file.name

    def filer(self, ticker: str) -> Filer | None:
        return filer(*self._listing) if self._listing else None

    def filings(self, ticker: str, since: date | None) -> Sequence[Filing]:
        return filings(*self._listing) if self._listing else ()


class Sec:
    """The SEC's site. It answers only those who say who they are, and slowly enough; each document is fetched once."""

    kinds = ("fundamentals", "news", "identifiers")

    def __init__(self, access: Access) -> None:
        if "@" not in access.contact or not (access.contact.isascii() and access.contact.isprintable()):
            what = "The SEC answers only those who say who they are, and TRIMTAB_CONTACT does not."
            way_out = 'Set TRIMTAB_CONTACT to a name and mail address ("Jo Doe jo@doe.org"), or name a file with --from-file.'
            raise WrongUse(what, way_out, setting="TRIMTAB_CONTACT")
        self._access = access
        self._kept: dict[str, Any] = {}

    @cached_property
    def _web(self) -> Web:
        from sources.web import Web

        return Web(site(self._access))

    @cached_property
    def _ciks(self) -> dict[str, int]:
        address = f"{self._access.url.rstrip('/')}/files/company_tickers.json" if self._access.url else TICKERS
        body = self._web.get(address)
        try:
            return {str(each["ticker"]).replace("-", "."): int(each["cik_str"]) for each in body.json().values()}
        except (AttributeError, KeyError, TypeError, ValueError) as trouble:
            raise body.wrong(f"sent no list of tickers ({type(trouble).__name__}: {str(trouble)[:60]})") from trouble

    def tickers(self) -> tuple[str, ...]:
        return tuple(self._ciks)

    def facts(self, ticker: str) -> tuple[dict[str, Any], str] | None:
        name = f"CIK{self._ciks[ticker]:010d}.json"
        found = self._web.find(f"/api/xbrl/companyfacts/{name}")
        return None if found is None else (_object(found), name)

    def filer(self, ticker: str) -> Filer | None:
        return filer(*self._submissions(ticker))

    def filings(self, ticker: str, since: date | None) -> Sequence[Filing]:
        body, name = self._submissions(ticker)
        wanted = [part for part, last in filer(body, name).older if since is None or last >= since]
        return [*filings(body, name), *(each for part in wanted for each in filings(self._part(part), part))]

    def _submissions(self, ticker: str) -> tuple[dict[str, Any], str]:
        name = f"CIK{self._ciks[ticker]:010d}.json"
        return self._once(f"/submissions/{name}"), name

    def _part(self, name: str) -> dict[str, Any]:
        if not _PART.fullmatch(name):
            raise Refused(f"SEC EDGAR names an older file {name[:60]!r}.", "Nothing of it was used.", site="SEC EDGAR")
        return self._once(f"/submissions/{name}")

    def _once(self, path: str) -> dict[str, Any]:
        if path not in self._kept:
            self._kept[path] = _object(self._web.get(path))
        return self._kept[path]


def site(access: Access) -> Site:
    """The SEC's address, or that of a mirror; its pace, and who we say we are."""
    from sources.web import Site

    says = {"User-Agent": access.contact}
    return Site("SEC EDGAR", access.url or DATA, PACE, says, hosts=("www.sec.gov", "data.sec.gov"))


def _object(body: Body) -> dict[str, Any]:
    found = body.json()
    if not isinstance(found, dict):
        raise body.wrong(f"sent a {type(found).__name__} and no JSON object")
    return found
