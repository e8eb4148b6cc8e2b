"""From Yahoo's terms back to what was dealt: the splits undone, the noise of its short floats taken off, pence made pounds.

Yahoo divides every price before a split by the split's ratio (and multiplies volume), each time anew, and sends the result
as a 32-bit float. So a price p that was dealt comes as q = p / f with an error of up to q / 2^24 (and of half a millionth where
Yahoo has rounded it), and q times f lies within `noise` of p. Prices are dealt in cents, and in the United States were dealt in
64ths or coarser until 2001: a number that lies within its noise of one of these *is* that one, whatever f is today, so that
a history fetched before a split and after it gives the same rows. Any other number keeps the digits that it can have.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import polars as pl

from sources.yahoo.chart import FIELDS, Event

_SHORT = 2.0**-24  # relative error of a 32-bit float
_ROUNDED = 5e-7  # Yahoo's six decimals
_PARTS = 64.0


def undone(bars: pl.DataFrame, splits: Iterable[Event], day: str = "session") -> pl.DataFrame:
    """`bars` with the column `shares`: how many of today's shares one share of that day has become (1 after the last split)."""
    later, shares = [], 1.0
    for event in sorted(splits, key=lambda event: event.ex_session, reverse=True):
        later.append((event.ex_session - timedelta(days=1), shares * event.value))
        shares *= event.value
    steps = pl.DataFrame(later[::-1], schema={"last": pl.Date(), "shares": pl.Float64()}, orient="row")
    joined = bars.sort(day).join_asof(steps, left_on=day, right_on="last", strategy="forward")
    return joined.drop("last", strict=False).with_columns(pl.col("shares").fill_null(1.0))


def as_dealt(bars: pl.DataFrame, splits: Iterable[Event], unit: int) -> pl.DataFrame:
    """Bars per share of their own day, in the currency itself (`unit` of Yahoo's units make one); volume in those shares."""
    prices = [_paid(name, unit) for name in FIELDS[:4]]
    return undone(bars, splits).with_columns(*prices, (pl.col("volume") / pl.col("shares")).round(0)).drop("shares")


def amounts(events: pl.DataFrame, splits: Iterable[Event], unit: int) -> pl.DataFrame:
    """`events` (ex_session, amount) with the cash that a share of that day got, in the currency itself."""
    return undone(events, splits, "ex_session").with_columns(_paid("amount", unit)).drop("shares")


def _paid(name: str, unit: int) -> pl.Expr:
    """The money of one share of that day, cleaned of noise."""
    money = pl.col(name) * pl.col("shares")
    noise = pl.max_horizontal(money.abs() * _SHORT, pl.col("shares") * _ROUNDED)
    cent, part = money.round(2), (money * _PARTS).round(0) / _PARTS
    digits = pl.lit(10.0).pow((1e-9 - (2 * noise).log10()).floor())
    clean = (
        pl.when((money - cent).abs() <= noise)
        .then(cent)
        .when((money - part).abs() <= noise)
        .then(part)
        .otherwise((money * digits).round(0) / digits)
    )
    return (clean if unit == 1 else (clean / unit).round(8)).alias(name)
