"""Answers of Yahoo's chart and of Stooq, written by hand in the vendors' own shape."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

CHART = "/v8/finance/chart/"
STOOQ = "/q/d/l/"
NOT_FOUND = {"chart": {"result": None, "error": {"code": "Not Found", "description": "No data found, symbol may be delisted"}}}
WEEK = tuple(date(2020, 8, 26) + timedelta(days=n) for n in (0, 1, 2, 5, 6))  # AAPL split 4:1 on Monday, 2020-08-31


def at(day: date, hour: time = time(9, 30), zone: str = "America/New_York") -> int:
    """Seconds of that hour of that day there."""
    return int(datetime.combine(day, hour, ZoneInfo(zone)).timestamp())


def chart(
    symbol: str,
    closes: Sequence[float | None],
    days: Sequence[date] = WEEK,
    *,
    splits: dict[date, str] | None = None,
    dividends: dict[date, float] | None = None,
    opens: time = time(9, 30),
    **meta: Any,
) -> dict[str, Any]:
    """A whole answer. Bars open and end at the close, a hundredth above and below at their extremes; volume is 1000 times n."""
    told = {
        "currency": "USD",
        "symbol": symbol,
        "exchangeName": "NMS",
        "instrumentType": "EQUITY",
        "regularMarketTime": at(days[-1], time(16)),
        "exchangeTimezoneName": "America/New_York",
        "regularMarketPrice": closes[-1],
        "currentTradingPeriod": {"regular": {"start": at(days[-1]), "end": at(days[-1], time(16))}},
        "dataGranularity": "1d",
    } | meta
    zone = told["exchangeTimezoneName"]
    quote = {
        "open": list(closes),
        "close": list(closes),
        "high": [None if each is None else each * 1.01 for each in closes],
        "low": [None if each is None else each * 0.99 for each in closes],
        "volume": [None if each is None else 1000 * n for n, each in enumerate(closes, 1)],
    }
    events = {
        "splits": {str(at(day, opens, zone)): split(at(day, opens, zone), words) for day, words in (splits or {}).items()},
        "dividends": {str(at(d, opens, zone)): {"amount": v, "date": at(d, opens, zone)} for d, v in (dividends or {}).items()},
    }
    times = [at(day, opens, zone) for day in days]
    result = {"meta": told, "timestamp": times, "events": events, "indicators": {"quote": [quote], "adjclose": [{}]}}
    return {"chart": {"result": [result], "error": None}}


def split(when: int, words: str) -> dict[str, Any]:
    new, old = words.split(":")
    return {"date": when, "numerator": float(new), "denominator": float(old), "splitRatio": words}


AAPL = chart("AAPL", [126.5225, 125.01, 124.8075, 129.04, 134.18], splits={WEEK[3]: "4:1"}, dividends={WEEK[1]: 0.205})
MSFT = chart("MSFT", [221.15, 226.58, 228.91, 225.53, 227.27], dividends={WEEK[2]: 0.51, WEEK[4]: 0.25}, splits={WEEK[0]: "2:1"})
AAPL_CSV = """Date,Open,High,Low,Close,Volume\r
2020-08-26,125.24,125.96,124.13,124.55,169118848\r
2020-08-27,125.19,125.52,122.88,123.04,161063420\r
2020-08-28,124.06,124.49,122.64,122.84,193092880\r
2020-08-31,125.59,128.94,124.02,127.02,232949700\r
2020-09-01,130.69,132.7,128.5,132.09,156822900\r
"""
MSFT_CSV = AAPL_CSV.replace("12", "21")
