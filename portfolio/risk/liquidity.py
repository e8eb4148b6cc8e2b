"""How long it takes to sell, and how large a position is beside the volume of a day."""

from __future__ import annotations

import math
from collections.abc import Mapping

from portfolio.risk.limits import passed, scaled, unknown, within
from portfolio.risk.situation import Situation
from portfolio.types import LiquidityPolicy, Verdict, Weights, money_of, multiplier, option_terms

RULE = "liquidity"


def liquidity(weights: Weights, there: Situation) -> list[Verdict]:
    """One verdict a position over a limit, one for those whose volume nobody says, or one that passes.

    Without a limit it only tells whether the sources give a volume; the gate holds each order against it.
    """
    asked = there.policy.risk.liquidity
    if asked.days is None and asked.volume_share is None:
        return [_told(there)]
    volumes = day_shares(weights, there)
    silent = tuple(s for s, w in weights.items() if w != 0.0 and s not in volumes and not money_of(s) and not option_terms(s))
    out = [unknown(RULE, there.policy.risk, f"no volume is known of {', '.join(silent)}", silent)] if silent else []
    limits = [(_days_of(asked), asked.days, _days), (1.0, asked.volume_share, _share)]
    over = [
        scaled(RULE, share * turn, limit, f"{s} {words(share * turn, asked)} is over the limit of {words(limit, asked)}", (s,))
        for turn, limit, words in limits
        if limit is not None
        for s, share in sorted(volumes.items())
        if not within(share * turn, limit)
    ]
    return [*out, *over] or [_slowest(volumes, asked)]


def day_shares(weights: Weights, there: Situation) -> dict[str, float]:
    """symbol -> the position as a share of its 20-day average volume, for those whose volume and close are known.

    shares = weight x equity / (newest close x shares a contract), of a close in the base currency.
    """
    closes, equity = _newest(weights, there), float(there.equity)
    found = {}
    for symbol, weight in weights.items():
        volume, close = there.market.volumes.get(symbol, 0.0), closes.get(symbol, math.nan)
        if weight != 0.0 and volume > 0.0 and math.isfinite(volume) and math.isfinite(close):
            found[symbol] = abs(weight) * equity / (close * float(multiplier(symbol))) / volume
    return found


def _newest(weights: Weights, there: Situation) -> Mapping[str, float]:
    return there.market.last_closes() if any(weights.values()) else {}


def _days_of(asked: LiquidityPolicy) -> float:
    """Days to sell what is as large as a day's volume."""
    return 1.0 / asked.participation


def _days(figure: float, asked: LiquidityPolicy) -> str:
    return f"sold in {figure:.2f} days at {asked.participation:.0%} of the volume"


def _share(figure: float, asked: LiquidityPolicy) -> str:
    return f"{figure:.2%} of a day's volume"


def _slowest(volumes: Mapping[str, float], asked: LiquidityPolicy) -> Verdict:
    """The position that is largest beside its volume; the figure is the one whose limit is used more."""
    if not volumes:
        return passed(RULE, "nothing is held that has a volume")
    name = max(volumes, key=lambda s: volumes[s])
    days = volumes[name] * _days_of(asked)
    told = [(days, asked.days), (volumes[name], asked.volume_share)]
    figure, limit = max(((f, lim) for f, lim in told if lim is not None), key=lambda each: each[0] / each[1] if each[1] else 0.0)
    return passed(RULE, f"the slowest, {name}, is {_days(days, asked)}, {_share(volumes[name], asked)}", (), figure, limit)


def _told(there: Situation) -> Verdict:
    market, policy = there.market, there.policy.risk
    without = [d.source for d in market.declarations if "volume" not in d.has]
    if without or not market.declarations:
        who = ", ".join(sorted(without)) or "no source"
        return unknown(RULE, policy, f"{who} gives no volume" if without else "no source says that it gives volume")
    return passed(RULE, "every source gives a volume; the gate holds each order against it")
