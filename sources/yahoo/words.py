"""Yahoo's words for exchanges and currencies, in ours. A word that nobody has taught us is `Broken`, never a guess."""

from __future__ import annotations

from dataclasses import dataclass

from portfolio.errors import Broken

_US = {
    "ASE", "BTS", "CXI", "DJI", "NAS", "NCM", "NGM", "NIM", "NMS", "NYQ", "NYS", "OEM", "OGM", "OID", "OPI", "OQB", "OQX",
    "PCX", "PNK", "SNP",
}  # fmt: skip
_CALENDARS = {
    "AMS": "XAMS", "ASX": "XASX", "ATH": "ASEX", "BRU": "XBRU", "BSE": "XBOM", "BUE": "XBUE", "BVM": "XMEX", "CPH": "XCSE",
    "EBS": "XSWX", "FRA": "XFRA", "GER": "XETR", "HEL": "XHEL", "HKG": "XHKG", "IOB": "XLON", "ISE": "XDUB", "IST": "XIST",
    "JKT": "XIDX", "JNB": "XJSE", "JPX": "XTKS", "KLS": "XKLS", "KOE": "XKRX", "KSC": "XKRX", "LIS": "XLIS", "LSE": "XLON",
    "MCE": "XMAD", "MEX": "XMEX", "MIL": "XMIL", "NSI": "XNSE", "NZE": "XNZE", "OSL": "XOSL", "PAR": "XPAR", "PRA": "XPRA",
    "SAO": "BVMF", "SAU": "XSAU", "SES": "XSES", "SET": "XBKK", "SHH": "XSHG", "SHZ": "XSHE", "STO": "XSTO", "TAI": "XTAI",
    "TLV": "XTAE", "TOR": "XTSE", "TWO": "XTAI", "VAN": "XTSX", "VIE": "XWBO", "WSE": "XWAR", "CCC": "24/7", "CCY": "24/5",
}  # fmt: skip
_PARTS = {"GBp": ("GBP", 100), "GBX": ("GBP", 100), "ZAc": ("ZAR", 100), "ILA": ("ILS", 100), "KWF": ("KWD", 1000)}
_ISO = {
    "AED", "ARS", "AUD", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EGP", "EUR", "GBP", "HKD", "HUF",
    "IDR", "ILS", "INR", "ISK", "JPY", "KRW", "KWD", "MXN", "MYR", "NOK", "NZD", "PEN", "PHP", "PLN", "QAR", "RON",
    "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "USD", "VND", "ZAR",
}  # fmt: skip
_ELSEWHERE = "sources/yahoo/words.py"


@dataclass(frozen=True, slots=True)
class Exchange:
    """`prefix`: of the identity of what trades there; `calendar`: the calendar's name."""

    prefix: str
    calendar: str

    @property
    def new_york(self) -> bool:
        """Whether it keeps the sessions of XNYS."""
        return self.calendar == "XNYS"

    @property
    def always(self) -> bool:
        """Whether its day ends at midnight."""
        return self.calendar in {"24/7", "24/5"}

    def identity(self, symbol: str) -> str:
        """US:AAPL, XLON:OCDO (Yahoo's OCDO.L), CCC:BTC-USD."""
        root = symbol if self.new_york or self.always else symbol.rsplit(".", 1)[0]
        return f"{self.prefix}:{root}"


def exchange(word: str) -> Exchange:
    """The exchange that Yahoo calls `word` (exchangeName). All of the United States keep XNYS's sessions and are `US`."""
    if word in _US:
        return Exchange("US", "XNYS")
    if word not in _CALENDARS:
        raise Broken(f"Yahoo speaks of an exchange {word[:20]!a} that nobody has taught us.", f"Teach {_ELSEWHERE}.", word=word)
    calendar = _CALENDARS[word]
    return Exchange(word if calendar.startswith("24") else calendar, calendar)


def currency(word: str) -> tuple[str, int]:
    """The currency (ISO 4217) that Yahoo calls `word`, and how many of its units make one of that currency: pence are 100."""
    if word in _PARTS:
        return _PARTS[word]
    if word not in _ISO:
        raise Broken(f"Yahoo speaks of a currency {word[:20]!a} that nobody has taught us.", f"Teach {_ELSEWHERE}.", word=word)
    return word, 1
