"""From a rule and what it watches to what it says now: in or out, by how much, and since when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from portfolio.market import DateArray
from portfolio.signals import deviation, trend
from portfolio.signals.hysteresis import BoolArray, newest_turn, states
from portfolio.signals.ranking import replayed
from portfolio.signals.rule import Rule
from portfolio.signals.standing import z_scores
from portfolio.types import FloatArray

STALE = 5  # points that a value is carried on while a newer one lacks


@dataclass(frozen=True, slots=True)
class Reading:
    """What a rule says of one symbol. value: the newest of the measure (NaN: never known); inside: in (of a slope: always);
    factor: what the weight is multiplied by; turned: the session of the newest turn.
    """

    value: float
    inside: bool
    factor: float
    turned: date | None = None


def points(sessions: DateArray, every: str, today: date) -> NDArray[np.int64]:
    """Positions of the sessions that a measure looks at: all, or the last of each week or month that is over by `today`.

    A week begins on Monday. The newest month counts once `today` is in a later one: nobody knows before that there is no
    further session in it.
    """
    if every == "day" or len(sessions) == 0:
        return np.arange(len(sessions))
    period = _period(sessions, every)
    following = np.append(period[1:], _period(np.array([np.datetime64(today, "D")]), every))
    return np.nonzero(following > period)[0]


def _period(days: DateArray, every: str) -> NDArray[np.int64]:
    if every == "month":
        return days.astype("datetime64[M]").astype(np.int64)
    monday: NDArray[np.int64] = (days.astype("datetime64[D]").astype(np.int64) + 3) // 7  # 1970-01-01 was a Thursday
    return monday


def carried(values: FloatArray, limit: int = STALE) -> FloatArray:
    """The unknown (NaN) filled with the newest known value of the same column, no older than `limit` points."""
    known = np.isfinite(values)
    rows = np.arange(len(values)).reshape(-1, *([1] * (values.ndim - 1)))
    newest = np.maximum.accumulate(np.where(known, rows, -1), axis=0)
    found = np.take_along_axis(values, np.maximum(newest, 0), axis=0)
    out: FloatArray = np.where((newest >= 0) & (rows - newest <= limit), found, np.nan)
    return out


def read_one(rule: Rule, watched: FloatArray, sessions: DateArray, today: date) -> Reading:
    """What the rule says by one series; watched: shape (sessions,), of turbulence the closes, shape (sessions, among)."""
    where = points(sessions, rule.every, today)
    values = measured(rule, watched if rule.every == "day" else carried(watched), where)
    known = values[np.isfinite(values)]
    value = float(known[-1]) if len(known) else float("nan")
    if rule.slope is not None:
        return Reading(value, True, tilt(rule, value))
    return _read(rule, value, states(values, *rule.conditions), sessions[where])


def read_ranks(rule: Rule, closes: FloatArray, sessions: DateArray, today: date) -> list[Reading]:
    """What a rule with `top` says of each column; columns in the order that decides between equals."""
    where = points(sessions, rule.every, today)
    panel = closes if rule.every == "day" else carried(closes)
    values = carried(np.column_stack([measured(rule, panel[:, i], where) for i in range(closes.shape[1])]))
    chosen = replayed(values, rule.top or 0, rule.buffer)
    newest = values[-1] if len(values) else np.full(closes.shape[1], np.nan)
    return [_read(rule, float(v), chosen[:, i], sessions[where]) for i, v in enumerate(newest)]


def read_across(rule: Rule, figures: FloatArray) -> list[Reading]:
    """What a rule says of each symbol by the z-score of its figure across the symbols; shape (symbols,), NaN where unknown."""
    return [Reading(float(v), True, tilt(rule, float(v))) for v in z_scores(figures)]


def measured(rule: Rule, watched: FloatArray, where: NDArray[np.int64]) -> FloatArray:
    """The measure at each of the points `where`, NaN where it is unknown. It counts the known points only."""
    sampled = watched[where]
    known = np.isfinite(sampled) if sampled.ndim == 1 else np.isfinite(sampled).all(axis=1)
    out = np.full(len(where), np.nan)
    out[known] = smoothed(_MEASURES[rule.measure](rule, sampled[known]), rule.smooth)
    return out


def smoothed(values: FloatArray, window: int) -> FloatArray:
    """Mean of the newest `window` values, NaN where one of them is unknown."""
    if window == 1:
        return values
    out = np.full(len(values), np.nan)
    if len(values) >= window:
        out[window - 1 :] = np.lib.stride_tricks.sliding_window_view(values, window).mean(axis=1)
    return np.round(out, trend.DIGITS)


def tilt(rule: Rule, value: float) -> float:
    """What the weight is multiplied by: 1 + slope x value, from `least` to `most`; 1 where the value is unknown."""
    if not np.isfinite(value):
        return 1.0
    return float(min(max(1.0 + (rule.slope or 0.0) * value, rule.least), rule.most))


def _read(rule: Rule, value: float, state: BoolArray, days: DateArray) -> Reading:
    inside = bool(state[-1]) if len(state) else False
    turn = newest_turn(state)
    turned = None if turn is None else days[turn].astype("datetime64[D]").item()
    return Reading(value, inside, rule.inside if inside else rule.outside, turned)


def _z(rule: Rule, x: FloatArray) -> FloatArray:
    return deviation.z_score(x if rule.series or rule.ratio else np.log(x), rule.window or 0)


def _turbulence(rule: Rule, closes: FloatArray) -> FloatArray:
    moves = closes[1:] / closes[:-1] - 1.0
    return np.concatenate([np.full(min(1, len(closes)), np.nan), deviation.turbulence(moves, rule.window or 0)])


_MEASURES: Mapping[str, Callable[[Rule, FloatArray], FloatArray]] = {
    "level": lambda rule, x: x,
    "z_score": _z,
    "momentum": lambda rule, x: trend.momentum(x, rule.window or 0, rule.skip),
    "moving_average": lambda rule, x: trend.moving_average(x, rule.window or 0),
    "breakout": lambda rule, x: trend.breakout(x, rule.window or 0, rule.exit_window or rule.window or 0),
    "drawdown": lambda rule, x: deviation.drawdown(x, rule.window or 0),
    "turbulence": _turbulence,
}
