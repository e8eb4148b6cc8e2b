"""All rules over one wish, in a fixed order."""

from __future__ import annotations

from portfolio.risk.concentration import concentration_rule
from portfolio.risk.data import data_health, do_not_trade, freshness, limits_on_risk, strange_quotes
from portfolio.risk.drawdown import drawdown_rules, state_rule
from portfolio.risk.expiry import expiry
from portfolio.risk.exposure import finite_weights, long_only, max_gross, max_weight
from portfolio.risk.groups import max_group
from portfolio.risk.liquidity import liquidity
from portfolio.risk.margin import margin_rules
from portfolio.risk.market_beta import beta_rule
from portfolio.risk.past import look_back
from portfolio.risk.situation import Situation
from portfolio.risk.sizing import sizing
from portfolio.risk.spread import max_component, max_volatility, max_volatility_at_one
from portfolio.risk.stress import stress_rules
from portfolio.risk.tail import tail_rules
from portfolio.types import Action, Verdict, Weights


def judge(weights: Weights, there: Situation) -> tuple[Verdict, ...]:
    """Every rule's verdict on `weights` (fractions of equity). A later rule does not see an earlier one's scaling: the
    smallest scale wins, so each limit holds on its own; `settle` asks until all hold together.
    """
    policy, market = there.policy, there.market
    finite = finite_weights(weights)
    if finite.action is Action.BLOCK:
        return (finite, state_rule(there.state, there.standing))
    return (
        finite,
        state_rule(there.state, there.standing),
        *data_health(market),
        *strange_quotes(there),
        *freshness(market, policy),
        *do_not_trade(policy),
        *limits_on_risk(weights, market, policy),
        *on_weights(weights, there),
        *on_the_past(weights, there),
        *drawdown_rules(there),
        *liquidity(weights, there),
        *stress_rules(weights, there),
    )


def on_weights(weights: Weights, there: Situation) -> list[Verdict]:
    """The rules that need no history."""
    limits = there.policy.risk
    return [
        long_only(weights, there),
        *max_weight(weights, limits),
        max_gross(weights, limits),
        *max_group(weights, there.policy),
        *concentration_rule(weights, limits),
        *margin_rules(weights, there),
        *expiry(weights, there),
    ]


def on_the_past(weights: Weights, there: Situation) -> list[Verdict]:
    """The rules on figures; the returns behind them are put together once."""
    limits = there.policy.risk
    past = look_back(weights, there.market, limits.lookback)
    return [
        *sizing(weights, past, there),
        *tail_rules(past, there.policy),
        *max_volatility(past, limits),
        *max_volatility_at_one(past, limits),
        *max_component(past, limits),
        *beta_rule(past, there),
    ]
