"""Indicators of 500 symbols over 20 years in DuckDB, beside polars and pandas of the same run; ratios of 1,000 companies.

The peers make the thirteen indicators that a rolling function of theirs gives; they know nothing of missing bars, of long
windows or of what could be known when. pandas has its prices laid out wide, sessions by symbols. CPU seconds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SYMBOLS, SESSIONS, FIRMS, QUARTERS = 500, 5040, 1000, 60
SPREAD, FALL = "spread_corwin_schultz_21d", "max_drawdown_252d"


def main() -> None:
    import duckdb
    import numpy as np

    from warehouse.indicators import INDICATORS

    con = duckdb.connect()
    _bars(con)
    common = tuple(name for name in INDICATORS if name not in {SPREAD, FALL})
    found: dict[str, Any] = {}
    with _timed(f"ours, the {len(INDICATORS)} of the warehouse"):
        _ours(con, tuple(INDICATORS))
    for who, made in (("ours", lambda: _ours(con, common)), ("polars", _polars(con)), ("pandas, wide", _pandas(con))):
        with _timed(f"{who}, {len(common)} in common"):
            found[who] = made()
    for who in ("polars", "pandas, wide"):
        pairs = [(found[who][name], found["ours"][name]) for name in common]
        apart = max(float(np.nanmax(np.abs(theirs - ours) / (np.abs(ours) + 1e-12))) for theirs, ours in pairs)
        print(f"  {who} and ours differ by {apart:.0e} at most", flush=True)
    _ratios(con)


@contextmanager
def _timed(what: str) -> Iterator[None]:
    began = time.process_time()
    yield
    print(f"  {what:<40} {time.process_time() - began:7.2f} CPU s", flush=True)


def _bars(con: Any) -> None:
    con.execute("SELECT setseed(0.5)")
    con.execute(f"""
    CREATE TABLE bars AS
    SELECT s::INTEGER AS position, d AS session, c AS close, c * (1 + 0.01 * random()) AS high, c * (1 - 0.01 * random()) AS low,
      1e6 * (0.5 + random()) AS volume, c AS raw_close, 1e6 AS raw_volume, 'raw' AS adjustment, NULL::DOUBLE AS market
    FROM (SELECT s, DATE '2003-01-06' + (t // 5 * 7 + t % 5)::INTEGER AS d,
            100 * exp(sum(0.04 * (random() - 0.5)) OVER (PARTITION BY s ORDER BY t)) AS c
          FROM range({SYMBOLS}) a (s), range({SESSIONS}) b (t)) ORDER BY 1, 2""")
    con.execute(
        "UPDATE bars SET raw_volume = bars.volume, market = m.close FROM bars m WHERE m.position = 0 AND m.session = bars.session"
    )


def _ours(con: Any, names: tuple[str, ...]) -> dict[str, Any]:
    from warehouse.indicators import indicators

    sql = f"SELECT position, session, {', '.join(names)} FROM ({indicators('bars', names)}) ORDER BY 1, 2"
    found = con.execute(sql).fetchnumpy()
    return {name: found[name].filled(math.nan) if hasattr(found[name], "filled") else found[name] for name in names}


def _polars(con: Any) -> Callable[[], dict[str, Any]]:
    import polars as pl

    bars = con.execute("FROM bars ORDER BY position, session").pl()

    def made() -> dict[str, Any]:
        close, volume, dollars = pl.col("close"), pl.col("volume"), pl.col("close") * pl.col("volume")
        gain, change = close / close.shift(1) - 1, close.diff()
        market = pl.col("market") / pl.col("market").shift(1) - 1
        up, down = change.clip(lower_bound=0).rolling_sum(14), -change.clip(upper_bound=0).rolling_sum(14)
        made = {f"return_{n}d": close / close.shift(n) - 1 for n in (1, 21, 63, 252)}
        made |= {f"volatility_{n}d": gain.rolling_std(n) * math.sqrt(252) for n in (21, 63, 252)}
        made |= {
            "momentum_12_1": close.shift(21) / close.shift(252) - 1,
            "beta_252d": pl.rolling_cov(gain, market, window_size=252) / market.rolling_var(252),
            "drawdown": 1 - close / close.cum_max(),
            "average_volume_20d": volume.rolling_mean(20),
            "average_dollar_volume_20d": dollars.rolling_mean(20),
            "amihud_21d": (gain.abs() / dollars).rolling_mean(21),
            "moving_average_50_200": close.rolling_mean(50) / close.rolling_mean(200),
            "rsi_14": 100 * up / (up + down),
        }
        frame = bars.select(**{name: sql.over("position") for name, sql in made.items()})
        return {name: frame[name].fill_null(math.nan).to_numpy() for name in made}

    return made


def _pandas(con: Any) -> Callable[[], dict[str, Any]]:
    wide = con.execute("SELECT position, session, close, volume FROM bars").df().pivot(index="session", columns="position")

    def made() -> dict[str, Any]:
        close, volume = wide["close"], wide["volume"]
        gain, dollars, change = close.pct_change(fill_method=None), close * volume, close.diff()
        market = gain[0]
        up, down = change.clip(lower=0).rolling(14).sum(), -change.clip(upper=0).rolling(14).sum()
        made = {f"return_{n}d": close / close.shift(n) - 1 for n in (1, 21, 63, 252)}
        made |= {f"volatility_{n}d": gain.rolling(n).std() * math.sqrt(252) for n in (21, 63, 252)}
        made |= {
            "momentum_12_1": close.shift(21) / close.shift(252) - 1,
            "beta_252d": gain.rolling(252).cov(market).div(market.rolling(252).var(), axis=0),
            "drawdown": 1 - close / close.cummax(),
            "average_volume_20d": volume.rolling(20).mean(),
            "average_dollar_volume_20d": dollars.rolling(20).mean(),
            "amihud_21d": (gain.abs() / dollars).rolling(21).mean(),
            "moving_average_50_200": close.rolling(50).mean() / close.rolling(200).mean(),
            "rsi_14": 100 * up / (up + down),
        }
        return {name: frame.to_numpy().T.ravel() for name, frame in made.items()}

    return made


def _ratios(con: Any) -> None:
    """Every ratio of every quarter, of companies that file each quarter, the sum since the year began and the year before."""
    from warehouse.ratios import RATIOS, ratios

    facts, sql = _filings(con), ratios("", "'infinity'::TIMESTAMPTZ")
    with _timed(f"{len(RATIOS)} ratios of {FIRMS:,} companies"):
        row = con.execute(f"SELECT count(*) FROM ({sql})").fetchone()
    print(f"  {row[0]:,} ratios from {facts:,} facts", flush=True)


def _filings(con: Any) -> int:
    from warehouse.facts import FLOWS

    flows = ", ".join(f"('{name}')" for name in (*FLOWS, "WeightedSharesDiluted"))
    names = ("Assets", "CurrentAssets", "Inventory", "Cash", "CurrentLiabilities", "Equity", "Debt", "SharesOutstanding")
    stocks = ", ".join(f"('{name}')" for name in names)
    con.execute("CREATE SCHEMA raw")
    con.execute(f"""
    CREATE TABLE raw.fundamentals AS
    WITH q AS (SELECT range::INTEGER AS n, last_day(DATE '2005-03-01' + to_months(3 * range::INTEGER)) AS day
          FROM range(-8, {QUARTERS})),
    spans AS (SELECT n, n - back AS ends, 1 AS covers FROM q, (VALUES (0), (4)) b (back) WHERE n % 4 <> 3
              UNION ALL SELECT n, n - back, n % 4 + 1 FROM q, (VALUES (0), (4)) b (back) WHERE n % 4 > 0),
    told AS (SELECT s.n, s.ends, s.covers, c.concept FROM spans s, (VALUES {flows}) c (concept)
             UNION ALL SELECT n, n - back, 0, c.concept FROM q, (VALUES (0), (4)) b (back), (VALUES {stocks}) c (concept))
    SELECT 'US:F' || firm AS instrument, 'F' || firm AS symbol, concept,
      CASE WHEN covers > 0 THEN date_trunc('month', e.day - INTERVAL (3 * covers - 1) MONTH)::DATE END AS period_start,
      e.day AS period_end,
      (1000 + hash(firm, concept, ends) % 1000000) * greatest(covers, 1) * 1000.0 AS value,
      CASE WHEN concept LIKE '%Shares%' THEN 'shares' ELSE 'USD' END AS unit,
      f.day + 40 AS filed, firm || '-' || t.n AS accession, 'edgar' AS source, (f.day + 41)::TIMESTAMPTZ AS known_at
    FROM range({FIRMS}) r (firm), told t JOIN q e ON e.n = t.ends JOIN q f ON f.n = t.n WHERE t.n >= 0""")
    row = con.execute("SELECT count(*) FROM raw.fundamentals").fetchone()
    return int(row[0])


if __name__ == "__main__":
    main()
