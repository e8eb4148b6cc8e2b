"""Rules on the data behind the wish: a sick symbol is frozen, the others go on."""

from __future__ import annotations

from portfolio.market import Market
from portfolio.risk.limits import passed, unknown
from portfolio.risk.situation import Situation
from portfolio.types import Action, Health, Policy, Verdict, Weights


def data_health(market: Market) -> list[Verdict]:
    """One verdict for each symbol that is not sound, or one that passes."""
    sick = [s for s in market.symbols if market.health.get(s, Health.SOUND) is not Health.SOUND]
    verdicts = [_verdict(s, market.health[s], market.illness.get(s, ())) for s in sick]
    return verdicts or [passed("data_health", f"all {len(market.symbols)} symbols are sound")]


def _verdict(symbol: str, health: Health, laws: tuple[str, ...]) -> Verdict:
    because = f"{symbol}: {' '.join(laws) or 'it breaks a law of its data'}"
    if health is Health.BLOCKED:
        return Verdict("data_health", Action.FREEZE, 1.0, (symbol,), f"{because} Frozen: neither bought nor sold.")
    return Verdict("data_health", Action.WARN, 1.0, (symbol,), because)


def strange_quotes(there: Situation) -> list[Verdict]:
    """A symbol whose quote is nowhere near its closes is neither bought nor sold."""
    return [
        Verdict("strange_quote", Action.FREEZE, 1.0, (symbol,), f"{symbol}: {why}. Frozen: neither bought nor sold.")
        for symbol, why in sorted(there.strange.items())
    ]


def do_not_trade(policy: Policy) -> list[Verdict]:
    """What the policy says is not to be traded stays, whatever another rule wants of it."""
    symbols = policy.constraints.do_not_trade
    if not symbols:
        return []
    return [Verdict("do_not_trade", Action.FREEZE, 1.0, symbols, "the policy says not to trade it: it stays as it is held")]


def limits_on_risk(weights: Weights, market: Market, policy: Policy) -> list[Verdict]:
    """What is held of a blocked symbol is not in the risk that [constraints] limits: its returns cannot be believed."""
    asked = policy.constraints
    if asked.volatility is None and asked.tracking_error is None and asked.conditional_value_at_risk is None:
        return []
    unseen = tuple(s for s in sorted(weights) if weights[s] and market.health.get(s) is Health.BLOCKED)
    if not unseen:
        return []
    why = f"the limits on risk of [constraints] do not see {', '.join(unseen)}, whose data is blocked"
    return [unknown("limits_on_risk", policy.risk, why, unseen)]


def freshness(market: Market, policy: Policy) -> list[Verdict]:
    """What is looked at beside prices and is too old: unknown where the objective asks that it be fresh, else a warning."""
    out = []
    for name, why in sorted(market.stale.items()):
        if name.split(" ", maxsplit=1)[0] in policy.fresh:
            out.append(unknown("freshness", policy.risk, f"stale {name}: {why}"))
        else:
            out.append(Verdict("freshness", Action.WARN, 1.0, (), f"stale {name}: {why}"))
    looked = ["prices", *(["macro"] if market.macro else []), *(["fundamentals"] if market.ratios else [])]
    return out or [passed("freshness", f"fresh: {', '.join(looked)}")]
