"""The current reports (8-K) of a company as a dated feed of events: one row a filing and item."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from portfolio.errors import Broken
from portfolio.schema import NEWS
from sources.edgar.filings import Filer, Filing, known, published
from sources.frames import staged_schema

ITEMS: dict[str, str] = {
    "1.01": "Entry into a material definitive agreement",
    "1.02": "Termination of a material definitive agreement",
    "1.03": "Bankruptcy or receivership",
    "1.04": "Mine safety: shutdowns and patterns of violations",
    "1.05": "Material cybersecurity incidents",
    "2.01": "Completion of acquisition or disposition of assets",
    "2.02": "Results of operations and financial condition",
    "2.03": "Creation of a direct financial obligation or an obligation under an off-balance sheet arrangement",
    "2.04": "Triggering events that accelerate or increase a financial obligation",
    "2.05": "Costs associated with exit or disposal activities",
    "2.06": "Material impairments",
    "3.01": "Notice of delisting or failure to satisfy a listing rule; transfer of listing",
    "3.02": "Unregistered sales of equity securities",
    "3.03": "Material modification to rights of security holders",
    "4.01": "Changes in registrant's certifying accountant",
    "4.02": "Non-reliance on previously issued financial statements",
    "5.01": "Changes in control of registrant",
    "5.02": "Departure or election of directors or certain officers; compensatory arrangements",
    "5.03": "Amendments to articles or bylaws; change in fiscal year",
    "5.04": "Temporary suspension of trading under employee benefit plans",
    "5.05": "Amendments to the code of ethics, or waiver of a provision",
    "5.06": "Change in shell company status",
    "5.07": "Submission of matters to a vote of security holders",
    "5.08": "Shareholder director nominations",
    "6.01": "ABS informational and computational material",
    "6.02": "Change of servicer or trustee",
    "6.03": "Change in credit enhancement or other external support",
    "6.04": "Failure to make a required distribution",
    "6.05": "Securities Act updating disclosure",
    "6.06": "Static pool",
    "6.10": "Alternative filings of asset-backed issuers",
    "7.01": "Regulation FD disclosure",
    "8.01": "Other events",
    "9.01": "Financial statements and exhibits",
    # before 2004-08-23
    "1": "Changes in control of registrant",
    "2": "Acquisition or disposition of assets",
    "3": "Bankruptcy or receivership",
    "4": "Changes in registrant's certifying accountant",
    "5": "Other events",
    "6": "Resignations of registrant's directors",
    "7": "Financial statements and exhibits",
    "8": "Change in fiscal year",
    "9": "Regulation FD disclosure",
    "10": "Amendments to the code of ethics, or waiver of a provision",
    "11": "Temporary suspension of trading under employee benefit plans",
    "12": "Results of operations and financial condition",
    "13": "Receipt of an attorney's written notice",
}
ARCHIVES = "https://www.sec.gov/Archives/edgar/data"


def events(ticker: str, filer: Filer, listed: Sequence[Filing]) -> pl.DataFrame:
    """Rows of `news` without `source`: `published` is the acceptance, an amended report says so in its headline.

    Of two filings that say the same in the same second the first stays.
    """
    rows = [row for filing in listed if filing.form.startswith("8-K") and filing.filed for row in _rows(ticker, filer, filing)]
    schema = {name: kind for name, kind in staged_schema(NEWS).items() if name != "source"}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.unique(["published", "headline"], keep="first", maintain_order=True)


def _rows(ticker: str, filer: Filer, filing: Filing) -> Iterator[dict[str, Any]]:
    for item in dict.fromkeys(filing.items):
        if item not in ITEMS:
            what = f"The filing {filing.accession} has an item {item[:20]!r} of an 8-K that nobody has taught us."
            raise Broken(what, "Teach it to sources/edgar/events.py.", item=item)
        assert filing.filed is not None
        yield {
            "instrument": f"US:{ticker}",
            "symbol": ticker,
            "published": published(filing.filed, filing.accepted),
            "kind": "filing",
            "headline": ITEMS[item] + (" (amended)" if filing.form.endswith("/A") else ""),
            "item": item,
            "publisher": filer.name or None,
            "url": _address(filer, filing),
            "sentiment": None,
            "known_at": known(filing.filed, filing.accepted),
        }


def _address(filer: Filer, filing: Filing) -> str | None:
    if filer.cik is None:
        return None
    folder = f"{ARCHIVES}/{filer.cik}/{filing.accession.replace('-', '')}"
    return f"{folder}/{filing.document}" if filing.document else f"{folder}/{filing.accession}.txt"
