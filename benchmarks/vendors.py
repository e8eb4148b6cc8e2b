"""Real sets that are held to be sound, as staged frames: LEAN, WIKI, Alpha Vantage, Yahoo of 2020, Stooq, skfolio."""

from __future__ import annotations

import gzip
import io
from bisect import bisect_left, bisect_right
from datetime import date, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from benchmarks.recordings import COLUMNS, Recording, bars, events, folder, members, read

if TYPE_CHECKING:
    import polars as pl

LEAN = ("AAPL", "AIG", "BAC", "EEM", "FB", "GOOG", "IBM", "IWM", "QQQ", "SPY")
WIKI = {"AAPL": "wiki_2018-03-27.zip", "MSFT": "wiki_2018-03-27.zip", "GE": "wiki_2018-01-05.zip"}
ALPHA = "etf_alphavantage_raw/alphavantage_unadjusted_2024-11-08.zip"
YAHOO = "yahoo_sp500_1999_2020/yahoo_2020-10-28.zip"
# The splits of the Alpha Vantage set's funds, as their issuers announced them.
ALPHA_SPLITS = {("QQQ", "2000-03-20"): 2, ("IWM", "2005-06-09"): 2, ("EFA", "2005-06-09"): 3, ("VWO", "2008-06-18"): 2}


def lean(symbol: str) -> Recording:
    """Unadjusted trades; actions and adjusted bars from the factor file (date, price factor, split factor, reference price)."""
    import polars as pl

    words = ["day", *COLUMNS]
    archive = f"lean/Data/equity/usa/daily/{symbol.lower()}.zip"
    raw = pl.read_csv(read(archive, f"{symbol.lower()}.csv"), has_header=False, new_columns=words)
    prices = [pl.col(c) / 10000 for c in COLUMNS[:4]]
    session = pl.col("day").str.slice(0, 8).str.to_date("%Y%m%d").alias("session")
    frame = raw.select(session, *prices, pl.col("volume").cast(pl.Float64))
    file = folder() / f"lean/Data/equity/usa/factor_files/{symbol.lower()}.csv"
    lines = [line.split(",") for line in file.read_text().splitlines()]
    factors = [(datetime.strptime(d, "%Y%m%d").date(), float(p), float(s), float(r)) for d, p, s, r in lines]
    sessions = frame["session"].to_list()
    told = dict(_lean_events(factors, sessions, frame["close"].to_list()))
    frame = frame.with_columns(
        pl.Series("split", [told.get(day, (0.0, 0.0))[0] for day in sessions]),
        pl.Series("dividend", [told.get(day, (0.0, 0.0))[1] for day in sessions]),
    )
    days = [row[0] for row in factors]
    used = [factors[min(bisect_left(days, day), len(days) - 1)] for day in sessions]
    factor = pl.Series("factor", [row[1] * row[2] for row in used])
    adjusted = frame.with_columns(*((pl.col(c) * factor).alias(c) for c in COLUMNS[:4]))
    return Recording(
        bars(frame, symbol, "lean", "raw"), bars(adjusted, symbol, "lean adjusted", "adjusted"), events(frame, symbol)
    )


def _lean_events(
    factors: list[tuple[date, float, float, float]], sessions: list[date], closes: list[float]
) -> list[tuple[date, tuple[float, float]]]:
    """(ex-session, (split, dividend)): a row's factors hold up to its date; the next session is the first without the right."""
    found = []
    for (day, price, split, _), (_, next_price, next_split, _) in pairwise(factors):
        at = bisect_right(sessions, day)
        if 0 < at < len(sessions):
            ratio = next_split / split if split else 1.0
            paid = closes[at - 1] * (1 - price / next_price) if next_price else 0.0
            found.append((sessions[at], (ratio if abs(ratio - 1) > 1e-9 else 0.0, paid if paid > 1e-4 else 0.0)))
    return found


def wiki(symbol: str) -> Recording:
    """Unadjusted, with split ratio, dividend and adjusted close in one row."""
    import polars as pl

    body = read(f"quandl_wiki/{WIKI[symbol]}", f"WIKI-{symbol}.csv")
    words = {**{c.title(): c for c in COLUMNS}, "Ex-Dividend": "dividend", "Split Ratio": "split", "Adj. Close": "adjusted"}
    frame = _numbers(pl.read_csv(io.BytesIO(body), infer_schema=False), "Date", words)
    shown = pl.col("adjusted") / pl.col("close")
    adjusted = frame.with_columns(*((pl.col(c) * shown).alias(c) for c in COLUMNS[:3]), pl.col("adjusted").alias("close"))
    return Recording(
        bars(frame, symbol, "wiki", "raw"), bars(adjusted, symbol, "wiki adjusted", "adjusted"), events(frame, symbol)
    )


def alpha_vantage() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Ten funds, unadjusted, and their splits."""
    import polars as pl

    frames = []
    for member in members(ALPHA):
        words = {f"{i + 1}. {c}": c for i, c in enumerate(COLUMNS)}
        frame = _numbers(pl.read_csv(read(ALPHA, member), infer_schema=False), "date", words)
        frames.append(bars(frame, member.removesuffix(".csv"), "alphavantage", "raw"))
    splits = [(symbol, date.fromisoformat(day), "split", float(ratio), None) for (symbol, day), ratio in ALPHA_SPLITS.items()]
    shape = {"instrument": pl.String, "ex_session": pl.Date, "kind": pl.String, "ratio": pl.Float64, "amount": pl.Float64}
    return pl.concat(frames), pl.DataFrame(splits, schema=shape, orient="row")


def yahoo_fund(symbol: str) -> pl.DataFrame:
    """session, price columns (splits taken out) and `adjusted` of a fund, under the header that names the wrong columns."""
    import polars as pl

    text = read("etf_yfinance_multiheader/yfinance_2025-09-26.zip", f"{symbol}.csv").decode()
    lines = [line for line in text.splitlines() if line[:2] in {"19", "20"}]
    words = ["day", "adjusted", "close", "high", "low", "open", "volume"]
    raw = pl.read_csv(io.StringIO("\n".join(lines)), has_header=False, new_columns=words, infer_schema=False)
    return _numbers(raw.with_columns(pl.col("day").str.slice(0, 10)), "day", {word: word for word in words[1:]})


def yahoo_symbols() -> list[str]:
    return [member.split("/")[1].removesuffix(".csv") for member in members(YAHOO)]


def yahoo(symbol: str) -> pl.DataFrame:
    """session, price columns (splits taken out) and `adjusted` (dividends too), as Yahoo gave them in October 2020."""
    import polars as pl

    words = {**{c.title(): c for c in COLUMNS}, "Adj Close": "adjusted"}
    return _numbers(pl.read_csv(read(YAHOO, f"stock_dfs/{symbol}.csv"), infer_schema=False), "Date", words)


def stooq(kind: str) -> pl.DataFrame:
    """Staged rows of `stocks` or `etfs`."""
    import polars as pl

    archive, frames = f"stooq_kaggle/{kind}.zip", []
    for member in members(archive):
        frame = _numbers(pl.read_csv(read(archive, member), infer_schema=False), "Date", {c.title(): c for c in COLUMNS})
        frames.append(bars(frame, member.split("/")[1].split(".")[0].upper(), "stooq", "adjusted"))
    return pl.concat(frames)


def skfolio() -> pl.DataFrame:
    """instrument, session, close of twenty stocks, dividends taken out."""
    import polars as pl

    wide = pl.read_csv(gzip.decompress((folder() / "skfolio/sp500_dataset.csv.gz").read_bytes()))
    long = wide.unpivot(index="Date", variable_name="instrument", value_name="close")
    return long.select("instrument", pl.col("Date").str.to_date().alias("session"), pl.col("close").cast(pl.Float64)).drop_nulls()


def _numbers(raw: pl.DataFrame, day: str, words: dict[str, str]) -> pl.DataFrame:
    """`session` and the named columns as numbers, sessions ascending."""
    import polars as pl

    numbers = [pl.col(theirs).cast(pl.Float64, strict=False).alias(ours) for theirs, ours in words.items()]
    return raw.select(pl.col(day).str.to_date().alias("session"), *numbers).sort("session")
