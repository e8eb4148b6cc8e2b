"""Rules on sums: the names of a class, such as a sector, and the foreign currencies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from portfolio.risk.limits import ROUNDING, passed, scaled, within
from portfolio.types import Policy, Verdict, Weights, money_of

RULE = "max_group"


def max_group(weights: Weights, policy: Policy) -> list[Verdict]:
    """For each class of [risk.max_group] one verdict a name over its limit, or one that passes.

    Of a class the longs and the shorts of a name count apart, so that no hedge makes room for more. Of a currency the net
    counts, pairs included: a pair that is sold takes it off. The base currency has no limit.
    """
    out = []
    for kind, limit in sorted(policy.risk.max_group.items()):
        if kind in policy.classes:
            out += _verdicts(kind, limit, _sides(weights, policy.classes[kind]))
        else:
            out += _verdicts(kind, limit, _currencies(weights, policy))
    return out


Sums = dict[str, tuple[float, tuple[str, ...]]]  # name -> how much of it is held, and what counts for it


def _verdicts(kind: str, limit: float, sums: Sums) -> list[Verdict]:
    over = {name: told for name, told in sums.items() if not within(told[0], limit + ROUNDING)}
    if not over:
        name, (figure, _) = max(sums.items(), key=lambda item: item[1][0], default=("nothing", (0.0, ())))
        words = f"the largest {kind}, {name}, is {figure:.2%} of a limit of {limit:.2%}"
        return [replace(passed(RULE, words, (), figure, limit), of=f"{kind} {name}")]
    return [
        scaled(RULE, figure, limit, f"{kind} {name} at {figure:.2%} is over the limit of {limit:.2%}", symbols)
        for name, (figure, symbols) in sorted(over.items())
    ]


def _sides(weights: Weights, names: Mapping[str, str]) -> Sums:
    """The longs and the shorts of each name; a symbol without a name there counts for none."""
    sums: Sums = {}
    for name in dict.fromkeys(names.values()):
        for sign, side in ((1.0, name), (-1.0, f"{name} (short)")):
            symbols = tuple(s for s, w in weights.items() if names.get(s) == name and not w * sign <= 0.0)  # NaN on both
            if symbols:
                sums[side] = (sum(abs(weights[s]) for s in symbols), symbols)
    return sums


def _currencies(weights: Weights, policy: Policy) -> Sums:
    """Net exposure to each foreign currency, without its sign."""
    of = {s: _currency(s, policy) for s, w in weights.items() if w != 0.0}
    foreign = sorted({c for c in of.values() if c != policy.base_currency})
    symbols = {c: tuple(s for s, its in of.items() if its == c) for c in foreign}
    return {c: (abs(sum(weights[s] for s in symbols[c])), symbols[c]) for c in foreign}


def _currency(symbol: str, policy: Policy) -> str:
    return money_of(symbol) or policy.currency(symbol)
