"""The SQL of what a symbol is worth by its filings: one row a bar, one column an indicator, point in time.

Of each session counts what had been told by 16:00 New York of that day, whatever was filed or restated later; a figure
whose period ended more than `STALE` days before says nothing of the day (a yearly report comes up to 485 days after the last
period). Prices are raw closes, in the currency of the filing. Shares are as the filing counted them, times the splits
since; those and dividends come from the actions of the price's own source where it tells any of the instrument, else of
another that does, and there are none where it tells of others alone; without any they are unknown. A dividend yield is
unknown of a year whose beginning is not held.

| indicator | of the session |
|---|---|
| `market_value` | raw close x shares outstanding |
| `earnings_yield`, `sales_to_price`, `free_cash_flow_yield` | of twelve months / market value |
| `book_to_price` | equity / market value |
| `dividend_yield` | cash dividends of 365 days, as of today's splits / raw close |
| `value_score` | mean z-score of the four above that come from filings |
| `quality_score` | mean z-score of return on equity, gross profitability, - accruals, - debt to equity |
| any ratio | its newest value |

A z-score is (own - mean) / standard deviation (one degree of freedom) among the symbols asked that have a bar and the
figure that session, cut at -3 and 3 (MSCI, Enhanced Value and Quality Indexes Methodology); a score needs `ENOUGH` parts,
a part `PEERS` symbols.
The parts of quality: Novy-Marx (2013), Sloan (1996), Asness, Frazzini and Pedersen (2019).
"""

from __future__ import annotations

from portfolio.schema import TABLES
from warehouse import ratios, views
from warehouse.facts import listed

STALE = 500  # days
ENOUGH = 3  # parts of a score
PEERS = 5  # symbols of a cross-section
CUT = 3  # standard deviations

_YIELDS = {
    "earnings_yield": "net_income_ttm",
    "book_to_price": "book_value",
    "sales_to_price": "revenue_ttm",
    "free_cash_flow_yield": "free_cash_flow_ttm",
}
# score: its parts, each with the sign of what is better
SCORES: dict[str, dict[str, int]] = {
    "value_score": dict.fromkeys(_YIELDS, 1),
    "quality_score": {"return_on_equity": 1, "gross_profitability": 1, "accruals": -1, "debt_to_equity": -1},
}
VALUES = ("market_value", *_YIELDS, "dividend_yield", *SCORES)
NAMES = (*VALUES, *ratios.RATIOS)


def valued(bars: str, prefix: str, known: str, mine: str, since: str, names: tuple[str, ...]) -> str:
    """`bars` (with position, instrument, session, source, currency, adjustment, raw_close) with a column for each name.

    mine: a condition on instruments of raw rows `f`; since: the first session, as an SQL date.
    """
    parts = {part for name in names for part in SCORES.get(name, (name,))}
    dealt, paid = bool(parts & {"market_value", *_YIELDS}), "dividend_yield" in parts
    figures = parts | {_YIELDS.get(part, "") for part in parts} | ({"shares_outstanding"} if dealt else set())
    told = tuple(name for name in ratios.RATIOS if name in figures) or ("shares_outstanding",)
    newest = ratios.newest(prefix, known, mine, f"{_closed(since)}", told)
    of_filings = ", ".join(f"CASE WHEN session - w.{name}.e <= {STALE} THEN w.{name}.v END AS {name}" for name in told)
    yields = ", ".join(f"{figure} / nullif(market_value, 0) AS {name}" for name, figure in _YIELDS.items() if name in parts)
    scores = [name for name in names if name in SCORES]
    z = "".join(f", {_standing(part, sign)} AS z_{part}" for name in scores for part, sign in SCORES[name].items())
    means = "".join(f", {_mean(name)} AS {name}" for name in scores)
    return f"""
WITH bars AS ({bars}){f",{_actions(prefix, known, mine)}" if dealt or paid else ""},
news AS ({newest}),
wide AS (FROM (
  PIVOT (SELECT instrument, currency, moment, ratio, {{'v': value, 'e': period_end, 'k': known_at}} AS f
         FROM news SEMI JOIN ({_filer(prefix, known, mine)}) USING (instrument, source))
  ON ratio IN ({listed(told)}) USING any_value(f) GROUP BY instrument, currency, moment)),
filed AS (
  SELECT b.*, {of_filings}{", (w.shares_outstanding.k AT TIME ZONE 'America/New_York')::DATE AS counted" if dealt else ""}
  FROM (SELECT *, {_closed("session")} AS closed FROM bars) b
  ASOF LEFT JOIN wide w ON w.instrument = b.instrument AND w.currency = b.currency AND b.closed >= w.moment),
priced AS ({_priced(dealt, paid)})
SELECT *{means}
FROM (SELECT *{z} FROM (SELECT *{", " if yields else ""}{yields} FROM priced) WINDOW w AS (PARTITION BY session))"""


def _priced(dealt: bool, paid: bool) -> str:
    """`filed` with market_value and dividend_yield, those that are wanted: each costs joins with the splits and dividends."""
    made, joins = [], [_turned("now", "session")]
    if paid:
        made.append(f"{_paid('now', 'before')} AS dividend_yield")
        joins.append(_turned("before", "year_before"))
    if dealt:
        sound = f"adjustment = 'raw' AND raw_close > 0 AND isfinite(raw_close) AND {_same_splits('now', 'told')}"
        value = "raw_close * shares_outstanding * coalesce(now.split, 1) / coalesce(told.split, 1)"
        made.append(f"CASE WHEN {sound} THEN {value} END AS market_value")
        joins.append(_turned("told", "counted"))
    if not made:
        return "SELECT * FROM filed"
    return f"""
  SELECT f.*, {", ".join(made)}
  FROM (SELECT f.*, t.action_source, t.first_bar, session - 365 AS year_before
        FROM filed f LEFT JOIN teller t USING (instrument, source)) f
  {" ".join(joins)}"""


def _filer(prefix: str, known: str, mine: str) -> str:
    """One source of filings an instrument: the one that tells most."""
    told = f"SELECT f.instrument, f.source FROM {prefix}raw.fundamentals f WHERE f.known_at <= {known} AND {mine}"
    first = "row_number() OVER (PARTITION BY f.instrument ORDER BY count(*) DESC, f.source) = 1"
    return f"{told} GROUP BY f.instrument, f.source QUALIFY {first}"


def _turned(name: str, day: str) -> str:
    same = f"{name}.instrument = f.instrument AND {name}.source = f.action_source"
    return f"ASOF LEFT JOIN turns {name} ON {same} AND f.{day} >= {name}.day"


def _closed(session: str) -> str:
    return f"(({session} + INTERVAL 16 HOUR) AT TIME ZONE 'America/New_York')"


def _actions(prefix: str, known: str, mine: str) -> str:
    """`teller`: who tells the actions of an instrument to whose prices (the price's own source, where it tells any of it),
    and the first bar of those; `turns`: all its splits and dividends up to a day.

    split: new shares per share since the beginning; paid: cash since the beginning, per share of the beginning;
    odd_splits, odd_paid: how many had no usable number.
    """
    return f"""
actions AS ({views.newest(TABLES["corporate_actions"], prefix, known, mine)}),
teller AS (
  SELECT b.instrument, b.source, min(h.first_bar) AS first_bar,
    coalesce(max(a.source) FILTER (a.source = b.source), min(a.source), max(o.source)) AS action_source
  FROM (SELECT DISTINCT instrument, source FROM bars) b
  LEFT JOIN (SELECT DISTINCT f.source FROM {prefix}raw.corporate_actions f WHERE f.known_at <= {known}) o ON o.source = b.source
  LEFT JOIN (SELECT DISTINCT instrument, source FROM actions) a ON a.instrument = b.instrument
  LEFT JOIN (SELECT f.instrument, f.source, min(f.session) AS first_bar FROM {prefix}raw.prices f
             WHERE f.known_at <= {known} AND {mine} GROUP BY ALL) h ON h.instrument = b.instrument AND h.source = b.source
  GROUP BY ALL),
turns AS (
  SELECT instrument, source, day, split, odd_splits, sum(cash * split) OVER u AS paid, sum(odd) OVER u AS odd_paid
  FROM (SELECT *, product(ratio) OVER u AS split, sum(odd_ratio) OVER u AS odd_splits
        FROM (SELECT instrument, source, ex_session AS day,
                coalesce(product(ratio) FILTER (kind = 'split' AND ratio > 0 AND isfinite(ratio)), 1) AS ratio,
                count(*) FILTER (kind = 'split' AND NOT coalesce(ratio > 0 AND isfinite(ratio), false)) AS odd_ratio,
                coalesce(sum(amount) FILTER (kind = 'dividend' AND amount >= 0 AND isfinite(amount)), 0) AS cash,
                count(*) FILTER (kind = 'dividend' AND NOT coalesce(amount >= 0 AND isfinite(amount), false)) AS odd
              FROM actions GROUP BY ALL)
        WINDOW u AS (PARTITION BY instrument, source ORDER BY day))
  WINDOW u AS (PARTITION BY instrument, source ORDER BY day))"""


def _same_splits(late: str, early: str) -> str:
    return f"action_source IS NOT NULL AND coalesce({late}.odd_splits, 0) = coalesce({early}.odd_splits, 0)"


def _paid(late: str, early: str) -> str:
    """Dividends between two `turns` per share of the later, as a fraction of the raw close."""
    usable = f"{_same_splits(late, early)} AND coalesce({late}.odd_paid, 0) = coalesce({early}.odd_paid, 0)"
    whole = f"({early}.day IS NOT NULL OR first_bar <= year_before)"  # else nobody has told of the year's beginning
    sound = f"adjustment = 'raw' AND raw_close > 0 AND isfinite(raw_close) AND {whole}"
    cash = f"(coalesce({late}.paid, 0) - coalesce({early}.paid, 0)) / coalesce({late}.split, 1)"
    return f"CASE WHEN {sound} AND {usable} THEN {cash} / raw_close END"


def _standing(part: str, sign: int) -> str:
    known = f"CASE WHEN isfinite({part}) THEN {part} END"
    spread = f"stddev_samp({known}) OVER w"
    z = f"{sign} * ({part} - avg({known}) OVER w) / ({spread})"
    enough = f"isfinite({part}) AND count({known}) OVER w >= {PEERS} AND {spread} > 1e-12 * abs(avg({known}) OVER w)"
    return f"CASE WHEN {enough} THEN greatest(-{CUT}, least({CUT}, {z})) END"


def _mean(score: str) -> str:
    parts = [f"z_{part}" for part in SCORES[score]]
    known = " + ".join(f"({part} IS NOT NULL)::INTEGER" for part in parts)
    return f"CASE WHEN {known} >= {ENOUGH} THEN ({' + '.join(f'coalesce({part}, 0)' for part in parts)}) / ({known}) END"
