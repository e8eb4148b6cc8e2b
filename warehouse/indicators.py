"""The SQL of indicators of prices: one row a bar, one column an indicator, in windows over each symbol's own bars.

Returns are simple, of adjusted closes. A window counts bars; every bar in it must have what the indicator is made of, and
it must not be longer than 1.5 days a bar and ten days (about one session in twenty may be missing), else the indicator
is unknown (NULL). Where the exchange's sessions are given, a session without a bar is a bar without a price, so one
missing session is enough. A price that is not positive and finite is no price. What was traded is known of raw prices only.

| indicator | of bar t |
|---|---|
| `return_{1,21,63,252}d` | close / close that many bars before - 1 |
| `momentum_12_1` | close 21 bars ago / close 252 bars ago - 1 (Jegadeesh and Titman 1993, the last month left out) |
| `volatility_{21,63,252}d` | standard deviation of daily returns (one degree of freedom) x sqrt(252) |
| `beta_252d` | slope of daily returns on the benchmark's of the same days |
| `drawdown` | 1 - close / highest close so far, of the bars that have one |
| `max_drawdown_252d` | largest 1 - later close / earlier close within the last 252 bars |
| `average_volume_20d` | mean shares a day, as of today's splits |
| `average_dollar_volume_20d` | mean of raw close x raw shares |
| `amihud_21d` | mean of abs(return) / dollar volume (Amihud 2002): a share of price per unit of currency traded |
| `spread_corwin_schultz_21d` | mean of two-day spreads from highs and lows, a share of price (Corwin and Schultz 2012, eq. 14) |
| `moving_average_50_200` | mean close of 50 bars / of 200 bars |
| `rsi_14` | 100 x ups / (ups + downs) of 14 changes, plain means (Cutler's form), 0 to 100; unknown where nothing moved |

As Corwin and Schultz do, a day that opens a gap is moved to meet the close before, and a negative estimate is zero.
"""

from __future__ import annotations

import re

BY_POSITION, BY_SERIES = ("position",), ("instrument", "source")  # whose bars a window runs over
WARM_UP = 420  # days before the first wanted session that the longest window can reach back
_BLOCKS = (6, 6, 7)  # 252 bars in three steps


def _fits(bars: int) -> str:
    return f"session - lag(session, {bars}) OVER w <= {1.5 * bars + 10:.0f}"


def _over(what: str, bars: int) -> str:
    return f"{what} OVER (w ROWS BETWEEN {bars - 1} PRECEDING AND CURRENT ROW)"


def _when(condition: str, value: str) -> str:
    return f"CASE WHEN {condition} THEN {value} END"


def _return(bars: int) -> str:
    return _when(_fits(bars), f"price / lag(price, {bars}) OVER w - 1")


def _of(function: str, column: str, bars: int, steps: bool = False) -> str:
    """`function` of a column over that many bars (or steps between bars), all of them known."""
    whole = f"{_over(f'count({column})', bars)} = {bars} AND {_fits(bars if steps else bars - 1)}"
    return _when(whole, _over(f"{function}({column})", bars))


_UPS, _DOWNS = _of("sum", "up", 14, steps=True), _of("sum", "down", 14, steps=True)

# Of `steps`: whatever needs a window over all that is known of each bar.
INDICATORS: dict[str, str] = {
    **{f"return_{bars}d": _return(bars) for bars in (1, 21, 63, 252)},
    "momentum_12_1": _when(_fits(252), "lag(price, 21) OVER w / lag(price, 252) OVER w - 1"),
    **{f"volatility_{bars}d": f"{_of('stddev_samp', 'gain', bars, steps=True)} * sqrt(252)" for bars in (21, 63, 252)},
    "beta_252d": _when(
        f"{_over('regr_count(gain, market_gain)', 252)} = 252 AND {_fits(252)}", _over("regr_slope(gain, market_gain)", 252)
    ),
    "drawdown": "1 - price / max(price) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)",
    "max_drawdown_252d": _when(f"{_over('count(price)', 252)} = 252 AND {_fits(251)}", "1 - worst"),
    "average_volume_20d": _of("avg", "shares", 20),
    "average_dollar_volume_20d": _of("avg", "traded", 20),
    "amihud_21d": _of("avg", "illiquid", 21, steps=True),
    "spread_corwin_schultz_21d": _of("avg", "spread", 21, steps=True),
    "moving_average_50_200": f"{_of('avg', 'price', 50)} / {_of('avg', 'price', 200)}",
    "rsi_14": f"100 * {_UPS} / nullif({_UPS} + {_DOWNS}, 0)",
}

# Of two bars beside each other (`..._1` is of the bar before). `greatest` passes over what is unknown: never alone.
_NARROW = "(3 - 2 * sqrt(2))"
_STEPS: dict[str, tuple[tuple[str, ...], str]] = {  # step: the columns it looks back on, its SQL
    "gain": (("price",), "CASE WHEN near THEN price / price_1 - 1 END"),
    "up": (("price",), "CASE WHEN near AND price >= price_1 THEN price - price_1 WHEN near AND price < price_1 THEN 0 END"),
    "down": (("price",), "CASE WHEN near AND price <= price_1 THEN price_1 - price WHEN near AND price > price_1 THEN 0 END"),
    "market_gain": (("market",), "CASE WHEN near THEN market / market_1 - 1 END"),
    "illiquid": (("price",), "CASE WHEN near THEN abs(price / price_1 - 1) / nullif(traded, 0) END"),
    "spread": (
        ("price", "high", "low"),
        "CASE WHEN near AND alpha IS NOT NULL THEN greatest(0, 2 * (exp(alpha) - 1) / (1 + exp(alpha))) END",
    ),
}


def indicators(bars: str, names: tuple[str, ...], own: tuple[str, ...] = BY_POSITION) -> str:
    """`bars` with a column for each name.

    bars: a relation with session, close, high, low, volume, raw_close, raw_volume, adjustment, the columns of `own`, which
    tell one series from another, and, where beta is asked for, market (the benchmark's close).
    """
    window = f"WINDOW w AS (PARTITION BY {', '.join(own)} ORDER BY session)"
    wanted = set(re.findall(r"\w+", " ".join(INDICATORS[name] for name in names)))
    steps = [step for step in _STEPS if step in wanted]
    looked = sorted({column for step in steps for column in _STEPS[step][0]})
    back = "".join(f", lag({column}) OVER w AS {column}_1" for column in looked)
    alpha = _alpha() if "spread" in steps else "SELECT * FROM lagged"
    falls = "worst" in wanted
    made = "".join(f", {_STEPS[step][1]} AS {step}" for step in steps)
    chosen = "".join(f", {INDICATORS[name]} AS {name}" for name in names)
    return f"""
WITH days AS (
  SELECT *, CASE WHEN close > 0 AND isfinite(close) THEN close END AS price,
    CASE WHEN volume >= 0 AND isfinite(volume) THEN volume END AS shares,
    CASE WHEN adjustment = 'raw' AND raw_close > 0 AND raw_volume >= 0 AND isfinite(raw_close * raw_volume)
         THEN raw_close * raw_volume END AS traded
  FROM {bars}),
lagged AS (SELECT *, {_fits(1)} AS near{back} FROM days {window}),
steps AS (SELECT *{made} FROM ({alpha})){_falls(window) if falls else ""}
SELECT *{chosen} FROM {"fallen" if falls else "steps"} {window}"""


def _alpha() -> str:
    """Corwin and Schultz' alpha; a day whose range leaves the close before out is moved to meet it."""
    moved = "CASE WHEN low > price_1 THEN price_1 - low WHEN high < price_1 THEN price_1 - high ELSE 0 END"
    sound = "price_1 > 0 AND low_1 > 0 AND high_1 >= low_1 AND floor > 0 AND ceiling >= floor"
    both = "ln(high_1 / low_1) ** 2 + ln(ceiling / floor) ** 2"
    one = "ln(greatest(high_1, ceiling) / least(low_1, floor)) ** 2"
    return f"""
    SELECT *, (sqrt(2 * beta) - sqrt(beta)) / {_NARROW} - sqrt(gamma / {_NARROW}) AS alpha FROM (
      SELECT *, {_when(sound, both)} AS beta, {_when(sound, one)} AS gamma FROM (
        SELECT *, high + moved AS ceiling, low + moved AS floor FROM (SELECT *, {moved} AS moved FROM lagged)))"""


def _falls(window: str) -> str:
    """CTEs up to `fallen`: `worst` is the smallest later close / earlier close within 252 bars.

    Of a block of bars its highest, lowest and worst are enough to know those of blocks side by side, so 252 bars are six
    blocks' six blocks' seven, and no bar is looked at 252 times.
    """
    ctes, source, size = "", "(SELECT *, price AS top, price AS bottom, 1.0 AS worst FROM steps)", 1
    for number, count in enumerate(_BLOCKS):
        looked = "".join(f", lag({c}, {n * size}) OVER w AS {c}_{n}" for n in range(1, count) for c in ("top", "bottom", "worst"))
        own = ", ".join(f"{c} AS {c}_0" for c in ("top", "bottom", "worst"))
        ctes += f""",
block{number} AS (SELECT * EXCLUDE (top, bottom, worst), {own}{looked} FROM {source} {window})"""
        source, size = f"({_joined(f'block{number}', count)})", size * count
    return f"{ctes},\nfallen AS (SELECT * FROM {source})"


def _joined(block: str, count: int) -> str:
    """One block of `count` (0 is the newest) from their tops, bottoms and worsts."""
    each = range(count)
    falls = [f"bottom_{n} / greatest({', '.join(f'top_{m}' for m in range(n + 1, count))})" for n in range(count - 1)]
    worst = ", ".join([*(f"worst_{n}" for n in each), *falls])
    parts = ", ".join(f"{c}_{n}" for n in each for c in ("top", "bottom", "worst"))
    return (
        f"SELECT * EXCLUDE ({parts}), greatest({', '.join(f'top_{n}' for n in each)}) AS top, "
        f"least({', '.join(f'bottom_{n}' for n in each)}) AS bottom, least({worst}) AS worst FROM {block}"
    )


def view(adjusted: str) -> str:
    """instrument, symbol, session, an indicator each (but beta), currency, source: of every series of adjusted prices.

    Filtered by instrument it reads that instrument alone; by anything else it works out all of them.
    """
    names = tuple(name for name in INDICATORS if name != "beta_252d")
    found = indicators(f"({adjusted})", names, BY_SERIES)
    return f"SELECT instrument, symbol, session, {', '.join(names)}, currency, source FROM ({found})"
