"""Risk rules: every rule over one wish of 500 symbols with 504 sessions, and the figures beside Riskfolio's own functions.

python -m benchmarks.risk
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import drawn
from benchmarks.spent import spent
from portfolio import measures
from portfolio.market import Market
from portfolio.measures import METHODS, Horizon
from portfolio.policy import parse_policy
from portfolio.risk import Situation, contributions, judge, risk_profile, settle
from portfolio.risk.past import look_back
from portfolio.types import LiquidityPolicy, SizingPolicy, TailLimit, TradingState

SYMBOLS, SESSIONS = 500, 504


def situation(tight: float = 1.0) -> Situation:
    """All rules have a limit; `tight`: a factor on those of figures."""
    closes = 100.0 * np.cumprod(1.0 + drawn(SYMBOLS, SESSIONS + 1), axis=0)
    names = tuple(f"A{i:03d}" for i in range(SYMBOLS))
    days = np.busday_offset("2022-12-27", np.arange(-SESSIONS, 1), roll="backward").astype("datetime64[D]")
    benchmark = closes.mean(axis=1)
    moment = datetime(2022, 12, 28, 20, 30, tzinfo=UTC)
    market = Market(moment, date(2022, 12, 28), 17, names, days, closes, benchmark, volumes=dict.fromkeys(names, 1e6))
    policy = parse_policy((Path(__file__).parents[1] / "examples" / "demo.toml").read_text())
    limits = replace(
        policy.risk,
        max_group={"sector": 0.3},
        min_effective_names=200.0,
        max_component=0.01 * tight,
        max_volatility=0.4 * tight,
        max_volatility_at_one=0.5 * tight,
        beta=(0.0, 1.5 * tight),
        sizing=SizingPolicy("volatility", budget=0.01),
        liquidity=LiquidityPolicy(days=5.0, volume_share=0.5),
        value_at_risk=TailLimit(0.95, 1, 0.05 * tight, "filtered_historical"),
        conditional_value_at_risk=TailLimit(0.975, 10, 0.3 * tight, "monte_carlo", 4.0),
    )
    sectors = {"sector": {s: f"G{i % 11}" for i, s in enumerate(names)}}
    return Situation(replace(policy, risk=limits, classes=sectors), market, TradingState.ACTIVE, (), Decimal(1_000_000))


def main() -> None:
    there = situation()
    wish = {s: 2 * (i + 1) / SYMBOLS / (SYMBOLS + 1) for i, s in enumerate(there.market.symbols)}
    size = f"{SYMBOLS} symbols, {SESSIONS} sessions"
    print(f"every rule, all within, {size}: {spent(lambda: judge(wish, there)):.3f} s of CPU")
    tight = situation(0.3)
    broken = sum(v.scale < 1 for v in judge(wish, tight))
    print(f"every rule, {broken} verdicts that scale, {size}: {spent(lambda: judge(wish, tight)):.3f} s of CPU")
    print(f"settled, all limits at once, {size}: {spent(lambda: settle(wish, wish, tight)):.3f} s of CPU")
    print(f"risk_profile, {size}: {spent(lambda: risk_profile(wish, there.market, there.policy)):.3f} s of CPU")
    print(f"contributions, {size}: {spent(lambda: contributions(wish, there.market, there.policy)):.3f} s of CPU")
    book = look_back(wish, there.market, SESSIONS).book
    for method in METHODS:
        print(f"one tail, {method}: {spent(lambda: measures.tail(book, Horizon(0.975), method)) * 1e3:.2f} ms of CPU")  # noqa: B023
    beside(wish, there)


def beside(wish: dict[str, float], there: Situation) -> None:
    """The same figures by Riskfolio's functions, and how many times ours is faster."""
    import riskfolio

    owner: Any = riskfolio.RiskFunctions
    past = look_back(wish, there.market, SESSIONS)
    weights, returns, book = past.weights, past.returns, past.book
    pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "CVaR": (lambda: measures.conditional_value_at_risk(book), lambda: owner.CVaR_Hist(book, 0.05)),
        "EVaR": (lambda: measures.entropic_value_at_risk(book), lambda: owner.EVaR_Hist(book, 0.05)),
        "largest drawdown": (lambda: measures.max_drawdown(book), lambda: owner.MDD_Rel(book)),
        f"parts of CVaR of {SYMBOLS}": (
            lambda: measures.marginal_conditional_value_at_risk(weights, returns),
            lambda: owner.Risk_Contribution(weights, returns, rm="CVaR"),
        ),
        f"parts of volatility of {SYMBOLS}": (
            lambda: measures.marginal_volatility(weights, returns),
            lambda: owner.Risk_Contribution(weights, returns, rm="MV"),
        ),
    }
    for name, (ours, theirs) in pairs.items():
        mine, other = spent(ours), spent(theirs)
        print(f"{name}: {mine * 1e3:.3f} ms, Riskfolio {other * 1e3:.3f} ms, {other / mine:.0f} x")


if __name__ == "__main__":
    main()
