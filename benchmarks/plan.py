"""The whole decision for 500 symbols (market view, strategy, all rules, all stresses, plan), and its rounding alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np

from benchmarks.peers import drawn
from benchmarks.spent import spent
from portfolio.book import Book
from portfolio.decide import decide
from portfolio.market import Market, PriceHistory, view
from portfolio.orders.rounding import Lots, Rounded, whole_lots
from portfolio.policy import parse_policy
from portfolio.types import Account, Policy, Quote, TradingState

SYMBOLS, SESSIONS = 500, 2520
MOMENT, TODAY = datetime(2022, 12, 28, 20, 30, tzinfo=UTC), date(2022, 12, 28)
POLICY = """
[portfolio]
name = "bench"
objective = "allocation"
base_currency = "USD"
benchmark = "A000"
[universe]
symbols = [{symbols}]
[strategy]
kind = "inverse_volatility"
lookback = 252
[rebalance]
when = "drift"
absolute_band = 0.0005
relative_band = 0.05
[risk]
max_weight = 0.01
max_volatility = 0.12
max_component = 0.02
min_effective_names = 200
max_volatility_at_one = 0.30
beta = {{ min = 0.0, max = 1.5 }}
value_at_risk = {{ level = 0.95, days = 1, limit = 0.02 }}
conditional_value_at_risk = {{ level = 0.95, days = 1, limit = 0.03 }}
sizing = {{ kind = "volatility", budget = 0.01 }}
liquidity = {{ days = 20 }}
stress = {{ max_loss = {{ any = 0.6 }} }}
[execution]
mode = "paper"
"""


def world() -> tuple[Policy, PriceHistory, Book]:
    """A policy with every limit, ten years of closes, and an account with something of most symbols."""
    names = tuple(f"A{i:03d}" for i in range(SYMBOLS))
    policy = parse_policy(POLICY.format(symbols=", ".join(f'"{s}"' for s in names)))
    closes = 100.0 * np.cumprod(1.0 + drawn(SYMBOLS, SESSIONS), axis=0)
    days = np.busday_offset("2022-12-27", np.arange(-SESSIONS + 1, 1), roll="backward").astype("datetime64[D]")
    known = np.repeat(days.astype("datetime64[us]") + np.timedelta64(21, "h"), SYMBOLS)
    history = PriceHistory(names, np.repeat(days, SYMBOLS), np.tile(np.arange(SYMBOLS), SESSIONS), closes.ravel(), known)
    quotes = {s: quoted(s, float(closes[-1, i])) for i, s in enumerate(names)}
    rng = np.random.default_rng(7)
    held = {s: Decimal(int(rng.uniform(0, 0.004) * 1e7 / closes[-1, i])) for i, s in enumerate(names)}
    account = Account(held, Decimal(5_000_000), "USD")
    return policy, history, Book("DU1", account, quotes, {s: f"US:{s}" for s in names}, TradingState.ACTIVE)


def quoted(symbol: str, close: float) -> Quote:
    bid, ask = (Decimal(str(round(close * side, 2))) for side in (0.9998, 1.0002))
    return Quote(symbol, bid, ask, None, "USD", MOMENT)


def seen(policy: Policy, history: PriceHistory) -> Market:
    shown = view(history, as_of=MOMENT, session=TODAY, snapshot=1, symbols=policy.symbols, benchmark=policy.benchmark)
    return replace(shown, volumes=dict.fromkeys(policy.symbols, 1e6))


def lots(count: int, equity: float = 1e7) -> Lots:
    rng = np.random.default_rng(count)
    price = rng.uniform(5, 500, count)
    weights = rng.dirichlet(np.ones(count)) * 0.99

    def fee(number: np.ndarray, rows: object) -> np.ndarray:
        return np.where(number > 0, np.minimum(np.maximum(number * 0.005, 1.0), number * price[rows] * 0.01), 0.0)

    wide = np.full(count, np.inf)
    ideal, ticket = weights * equity / price, np.zeros(count)
    return Lots(ideal, price, price * 1.0002, price * 0.9998, -wide, wide, ticket, fee, equity, room=0.99 * equity)


def main() -> None:
    policy, history, book = world()
    decided = decide(policy, seen(policy, history), book, code_version="bench")
    lines = decided.plan.lines if decided.plan else ()
    told = f"{len(decided.verdicts)} verdicts, {len(decided.stresses)} stresses, {len(lines)} orders"
    size = f"{SYMBOLS} symbols, {SESSIONS} sessions"
    print(f"market view, {size}: {spent(lambda: seen(policy, history)):.3f} s of CPU")
    whole = spent(lambda: decide(policy, seen(policy, history), book, code_version="bench"))
    print(f"the whole decision, {told}: {whole:.3f} s of CPU")
    for number in (20, 100, 500):
        found: Rounded = whole_lots(lots(number))
        taken = spent(lambda: whole_lots(lots(number)))  # noqa: B023
        print(f"rounding, {number} lines: {taken:.3f} s of CPU, tracking error {found.error:.2e}")


if __name__ == "__main__":
    main()
