"""All rules over one wish, in a fixed order."""

from __future__ import annotations

from portfolio.risk.data import data_health, do_not_trade, freshness, limits_on_risk, liquidity
from portfolio.risk.drawdown import drawdown_rules, state_rule
from portfolio.risk.exposure import finite_weights, long_only, max_gross, max_weight
from portfolio.risk.situation import Situation
from portfolio.risk.tail import tail_rules
from portfolio.types import Action, Verdict, Weights


def judge(weights: Weights, there: Situation) -> tuple[Verdict, ...]:
    """Every rule's verdict on `weights` (fractions of equity). A later rule does not see an earlier one's scaling: the
    smallest scale wins, so each limit holds on its own.
    """
    policy, market = there.policy, there.market
    finite = finite_weights(weights)
    if finite.action is Action.BLOCK:
        return (finite, state_rule(there.state))
    return (
        finite,
        state_rule(there.state),
        *data_health(market),
        *freshness(market, policy),
        *do_not_trade(policy),
        *limits_on_risk(weights, market, policy),
        long_only(weights),
        *max_weight(weights, policy.risk),
        max_gross(weights, policy.risk),
        *tail_rules(weights, market, policy),
        *drawdown_rules(there.history, there.equity, market.session, policy),
        liquidity(market, policy),
    )
