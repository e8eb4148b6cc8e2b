"""How often losses went beyond the value at risk that was told for their day, and whether that is chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from portfolio.errors import Refused
from portfolio.risk.past import portfolio_returns
from portfolio.risk.rolling import rolling_value_at_risk
from portfolio.risk.situation import Situation
from portfolio.types import FloatArray, TailLimit, VarBacktest, Weights

Hits = NDArray[np.bool_]
BASEL_DAYS, BASEL_LEVEL = 250, 0.99
TOLD = TailLimit(0.95, 1, 1.0)  # the value at risk that a decision's record tells: historical, 95 %, one day
SIMULATED = 500  # sessions
LEAST = 20  # sessions that carry a test


class Rejection(NamedTuple):
    """A likelihood ratio, and the probability of one as large or larger were the model right."""

    ratio: float
    p: float


def kupiec(exceptions: int, days: int, level: float) -> Rejection:
    """Unconditional coverage: whether so many exceptions of so many days fit a value at risk at `level` (in (0, 1)).

    -2 ln of the likelihood of the probability 1 - level over that of exceptions / days, chi-square with one degree of freedom.
    Source: Kupiec (1995), eq. 9. `Refused` unless 0 <= exceptions <= days and days > 0.
    """
    if not 0 <= exceptions <= days or days == 0 or not 0.0 < level < 1.0:
        what = f"{exceptions} exceptions in {days} days at the level {level:g} are nothing to test."
        raise Refused(what, "Hand it at least one day, no more exceptions than days, and a level between 0 and 1.")
    told, seen = _likelihood(1.0 - level, days, exceptions), _likelihood(exceptions / days, days, exceptions)
    return _chi_square(told, seen)


def christoffersen(hits: Sequence[bool] | Hits, level: float) -> tuple[Rejection, Rejection]:
    """(independence, conditional coverage): whether an exception makes another one the next day more likely, and both together.

    hits: in order, one a day, whether the loss went beyond. Independence: a Markov chain of first order against one without
    memory, chi-square with one degree of freedom; conditional coverage adds Kupiec's ratio of all days, two degrees.
    Source: Christoffersen (1998), eqs. 8, 12, 13. `Refused` for fewer than two days.
    """
    seen = np.asarray(hits, dtype=bool)
    if len(seen) < 2:
        raise Refused("Fewer than two days tell nothing of independence.", "Hand it the exceptions of more days.")
    before, after = seen[:-1], seen[1:]
    counts = [(int((before == was).sum()), int((after & (before == was)).sum())) for was in (False, True)]
    memory = sum(_likelihood(hit / days if days else 0.0, days, hit) for days, hit in counts)
    days, hit = len(after), int(after.sum())
    independence = _chi_square(_likelihood(hit / days, days, hit), memory)
    both = independence.ratio + kupiec(int(seen.sum()), len(seen), level).ratio
    return independence, Rejection(both, math.exp(-both / 2.0))


def basel_zone(exceptions: int, days: int = BASEL_DAYS) -> tuple[str, float]:
    """(green | yellow | red, multiplier) of a one-day value at risk at 99 % over 250 days.

    Green up to 4 exceptions, red from 10 on. Source: Basel Committee (1996), Supervisory framework for the use of
    "backtesting", table 2. `Refused` for another number of days: the table is of 250.

    >>> basel_zone(4), basel_zone(5), basel_zone(10)
    (('green', 3.0), ('yellow', 3.4), ('red', 4.0))
    """
    if days != BASEL_DAYS or not 0 <= exceptions <= days:
        raise Refused(f"Basel's zones are of {BASEL_DAYS} days, not of {exceptions} in {days}.", "Hand it the newest 250 days.")
    yellow = {5: 3.40, 6: 3.50, 7: 3.65, 8: 3.75, 9: 3.85}
    if exceptions in yellow:
        return "yellow", yellow[exceptions]
    return ("green", 3.0) if exceptions < 5 else ("red", 4.0)


def _likelihood(p: float, days: int, hits: int) -> float:
    """Logarithm of p^hits (1 - p)^(days - hits), with 0 ln 0 = 0."""
    out = hits * math.log(p) if hits else 0.0
    return out + ((days - hits) * math.log1p(-p) if days > hits else 0.0)


def _chi_square(told: float, seen: float) -> Rejection:
    """Of two logarithms of likelihoods, with one degree of freedom."""
    ratio = max(2.0 * (seen - told), 0.0)
    return Rejection(ratio, math.erfc(math.sqrt(ratio / 2.0)))


def backtests(weights: Weights, there: Situation, forecasts: Sequence[tuple[date, float]] = ()) -> tuple[VarBacktest, ...]:
    """(live, simulated).

    live: the value at risk that earlier decisions told (`forecasts`: the session it was told for, and the figure) against the
    return of that session's equity on record over the one of the session before; a session without both is left out.
    simulated: these constant weights over up to the newest 500 sessions, each with a value at risk by the policy's method and
    level from the sessions before it only.
    """
    asked = there.policy.risk.value_at_risk or TOLD
    return (
        _told("live", TOLD, *_live(there, forecasts)),
        _told("simulated", asked, *_simulated(weights, there, asked)),
    )


def _live(there: Situation, forecasts: Sequence[tuple[date, float]]) -> tuple[FloatArray, FloatArray]:
    """(returns, values at risk) of the sessions that have both, oldest first."""
    equity = {day: float(value) for day, value in there.history if value.is_finite() and value > 0}
    sessions = [day.astype(object) for day in there.market.sessions.astype("datetime64[D]")]
    before = dict(zip(sessions[1:], sessions[:-1], strict=True))
    pairs = [
        (equity[day] / equity[before[day]] - 1.0, figure)
        for day, figure in sorted(forecasts)
        if day in equity and before.get(day) in equity and math.isfinite(figure)
    ]
    found = np.array(pairs, dtype=float).reshape(len(pairs), 2)
    return found[:, 0], found[:, 1]


def _simulated(weights: Weights, there: Situation, asked: TailLimit) -> tuple[FloatArray, FloatArray]:
    lookback = there.policy.risk.lookback
    returns = portfolio_returns(weights, there.market, lookback + SIMULATED)
    if returns is None or len(returns) <= lookback:
        return np.empty(0), np.empty(0)
    return returns[lookback:], rolling_value_at_risk(returns, lookback, asked)


def _told(on: str, asked: TailLimit, returns: FloatArray, figures: FloatArray) -> VarBacktest:
    """The tests of one series of days; without a p-value where they are fewer than 20."""
    hits, level, days = -returns > figures, asked.level, len(returns)
    exceptions, expected = int(hits.sum()), (1.0 - level) * days
    coverage = kupiec(exceptions, days, level).p if days >= LEAST else None
    independence = christoffersen(hits, level)[0].p if days >= LEAST else None
    zone = ""
    if days >= BASEL_DAYS and abs(level - BASEL_LEVEL) < 1e-12:
        zone = basel_zone(int(hits[-BASEL_DAYS:].sum()))[0]
    what = f"the {level * 100:g}% {asked.method.replace('_', ' ')} value at risk"
    words = f"{on}: {exceptions} losses beyond {what} in {days} sessions, {expected:.1f} expected"
    if coverage is None or independence is None:
        verdict = f"; fewer than {LEAST} sessions carry no test"
    else:
        verdict = f"; p-value {coverage:.3f} of their number, {independence:.3f} of their independence"
    sentence = words + verdict + (f"; Basel: {zone}" if zone else "")
    return VarBacktest(on, asked.method, level, days, exceptions, expected, coverage, independence, zone, sentence)
