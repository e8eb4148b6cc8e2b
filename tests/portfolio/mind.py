"""Small worlds for the tests of the mind: a policy, a market, a book, by what each test changes in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np

from portfolio.decide import Book
from portfolio.market import Market, PriceHistory
from portfolio.policy import parse_policy
from portfolio.types import Account, Action, Health, Policy, Quote, TradingState, Verdict

DEMO = (Path(__file__).parents[2] / "examples" / "demo.toml").read_text()
AS_OF = datetime(2022, 12, 28, 20, 30, tzinfo=UTC)
SESSION = date(2022, 12, 28)
D = Decimal

FIXED = """
[portfolio]
name = "core"
objective = "allocation"
base_currency = "USD"
benchmark = "SPY"
[universe]
symbols = ["SPY", "IEF", "GLD"]
[strategy]
kind = "fixed"
weights = { SPY = 0.6, IEF = 0.3, GLD = 0.1 }
[rebalance]
when = "drift"
absolute_band = 0.05
relative_band = 0.25
[risk]
max_weight = 0.65
max_gross = 1.0
cash_reserve = 0.01
daily_drawdown = { reduce = 0.03, halt = 0.06 }
monthly_drawdown = { reduce = 0.06, halt = 0.10 }
value_at_risk = { level = 0.95, days = 1, limit = 0.02 }
conditional_value_at_risk = { level = 0.95, days = 1, limit = 0.03 }
unknown = "warn"
lookback = 504
[gate]
profile = "paper"
[execution]
mode = "paper"
approval = "automatic"
approval_minutes = 30
order_type = "adaptive"
minimum_trade = 100
quiet_seconds = 60
decide_minutes_before_close = 30
"""

OPTIMIZED = """
[portfolio]
name = "tail"
objective = "optimized"
base_currency = "USD"
[universe]
symbols = ["AAA", "BBB", "CCC", "DDD"]
[strategy]
kind = "optimized"
model = "minimum_cvar"
level = 0.95
lookback = 300
minimum_history = 100
fallback = ["equal_weight", "hold"]
[rebalance]
when = "calendar"
every = "month"
[risk]
max_weight = 0.5
[execution]
mode = "paper"
"""

HEDGED = FIXED.replace("max_gross = 1.0", "max_gross = 1.6").replace('profile = "paper"', 'profile = "paper"\nallow_short = true')
HEDGED += """
[margin]
benchmark_rate = 0.04
[[hedge]]
kind = "beta"
name = "half the market"
instrument = "HDG"
target = 0.3
ceiling = 0.01
"""
HEDGED = HEDGED.replace('"half the market"', '"half"')


def policy(text: str = FIXED, **parts: object) -> Policy:
    """The policy of `text`; each named part (risk, strategy, ...) replaced field by field from its dict; `rule` is the
    strategy's own settings.
    """
    parsed = parse_policy(text)
    if "rule" in parts:
        rule = replace(parsed.strategy.rule, **parts.pop("rule"))
        parsed = replace(parsed, strategy=replace(parsed.strategy, kind=rule.kind, rule=rule))
    for name, changes in parts.items():
        value = replace(getattr(parsed, name), **changes) if isinstance(changes, dict) else changes
        parsed = replace(parsed, **{name: value})
    return parsed


def changed(text: str, line: str, instead: str) -> str:
    """`text` with exactly one line changed."""
    assert text.count(line) == 1, line
    return text.replace(line, instead)


def walk(symbols: int, days: int, seed: int = 7, drift: float = 0.0003, size: float = 0.008) -> np.ndarray:
    """Closes of shape (days, symbols): seeded random walks from 100."""
    steps = np.random.default_rng(seed).normal(drift, size, (days - 1, symbols))
    return 100.0 * np.vstack([np.ones(symbols), np.cumprod(1.0 + steps, axis=0)])


def sessions(days: int) -> np.ndarray:
    """`days` dates that end on the day before SESSION."""
    return np.datetime64(SESSION) - np.arange(days, 0, -1)


def market(symbols=("SPY", "IEF", "GLD"), closes=None, *, days: int = 400, health=None, **more) -> Market:
    closes = walk(len(symbols), days) if closes is None else np.asarray(closes, dtype=float)
    benchmark = more.pop("benchmark", np.full(len(closes), np.nan))
    health = {s: Health(h) for s, h in (health or {}).items()}
    return Market(AS_OF, SESSION, 17, tuple(symbols), sessions(len(closes)), closes, benchmark, health, **more)


def history(rows, symbols=("SPY", "IEF", "GLD")) -> PriceHistory:
    """rows: (symbol, session, close, known_at) with dates and naive UTC instants as ISO texts or values."""
    return PriceHistory(
        symbols=tuple(symbols),
        session=np.array([np.datetime64(r[1], "D") for r in rows], dtype="datetime64[D]"),
        symbol=np.array([symbols.index(r[0]) for r in rows], dtype=np.int64),
        close=np.array([r[2] for r in rows], dtype=float),
        known_at=np.array([np.datetime64(r[3], "us") for r in rows], dtype="datetime64[us]"),
    )


def quote(symbol: str, bid="99.99", ask="100.01", last=None, currency="USD", age: float = 1.0) -> Quote:
    def exact(value):
        return None if value is None else Decimal(value)

    return Quote(symbol, exact(bid), exact(ask), exact(last), currency, AS_OF - timedelta(seconds=age))


def book(positions=None, cash="100000", *, quotes=None, symbols=("SPY", "IEF", "GLD"), **more) -> Book:
    held = {s: Decimal(q) for s, q in (positions or {}).items()}
    fields = {
        "account_name": "DU1",
        "account": Account(held, Decimal(cash), "USD"),
        "quotes": {s: quote(s) for s in symbols} if quotes is None else quotes,
        "instruments": {s: f"US:{s}" for s in symbols},
        "state": TradingState.ACTIVE,
    }
    return Book(**{**fields, **more})


def priced(shown: Market, held: Book) -> Market:
    """The market with each symbol's closes scaled so that the newest is what its quote says; returns stay as they are."""
    closes = np.array(shown.closes)
    for column, symbol in enumerate(shown.symbols):
        price = held.quotes[symbol].dealable if symbol in held.quotes else None
        if price is not None and np.isfinite(closes[-1, column]):
            closes[:, column] *= float(price) / closes[-1, column]
    return replace(shown, closes=closes)


def actions(verdicts) -> dict[str, Action]:
    """rule -> its most careful action."""
    out: dict[str, Action] = {}
    ranked = list(Action)
    for verdict in verdicts:
        before = out.get(verdict.rule, Action.PASS)
        out[verdict.rule] = max(before, verdict.action, key=ranked.index)
    return out


def verdict(action: Action, scale: float = 1.0, symbols=(), rule: str = "rule") -> Verdict:
    return Verdict(rule, action, scale, tuple(symbols), "why")


def up(value: float) -> float:
    return float(np.nextafter(value, np.inf))


def down(value: float) -> float:
    return float(np.nextafter(value, -np.inf))
