"""The rules of [rebalance] in their order: what never waits, what holds back, and the policy's own rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from portfolio.timing.bands import drifted
from portfolio.timing.calendar import due
from portfolio.timing.cash_flows import flowed
from portfolio.timing.cost_aware import worth
from portfolio.types import FloatArray, RebalancePolicy, SessionPlace, Timing, Weights


@dataclass(frozen=True, slots=True)
class Occasion:
    """What is known on the day. Weights are fractions of equity.

    rebalances: sessions of the finished plans that traded, oldest first; since: sessions since the last of them (0: today).
    repair: the least trade that mends what is over a limit, and why; None where nothing is. members: symbol -> its name in the
    class whose bands count (empty: itself). covariance: of a day, of the symbols whose wish differs from what is held, sorted;
    None where history does not carry it.
    """

    wish: Weights
    current: Weights
    session: date
    rebalances: tuple[date, ...] = ()
    since: int | None = None
    place: SessionPlace | None = None
    repair: tuple[Weights, str] | None = None
    turned: Mapping[str, date] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)
    covariance: FloatArray | None = None

    @property
    def last(self) -> date | None:
        return self.rebalances[-1] if self.rebalances else None


def rebalance(policy: RebalancePolicy, now: Occasion) -> Timing:
    """Whether the account moves to the wish today. A first investment waits for nothing; a cooldown and the month's maximum
    hold back the policy's own rule. Where that does not trade, a broken limit is mended at once, by the least trade that does,
    and then cash that came or went is dealt with.
    """
    if not any(abs(w) > 0 for w in now.current.values()):
        return Timing(True, now.wish, "the account holds nothing yet: the first investment", "first investment")
    wait = _wait(policy, now)
    own = {"calendar": _calendar, "drift": _drift, "signal": _signal, "cost_aware": _cost_aware}[policy.when]
    asked = Timing(False, now.wish, wait) if wait else own(policy, now)
    if asked.trade:
        return asked
    if now.repair:
        weights, why = now.repair
        whole = weights == now.wish
        return Timing(True, weights, f"what is held breaks a limit: {why}", "repair" if whole else "mend")
    flow = flowed(policy, now.wish, now.current) if policy.cash_flows and not wait else None
    return flow or asked


def _wait(policy: RebalancePolicy, now: Occasion) -> str:
    if policy.cooldown and now.since is not None and now.since < policy.cooldown:
        return f"the last rebalance was {now.since} sessions ago, on {now.last}: the cooldown is {policy.cooldown}"
    month = [day for day in now.rebalances if (day.year, day.month) == (now.session.year, now.session.month)]
    if policy.max_a_month is not None and len(month) >= policy.max_a_month:
        return f"{len(month)} rebalances in this month already, {policy.max_a_month} are allowed"
    return ""


def _calendar(policy: RebalancePolicy, now: Occasion) -> Timing:
    trade, why = due(policy, now.session, now.last, now.place)
    return Timing(trade, now.wish, why)


def _drift(policy: RebalancePolicy, now: Occasion) -> Timing:
    trade, why = drifted(policy, now.wish, now.current, now.members)
    return Timing(trade, now.wish, why)


def _signal(policy: RebalancePolicy, now: Occasion) -> Timing:
    """A signal that turned after the last rebalance."""
    news = {s: day for s, day in sorted(now.turned.items()) if now.last is None or day >= now.last}
    if news:
        said = ", ".join(f"{s} on {day}" for s, day in news.items())
        return Timing(True, now.wish, f"signals turned since the last rebalance: {said}")
    newest = max(now.turned.values(), default=None)
    return Timing(False, now.wish, f"no signal turned since {now.last}" + (f"; the newest turned on {newest}" if newest else ""))


def _cost_aware(policy: RebalancePolicy, now: Occasion) -> Timing:
    return worth(policy, now.wish, now.current, now.covariance)
