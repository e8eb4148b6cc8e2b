"""The SQL of a company's figures by fiscal quarter: as known, single quarters, trailing twelve months.

A figure of a flow covers one to four quarters. Companies close their books on a weekday near a date (Apple: the last
Saturday of September), so periods are matched by length, never by date:

| covers | days |
|---|---|
| a quarter (12 to 17 weeks) | 75 to 125 |
| two, three quarters | 160 to 205, 245 to 295 |
| a year (52 or 53 weeks, 12 months) | 340 to 385 |

Anything else (a month, an inception to date) is left out. Period ends of one company within 15 days of each other are one end.
The newest filing's version of a figure counts, and it is known since that value stands: repeating it changes nothing.
A derived figure is known when the part known last is.

A limit: where a filing restates a year and not its quarters, sums over both mix the two until the quarters are restated.

`moments` says as of when: `now` is one reading, as known at `known`; `each` is one reading at every instant at which the
company told anything, each of them blind to what came later (only the last periods before it: `SPAN` days).
"""

from __future__ import annotations

from typing import Literal

Moments = Literal["now", "each"]

FLOWS = (
    *("Revenue", "CostOfRevenue", "GrossProfit", "OperatingIncome", "InterestExpense", "DepreciationAndAmortization"),
    *("IncomeTax", "NetIncome", "OperatingCashFlow", "CapitalExpenditure", "DividendsPaid"),
)
SHARES = "WeightedSharesDiluted"  # over a period, but never added up: a split would make nonsense of it
BALANCES = (
    *("Assets", "CurrentAssets", "Inventory", "Cash", "Liabilities", "CurrentLiabilities", "Equity"),
    *("Debt", "DebtCurrent", "LongTermDebt", "LongTermDebtNoncurrent", "LongTermDebtCurrent", "ShortTermDebt", "CommercialPaper"),
    "SharesOutstanding",
)
CONCEPTS = (*FLOWS, SHARES, *BALANCES)
COVER = "SharesOnCover"  # the shares that a filing counts on its first page, up to COVER_DAYS after the period's end
LENGTHS = {1: (75, 125), 2: (160, 205), 3: (245, 295), 4: (340, 385)}  # quarters: days
SAME_END = 15  # days
COVER_DAYS = 100
SPAN = 2 * LENGTHS[4][1]  # days: a year's growth looks back on the sum since the fiscal year before the last

_OF = "instrument, source, moment"
_FACT = "instrument, source, concept, unit, quarters, period_end"


def figures(
    prefix: str, known: str, where: str = "true", moments: Moments = "now", since: str = "", concepts: tuple[str, ...] = CONCEPTS
) -> str:
    """CTEs up to `placed`: instrument, source, moment, currency, concept, quarters, period_end, value, known_at, rank.

    quarters: 0 for a balance; period_end: the company's own end that all dates near it stand for. Of several rows of one
    fact the highest rank counts. Figures in shares stand in every currency the company reports in. `where` is put on the
    raw rows (alias f).
    `since`, an instant as an SQL expression, leaves out moments that a later one before it replaces.
    """
    return f"""
told AS NOT MATERIALIZED (
  SELECT f.instrument, f.source, f.concept, f.unit, f.period_end, f.value, f.known_at,
    {_quarters()} AS quarters, {_order()} AS rank
  FROM {prefix}raw.fundamentals f
  WHERE f.known_at <= {known} AND isfinite(f.value) AND f.concept IN ({listed(concepts)}) AND {where}),
once AS (
  SELECT {_FACT}, min(value) AS value, max(value) AS other, min(known_at) AS known_at
  FROM told WHERE quarters IS NOT NULL GROUP BY ALL),
versions AS (
  SELECT {_FACT}, value, known_at, 0 AS rank, false AS several FROM once WHERE value = other
  UNION ALL
  SELECT {_FACT}, value, known_at, rank, true FROM told SEMI JOIN (SELECT * FROM once WHERE value < other) USING ({_FACT})),
seen AS ({_seen(known, moments, since)}),
facts AS (
  SELECT {_FACT}, moment, value, known_at FROM seen WHERE NOT several
  UNION ALL
  SELECT {_FACT}, moment, {_newest()} FROM (
    SELECT {_FACT}, moment, value, min(known_at) AS first, max(known_at) AS last, max(rank) AS rank
    FROM seen WHERE several GROUP BY ALL)
  GROUP BY ALL),
{_ends()},
placed AS ({_placed()})"""


def _seen(known: str, moments: Moments, since: str) -> str:
    """Versions as each moment saw them. A period that ends after the moment is a slip of the pen and bounds nothing."""
    if moments == "now":
        return f"SELECT *, {known} AS moment FROM versions"
    line = "PARTITION BY instrument, source ORDER BY moment"
    lasting = f"QUALIFY coalesce(lead(moment) OVER ({line}) > {since}, true)" if since else ""
    told = "max(period_end) FILTER (quarters > 0 AND period_end <= known_at::DATE)"
    return f"""
  SELECT v.*, m.moment FROM versions v JOIN (
    SELECT instrument, source, moment, max(ended) OVER ({line}) AS newest
    FROM (SELECT instrument, source, known_at AS moment, {told} AS ended FROM versions GROUP BY ALL) {lasting}) m
    ON m.instrument = v.instrument AND m.source = v.source AND v.known_at <= m.moment
    AND v.period_end BETWEEN coalesce(m.newest, m.moment::DATE) - {SPAN} AND m.moment::DATE"""


def _quarters() -> str:
    """How many quarters a raw fact covers: 0 for a balance, NULL for a length that nothing is made of."""
    days = "f.period_end - f.period_start + 1"
    cases = " ".join(f"WHEN {days} BETWEEN {low} AND {high} THEN {count}" for count, (low, high) in LENGTHS.items())
    return f"CASE WHEN f.period_start IS NULL THEN 0 {cases} END"


def _order() -> str:
    """A number that grows with the filing's day, then the instant it was known; the accession breaks a tie, always alike."""
    day = "coalesce(f.filed, f.known_at::DATE) - DATE '1970-01-01'"
    return f"(({day})::BIGINT << 46) + (epoch(f.known_at)::BIGINT << 12) + (hash(f.accession, f.period_end) % 4096)::BIGINT"


def _newest() -> str:
    """The value of the newest filing, and since when it stands (where it went back and forth: since it was told last)."""
    other = "CASE WHEN arg_max(last, rank) = max(last) THEN max(last, 2)[2] ELSE max(last) END"
    first = "arg_max(first, rank)"
    since = f"CASE WHEN {first} > coalesce({other}, '-infinity'::TIMESTAMPTZ) THEN {first} ELSE arg_max(last, rank) END"
    return f"arg_max(value, rank) AS value, {since} AS known_at"


def _ends() -> str:
    """`ends`: each date at which something ends -> the company's own end it stands for (the last of those close together)."""
    return f"""
dates AS (
  SELECT {_OF}, period_end AS day, coalesce(period_end - lag(period_end) OVER w > {SAME_END}, true) AS fresh
  FROM (SELECT DISTINCT {_OF}, period_end FROM facts WHERE concept <> 'SharesOutstanding')
  WINDOW w AS (PARTITION BY {_OF} ORDER BY period_end)),
ends AS (
  SELECT {_OF}, day, max(day) OVER (PARTITION BY {_OF}, number) AS period_end
  FROM (SELECT *, count(*) FILTER (fresh) OVER (PARTITION BY {_OF} ORDER BY day) AS number FROM dates))"""


def _placed() -> str:
    """Facts at their company's own end, in each currency; a count of shares between two ends is the cover of the earlier."""
    of = " AND ".join(f"e.{column} = f.{column}" for column in ("instrument", "source", "moment"))
    rank = "epoch_us(f.known_at) - abs(e.period_end - f.period_end)"
    rest = f"f.quarters, e.period_end, f.value, f.known_at, {rank} AS rank"
    placed = f"""
    SELECT f.instrument, f.source, f.moment, f.unit, f.concept, {rest}
    FROM facts f JOIN ends e ON {of} AND e.day = f.period_end
    UNION ALL
    SELECT f.instrument, f.source, f.moment, f.unit, '{COVER}', {rest}
    FROM (SELECT f.* FROM facts f ANTI JOIN ends e ON {of} AND e.day = f.period_end WHERE f.concept = 'SharesOutstanding') f
    ASOF JOIN ends e ON {of} AND f.period_end >= e.day WHERE f.period_end - e.day <= {COVER_DAYS}"""
    money = f"SELECT DISTINCT {_OF}, unit AS currency FROM facts WHERE unit <> 'shares' AND length(unit) = 3"
    return f"""
    SELECT p.*, m.currency FROM ({placed}) p JOIN ({money}) m
      ON m.instrument = p.instrument AND m.source = p.source AND m.moment = p.moment AND p.unit IN (m.currency, 'shares')"""


def flows() -> str:
    """CTEs from `placed` to `flows`: a row a flow and period end with `quarter` and `year`, each {v: value, k: known_at} or NULL.

    `quarter` is the one told, else the difference of two sums of the same start (six months less three, the year less
    nine months), else the year less three quarters. `year` is the twelve months to that end: told, else the last
    fiscal year plus the sum since it less the same sum a year before, else four quarters.
    """
    told = ", ".join(f"{_told(count)} AS told_{count}" for count in LENGTHS)
    before = ", ".join(f"{back(f'told_{count}', ago)} AS told_{count}_{ago}" for count, ago in _LOOKED_BACK)
    single = first("told_1", *(total(f"told_{count}", minus=(f"told_{count - 1}_1",)) for count in (2, 3, 4)))
    since = [total(f"told_4_{count}", f"told_{count}", minus=(f"told_{count}_4",)) for count in (1, 2, 3)]
    earlier = ", ".join(f"{back('single', ago)} AS single_{ago}" for ago in (1, 2, 3))
    quarter = first("single", total("told_4", minus=("single_1", "single_2", "single_3")))
    year = first("told_4", "summed", total("single", "single_1", "single_2", "single_3"))
    line = f"PARTITION BY {_OF}, currency, concept ORDER BY day"
    return f"""
spans AS (
  SELECT {_OF}, currency, concept, period_end, period_end - DATE '1970-01-01' AS day, {told}
  FROM placed WHERE quarters > 0 AND concept IN ({listed(FLOWS)}) GROUP BY ALL),
singles AS (
  SELECT {_OF}, currency, concept, period_end, day, told_4, {single} AS single, {first(*since)} AS summed
  FROM (SELECT *, {before} FROM spans WINDOW w AS ({line}))),
flows AS (
  SELECT {_OF}, currency, concept, period_end, {quarter} AS quarter, {year} AS year
  FROM (SELECT *, {earlier} FROM singles WINDOW w AS ({line})))"""


# (quarters covered, ended how many quarters before): what a quarter or a year can be made of
_LOOKED_BACK = ((1, 1), (2, 1), (3, 1), (4, 1), (4, 2), (4, 3), (1, 4), (2, 4), (3, 4))


def _told(count: int) -> str:
    return f"arg_max({{'v': value, 'k': known_at}}, rank) FILTER (quarters = {count})"


def back(what: str, quarters: int) -> str:
    """`what` as of the end that lies so many quarters before, in window w (ordered by `day`)."""
    low, high = LENGTHS[quarters]
    return f"last_value({what} IGNORE NULLS) OVER (w RANGE BETWEEN {high} PRECEDING AND {low} PRECEDING)"


def total(*plus: str, minus: tuple[str, ...] = ()) -> str:
    """{v, k} of a sum, NULL where a part is."""
    value = " + ".join(f"{part}.v" for part in plus) + "".join(f" - {part}.v" for part in minus)
    known = ", ".join(f"{part}.k" for part in (*plus, *minus))
    return f"CASE WHEN ({value}) IS NOT NULL THEN {{'v': {value}, 'k': greatest({known})}} END"


def average(one: str, other: str) -> str:
    """{v, k} of the mean of two parts, NULL where one is."""
    known = f"{one} IS NOT NULL AND {other} IS NOT NULL"
    return f"CASE WHEN {known} THEN {{'v': ({one}.v + {other}.v) / 2, 'k': greatest({one}.k, {other}.k)}} END"


def first(*choices: str) -> str:
    return f"coalesce({', '.join(choices)})"


def listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names)
