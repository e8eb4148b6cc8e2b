"""Rules on the data behind the wish: a sick symbol is frozen, the others go on."""

from __future__ import annotations

from portfolio.market import Market
from portfolio.risk.limits import passed, unknown
from portfolio.types import Action, Health, Policy, Verdict


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


def liquidity(market: Market, policy: Policy) -> Verdict:
    """Share of the day's volume, where the sources give a volume at all."""
    without = [d.source for d in market.declarations if "volume" not in d.has]
    if without or not market.declarations:
        who = ", ".join(sorted(without)) or "no source"
        return unknown("liquidity", policy.risk, f"{who} gives no volume" if without else "no source says that it gives volume")
    return passed("liquidity", "every source gives a volume; the gate holds each order against it")
