"""By drift: outside an absolute or a relative band, for each symbol or for each asset class."""

from __future__ import annotations

from collections.abc import Mapping

from portfolio.types import RebalancePolicy, Weights


def drifted(policy: RebalancePolicy, wish: Weights, current: Weights, members: Mapping[str, str]) -> tuple[bool, str]:
    """(trade?, the sentence why). members: symbol -> the name whose sum is held against the bands (itself where absent).

    Outside the absolute band, or outside the relative band and by more than a tenth of the absolute one (so that a name
    of a few basis points does not trade the whole book).
    """
    wished, held = _summed(wish, members), _summed(current, members)
    drift = {s: held.get(s, 0.0) - wished.get(s, 0.0) for s in {*wished, *held}}
    widest = max(sorted(drift), key=lambda s: abs(drift[s]), default=None)
    if widest is None:
        return False, "there is nothing to drift"
    floor = policy.absolute_band / 10
    over = [
        s
        for s in sorted(drift)
        if abs(drift[s]) > policy.absolute_band
        or (abs(drift[s]) > policy.relative_band * abs(wished.get(s, 0.0)) and abs(drift[s]) > floor)
    ]
    what = policy.band_by.replace("_", " ") + " groups" if policy.band_by else "symbols"
    said = f"the widest drift is {widest} at {drift[widest]:+.2%}"
    if over:
        first = max(over, key=lambda s: abs(drift[s]))
        return (
            True,
            f"{len(over)} of {len(drift)} {what} are outside their bands; of these {first} the most, at {drift[first]:+.2%}",
        )
    return False, f"every {'group' if policy.band_by else 'symbol'} is inside its bands; {said}"


def _summed(weights: Weights, members: Mapping[str, str]) -> dict[str, float]:
    out: dict[str, float] = {}
    for symbol in sorted(weights):
        name = members.get(symbol, symbol)
        out[name] = out.get(name, 0.0) + weights[symbol]
    return out
