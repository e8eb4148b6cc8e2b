"""Stress: all scenarios over what is held and what is decided, for 500 symbols with 5,000 sessions; and the VaR backtest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np

from benchmarks.peers import drawn
from benchmarks.spent import spent
from portfolio.market import Market
from portfolio.measures import METHODS
from portfolio.policy import parse_policy
from portfolio.risk import Situation
from portfolio.risk.backtests import backtests
from portfolio.risk.rolling import rolling_value_at_risk
from portfolio.risk.stress import SCENARIOS, stress_rules, stresses
from portfolio.types import StressPolicy, TailLimit, TradingState

SYMBOLS, SESSIONS = 500, 5000


def situation(symbols: int = SYMBOLS, sessions: int = SESSIONS) -> Situation:
    """A book of `symbols` whose history covers all episodes from 2008 on; a tenth of them are young."""
    closes = 100.0 * np.cumprod(1.0 + drawn(symbols, sessions), axis=0)
    closes[: sessions // 2, ::10] = np.nan
    names = tuple(f"A{i:03d}" for i in range(symbols))
    days = np.busday_offset("2022-12-27", np.arange(-sessions + 1, 1), roll="backward").astype("datetime64[D]")
    volumes = dict.fromkeys(names, 1e6)
    moment = datetime(2022, 12, 28, 20, 30, tzinfo=UTC)
    market = Market(moment, date(2022, 12, 28), 17, names, days, closes, closes[:, 1], volumes=volumes)
    policy = parse_policy((Path(__file__).parents[1] / "examples" / "demo.toml").read_text())
    policy = replace(policy, risk=replace(policy.risk, stress=StressPolicy({"any": 0.5})))
    return Situation(policy, market, TradingState.ACTIVE, (), Decimal(1_000_000))


def main() -> None:
    there = situation()
    book = dict.fromkeys(there.market.symbols, 1 / SYMBOLS)
    wish = {s: 2 * i / SYMBOLS**2 for i, s in enumerate(there.market.symbols)}
    size = f"{SYMBOLS} symbols, {SESSIONS} sessions"
    print(f"stresses, {len(SCENARIOS)} scenarios, two books, {size}: {spent(lambda: stresses(book, wish, there)):.3f} s of CPU")
    print(f"stress_rules, {size}: {spent(lambda: stress_rules(wish, there)):.3f} s of CPU")
    old = {s: w for s, w in book.items() if there.market.closes[0, there.market.symbols.index(s)] > 0}
    print(f"VaR backtest, 500 sessions, {size}: {spent(lambda: backtests(old, there)):.3f} s of CPU")
    returns = drawn(1, 504 + 500)[:, 0]
    for method in METHODS:
        asked = TailLimit(0.99, 1, 1.0, method)
        print(f"rolling VaR, {method}, 500 days of 504: {spent(lambda: rolling_value_at_risk(returns, 504, asked)):.3f} s of CPU")  # noqa: B023


if __name__ == "__main__":
    main()
