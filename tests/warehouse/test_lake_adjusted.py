"""Adjusted prices from files of vendors, through the real lake, against each vendor's own: its rule is the answer.

Two formulas are in the field for a dividend D between the closes P of the session before and C of the ex-session:

- 1 - D / P: Yahoo's ("CRSP multipliers"), LEAN's, and ours: known at the open of the ex-session;
- C / (C + D): WIKI's and Tiingo's, as if it were paid into the close of the ex-session: CRSP's total return (C + D) / P.

They differ by D / P times the return of that one day. So WIKI's and Tiingo's series are met to 1e-6 where each dividend is told as
what our formula takes for the same factor, and to the second order, said in figures, with the dividends as they are.
"""

from __future__ import annotations

import csv
import io
import os
import zipfile
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from warehouse_rows import load, price, when

from sources import open_source

SHARED = Path(os.environ.get("TRIMTAB_SHARED_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
LATE = datetime(2026, 6, 1, tzinfo=UTC)
USA = SHARED / "lean" / "Data" / "equity" / "usa"


@pytest.fixture
def shared():
    if not SHARED.is_dir():
        pytest.skip(f"no recordings at {SHARED} (TRIMTAB_SHARED_DATA)")
    return SHARED


def ingest(lake, source, actions=None):
    """Prices and actions of a source (or these actions in their place), merged as an ingest does it."""
    frames = {"prices": source.read("prices")}
    if "corporate_actions" in source.datasets:
        frames["corporate_actions"] = source.read("corporate_actions") if actions is None else actions
    with lake.transaction(run="files", at=LATE) as tx:
        for table, frame in frames.items():
            tx.merge(table, tx.identify(table, tx.stage(table, frame), source.speaks))


def adjusted(lake, instrument):
    """session -> adjusted close."""
    sql = f"SELECT session, close FROM prices_adjusted WHERE instrument = '{instrument}' ORDER BY session"
    return dict(lake.query(sql)[1])


def apart(ours, theirs):
    """The largest relative difference, over the sessions of both; they must be the same sessions."""
    assert list(ours) == sorted(theirs)
    return max(abs(ours[day] / theirs[day] - 1) for day in theirs)


# -------------------------------------------------------------------- LEAN
def factor_file(ticker):
    """LEAN's own rule: the first line whose day is not before the bar's holds."""
    lines = [line.split(",") for line in (USA / "factor_files" / f"{ticker}.csv").read_text().split()]
    return [(datetime.strptime(day, "%Y%m%d").date(), float(price) * float(split)) for day, price, split, _ in lines]


def told_by_lean(ticker, since):
    with zipfile.ZipFile(USA / "daily" / f"{ticker}.zip") as archive:
        rows = list(csv.reader(io.TextIOWrapper(archive.open(f"{ticker}.csv"))))
    closes = {datetime.strptime(row[0][:8], "%Y%m%d").date(): int(row[4]) / 10_000 for row in rows}
    factors = factor_file(ticker)
    last = max(closes)
    now = next(factor for day, factor in factors if day >= last)
    return {d: c * next(f for day, f in factors if day >= d) / now for d, c in closes.items() if d >= since}


@pytest.mark.shared
def test_leans_factor_files_are_met_to_a_millionth(lake, shared):
    ingest(lake, open_source("files", USA / "daily", layout="lean"))
    firsts = {"bac": date(1998, 10, 1), "eem": date(2003, 4, 11), "goog": date(2014, 4, 3), "fb": date(2012, 5, 18)}
    for ticker in ("aapl", "aig", "bac", "ibm", "spy", "iwm", "eem", "goog", "fb"):
        theirs = told_by_lean(ticker, firsts.get(ticker, date(1998, 1, 1)))
        assert len(theirs) > 1_500
        assert apart(adjusted(lake, f"US:{ticker.upper()}"), theirs) < 1e-6, ticker
    # QQQ was QQQQ from 2004-12 to 2011-03, and that file is not here: 25 dividends have no close of the session before.
    assert 1e-3 < apart(adjusted(lake, "US:QQQ"), told_by_lean("qqq", date(1998, 1, 1))) < 1e-2


@pytest.mark.shared
def test_a_ticker_that_another_company_had_before_is_another_series(lake, shared):
    """The map files: BAC was BankAmerica until 1998-09-30, GOOG was today's GOOGL until 2014-04-02, FB another firm until 2003."""
    ingest(lake, open_source("files", USA / "daily", layout="lean"))
    rows = lake.query(
        "SELECT instrument, min(session), max(session) FROM prices WHERE symbol IN ('BAC', 'GOOG', 'FB') GROUP BY 1 ORDER BY 1"
    )[1]
    assert rows == [
        ("US:BAC", date(1998, 10, 1), date(2021, 3, 31)),
        ("US:BAC.0", date(1998, 1, 2), date(1998, 9, 30)),
        ("US:FB", date(2012, 5, 18), date(2021, 3, 31)),
        ("US:FB.1", date(1999, 9, 29), date(2003, 3, 28)),
        ("US:GOOG", date(2014, 4, 3), date(2021, 3, 31)),
        ("US:GOOG.0", date(2004, 8, 19), date(2014, 4, 2)),
    ]


@pytest.mark.shared
def test_the_reverse_split_of_aig_is_one_for_twenty(shared):
    told = open_source("files", USA / "factor_files" / "aig.csv", layout="lean").read("corporate_actions")
    found = told.filter(pl.col("ex_session") == date(2009, 7, 1)).select("kind", "ratio").rows()
    assert found == [("split", pytest.approx(1 / 20, rel=1e-5))]


# -------------------------------------------------------------------- WIKI and Tiingo
WIKI = {
    "AAPL": "wiki_2018-03-27.zip", "MSFT": "wiki_2018-03-27.zip", "GE": "wiki_2018-01-05.zip",
    "AIG": "WIKI-AIG-2008-quandl.csv", "IBM": "WIKI-IBM-2008-quandl.csv", "ORCL": "WIKI-ORCL-2000-quandl.csv",
}  # fmt: skip


# The largest difference that the two formulas make over a whole series; ORCL paid nothing.
SECOND_ORDER = {
    ("wiki", "AAPL"): 2.49e-4, ("wiki", "MSFT"): 2.33e-3, ("wiki", "GE"): 1.52e-3, ("wiki", "AIG"): 3.73e-4,
    ("wiki", "IBM"): 2.80e-4, ("wiki", "ORCL"): 0.0, ("tiingo", "AAPL"): 1.16e-4, ("tiingo", "SPY"): 2.16e-4,
}  # fmt: skip


def told_by(layout, symbol):
    """The vendor's rows, oldest first, and the source over its file."""
    file = SHARED / "quandl_wiki" / WIKI[symbol] if layout == "wiki" else SHARED / "tiingo" / f"{symbol}.csv"
    rows = wiki_rows(symbol) if layout == "wiki" else tiingo_rows(symbol)
    return rows, open_source("files", file, layout=layout)


def wiki_rows(symbol):
    file = SHARED / "quandl_wiki" / WIKI[symbol]
    if file.suffix == ".csv":
        text = file.read_text()
    else:
        with zipfile.ZipFile(file) as archive:
            text = archive.read(f"WIKI-{symbol}.csv").decode()
    names = {"day": "Date", "close": "Close", "dividend": "Ex-Dividend", "split": "Split Ratio", "adjusted": "Adj. Close"}
    return _oldest_first(text, names, "%Y-%m-%d")


def tiingo_rows(symbol):
    names = {"day": "date", "close": "close", "dividend": "divCash", "split": "splitFactor", "adjusted": "adjClose"}
    return _oldest_first((SHARED / "tiingo" / f"{symbol}.csv").read_text(), names, "%d/%m/%Y")


def _oldest_first(text, names, form):
    rows = [{ours: row[theirs] for ours, theirs in names.items()} for row in csv.DictReader(io.StringIO(text))]
    for row in rows:
        row["day"] = datetime.strptime(row["day"], form).date()
        row |= {name: float(row[name]) for name in row if name != "day"}
    return sorted(rows, key=lambda row: row["day"])


def relative(rows):
    """The vendor's adjusted closes, its last at its raw close."""
    scale = rows[-1]["close"] / rows[-1]["adjusted"]
    return {row["day"]: row["adjusted"] * scale for row in rows}


def rebuilt(source, rows):
    """The source's actions with each dividend as the amount that gives the vendor's factor in our formula."""
    before = {row["day"]: last["close"] for last, row in pairwise(rows)}
    now = {row["day"]: row for row in rows}

    def amount(day, paid):
        close, split = now[day]["close"], now[day]["split"]
        return before[day] / split * paid / (close * split + paid)

    told = source.read("corporate_actions").filter(pl.col("ex_session") > rows[0]["day"])
    amounts = [a if k == "split" else amount(d, a) for d, k, a in told.select("ex_session", "kind", "amount").rows()]
    return told.with_columns(pl.Series("amount", amounts, dtype=pl.Float64))


def by_the_close_before(rows):
    """Ours, worked out by numpy from the vendor's rows."""
    close = np.array([row["close"] for row in rows])
    steps = [(1 - row["dividend"] * row["split"] / last["close"]) / row["split"] for last, row in pairwise(rows)]
    factors = np.concatenate([np.cumprod(steps[::-1])[::-1], [1.0]])
    return dict(zip([row["day"] for row in rows], close * factors, strict=True))


@pytest.mark.shared
@pytest.mark.parametrize(("layout", "symbol"), SECOND_ORDER)
def test_a_vendors_adjusted_close_is_ours_to_a_millionth(lake, shared, layout, symbol):
    rows, source = told_by(layout, symbol)
    ingest(lake, source, rebuilt(source, rows))
    assert apart(adjusted(lake, f"US:{symbol}"), relative(rows)) < 1e-6


@pytest.mark.shared
@pytest.mark.parametrize(("layout", "symbol"), SECOND_ORDER)
def test_with_the_dividends_as_they_are_only_the_formula_differs(lake, shared, layout, symbol):
    rows, source = told_by(layout, symbol)
    ingest(lake, source)
    ours = adjusted(lake, f"US:{symbol}")
    assert apart(ours, by_the_close_before(rows)) < 1e-9
    assert apart(ours, relative(rows)) == pytest.approx(SECOND_ORDER[layout, symbol], rel=0.02, abs=1e-12)


# -------------------------------------------------------------------- raw bars of one vendor, adjusted ones of another
RAW, YAHOO = "etf_alphavantage_raw/alphavantage_unadjusted_2024-11-08.zip", "etf_yfinance_multiheader/yfinance_2025-09-26.zip"
SPLITS = {"QQQ": (date(2000, 3, 20), 2), "IWM": (date(2005, 6, 9), 2), "EFA": (date(2005, 6, 9), 3)}
MILL = 0.001  # dividends of funds have three decimals


def both(symbol):
    """(session, raw close, Yahoo's close adjusted for splits, its adjusted close) of the sessions that both have."""
    with zipfile.ZipFile(SHARED / RAW) as archive:
        raw = pl.read_csv(archive.read(f"{symbol}.csv"), try_parse_dates=True).select(session="date", raw="4. close")
    with zipfile.ZipFile(SHARED / YAHOO) as archive:
        body = b"\n".join(archive.read(f"{symbol}.csv").splitlines()[4:])
    words = ["day", "adjusted", "split_adjusted", "high", "low", "open", "volume"]
    told = pl.read_csv(body, has_header=False, new_columns=words)
    theirs = told.select(pl.col("day").str.slice(0, 10).str.to_date().alias("session"), "split_adjusted", "adjusted")
    return raw.join(theirs, on="session").sort("session")


def happened(joined):
    """(ex-session, split ratio or None, dividend or None) out of the steps between the three closes."""
    days, raw, mid, low = (joined[name].to_list() for name in ("session", "raw", "split_adjusted", "adjusted"))
    for n in range(1, len(days)):
        ratio = (raw[n - 1] / mid[n - 1]) / (raw[n] / mid[n])
        if abs(ratio - 1) > 0.2:
            yield days[n], ratio, None
        paid = mid[n - 1] * (1 - (low[n - 1] / mid[n - 1]) / (low[n] / mid[n])) * round(raw[n] / mid[n])
        if paid > MILL:
            yield days[n], None, paid


@pytest.mark.shared
@pytest.mark.parametrize("symbol", ["AGG", "EFA", "GLD", "IWM", "QQQ", "SPY", "TLT", "VNQ"])
def test_of_raw_and_adjusted_bars_splits_and_dividends_come_out_and_give_the_adjusted_ones_again(lake, shared, symbol):
    joined = both(symbol)
    told = list(happened(joined))
    splits = [(day, ratio) for day, ratio, _ in told if ratio]
    assert splits == ([(SPLITS[symbol][0], pytest.approx(SPLITS[symbol][1], rel=1e-3))] if symbol in SPLITS else [])
    paid = np.array([amount for *_, amount in told if amount])
    assert (len(paid) == 0) == (symbol == "GLD"), "gold pays nothing"
    off = np.abs(paid / MILL - np.round(paid / MILL))
    assert np.all(off < 0.2), "each is a whole number of mills, which no chance gives"
    here = {"instrument": f"US:{symbol}", "symbol": symbol, "currency": "USD", "source": "alphavantage", "known_at": when(0)}
    kinds = [("split", round(ratio), None) if ratio else ("dividend", None, round(amount, 3)) for _, ratio, amount in told]
    actions = [here | {"ex_session": t[0], "kind": k, "ratio": r, "amount": a} for t, (k, r, a) in zip(told, kinds, strict=True)]
    ingest(lake, open_source("files", shared / RAW, layout="alphavantage"))
    load(lake, "corporate_actions", actions)
    ours, raw = adjusted(lake, f"US:{symbol}"), joined["raw"].to_list()
    theirs = joined["adjusted"] / joined["adjusted"][-1] * raw[-1]
    worst = np.array([abs(ours[day] / level - 1) for day, level in zip(joined["session"], theirs, strict=True)])
    assert np.median(worst) < 2e-5
    assert np.quantile(worst, 0.95) < 1.5e-4, "the rest are days on which the two vendors have another close"


# -------------------------------------------------------------------- what happens to a holding
DAYS = [date(2020, 1, 6), date(2020, 1, 7), date(2020, 1, 8), date(2020, 1, 9)]
EVENTS = {
    "a split of a hundred for one": ((700.0, 7.0), [("split", 100.0, None)]),
    "a reverse split of one for twenty": ((1.5, 30.0), [("split", 0.05, None)]),
    "a special dividend of a third": ((90.0, 60.0), [("dividend", None, 30.0)]),
    "a spin-off of a tenth": ((50.0, 45.0), [("spin_off", None, 5.0)]),
    "a split and a dividend on one day": ((100.0, 48.0), [("split", 2.0, None), ("dividend", None, 2.0)]),
    "a dividend and a spin-off on one day": ((100.0, 70.0), [("dividend", None, 10.0), ("spin_off", None, 20.0)]),
}


def happens(kind, ratio, amount, source="test"):
    day = {"instrument": "A", "symbol": "A", "ex_session": DAYS[2], "source": source, "known_at": when(0)}
    return day | {"kind": kind, "ratio": ratio, "amount": amount, "currency": "USD"}


@pytest.mark.parametrize(("levels", "events"), EVENTS.values(), ids=EVENTS)
def test_value_is_continuous_within_a_thousandth_over(lake, levels, events):
    """Worth nothing more and nothing less after it: the return of the ex-session is zero, and so is all before."""
    before, after = levels
    load(lake, "prices", [price("A", day, level) for day, level in zip(DAYS, (before, before, after, after), strict=True)])
    load(lake, "corporate_actions", [happens(*event) for event in events])
    closes = np.array(list(adjusted(lake, "A").values()))
    assert np.abs(closes[1:] / closes[:-1] - 1).max() < 1e-3 and closes[-1] == after


def test_a_split_that_two_vendors_tell_and_an_adjusted_series_has_is_applied_once(lake):
    load(lake, "prices", [price("A", day, close) for day, close in zip(DAYS, (700.0, 700.0, 7.0, 7.0), strict=True)])
    load(lake, "prices", [price("A", day, 7.0, source="other", adjustment="adjusted") for day in DAYS])
    load(lake, "corporate_actions", [happens("split", 100.0, None, source) for source in ("test", "other")])
    rows = lake.query("SELECT source, close FROM prices_adjusted ORDER BY ALL")[1]
    assert rows == [("other", 7.0)] * 4 + [("test", 7.0)] * 4


def test_a_rename_and_a_delisting_after_the_last_session_move_no_price(lake):
    """Merged into cash at 11 a share: the payment comes after the last price, and the history stays as dealt."""
    load(lake, "prices", [price("A", day, 10.0) for day in DAYS[:3]])
    paid = happens("delisting", None, 11.0) | {"ex_session": DAYS[3]}
    load(lake, "corporate_actions", [happens("rename", None, None), paid])
    assert adjusted(lake, "A") == dict.fromkeys(DAYS[:3], 10.0)
