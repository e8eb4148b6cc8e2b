"""The histories of instruments that two sources or more tell, laid side by side: what a comparison of total returns needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from portfolio.schema import TABLES
from warehouse.snapshot import listed
from warehouse.views import ALL, newest, prices_adjusted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LEVELS, PRICES, SPLITS = "told_levels", "told_prices", "told_splits"


@dataclass(frozen=True, slots=True)
class Histories:
    """Names of temporary tables on `cursor`.

    levels: instrument, source, session, level (dividends reinvested).
    prices: instrument, session, price (splits taken out, dividends not; of one source).
    splits: instrument, ex_session, ratio.
    symbols: instrument -> its newest ticker, of those compared. of_source: source -> tickers it tells of them.
    without: tickers of those that no source tells as dealt.
    """

    cursor: DuckDBPyConnection
    levels: str
    prices: str
    splits: str
    symbols: dict[str, str]
    of_source: dict[str, tuple[str, ...]]
    without: tuple[str, ...]


def lay(cursor: DuckDBPyConnection, prefix: str, symbols: Sequence[str] | None = None) -> Histories:
    """Lay out what two sources or more tell, from the lake named by `prefix`; symbols: newest tickers (None: all)."""
    called = "arg_max(symbol, session)"
    chosen = "true" if symbols is None else f"{called} IN ({listed(list(symbols))})"
    several = cursor.execute(
        f"SELECT instrument, {called}, list(DISTINCT source), bool_or(adjustment = 'raw') "
        f"FROM {prefix}raw.prices WHERE close > 0 GROUP BY instrument HAVING count(DISTINCT source) > 1 AND {chosen} ORDER BY 1"
    ).fetchall()
    compared = {instrument: symbol for instrument, symbol, _, dealt in several if dealt}
    mine = f"f.instrument IN ({listed(list(compared))})" if compared else "false"
    bars = prices_adjusted(prefix, ALL, mine)
    actions = newest(TABLES["corporate_actions"], prefix, ALL, mine)
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE told_bars AS SELECT * FROM ({bars}) WHERE close > 0 AND isfinite(close)")
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE {LEVELS} AS SELECT instrument, source, session, close AS level FROM told_bars")
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE {SPLITS} AS SELECT instrument, ex_session, ratio FROM ({actions}) "
        "WHERE kind = 'split' AND ratio > 0 AND isfinite(ratio) "
        "QUALIFY dense_rank() OVER (PARTITION BY instrument ORDER BY source) = 1"  # two may date one split differently
    )
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE {PRICES} AS {_prices()}")
    of_source: dict[str, tuple[str, ...]] = {}
    for source in sorted({source for _, _, told, dealt in several if dealt for source in told}):
        of_source[source] = tuple(symbol for _, symbol, told, dealt in several if dealt and source in told)
    without = tuple(symbol for _, symbol, _, dealt in several if not dealt)
    return Histories(cursor, LEVELS, PRICES, SPLITS, compared, of_source, without)


def _prices() -> str:
    """Closes as dealt of the source that has most of them, with the splits after them taken out."""
    return f"""
    WITH best AS (
      SELECT instrument, source FROM told_bars WHERE adjustment = 'raw' GROUP BY instrument, source
      QUALIFY row_number() OVER (PARTITION BY instrument ORDER BY count(*) DESC, source) = 1),
    later AS (
      SELECT instrument, ex_session, product(ratio) OVER w AS ratio FROM {SPLITS}
      WINDOW w AS (PARTITION BY instrument ORDER BY ex_session DESC))
    SELECT b.instrument, b.session, b.raw_close / coalesce(l.ratio, 1) AS price
    FROM told_bars b SEMI JOIN best USING (instrument, source)
    ASOF LEFT JOIN later l ON l.instrument = b.instrument AND b.session < l.ex_session"""
