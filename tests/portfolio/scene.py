"""What a strategy is shown, by what each test changes in it, and a strategy from the TOML of its table."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime

import numpy as np

from portfolio.market import Market
from portfolio.optimize import Constraints
from portfolio.section import Section
from portfolio.strategies import Seen
from portfolio.strategies.catalog import read_rule
from portfolio.types import Health

NAMES = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG", "HHH")


def strategy(text: str, symbols=None, classes=None):
    """The strategy that the TOML says; checked against a universe where one is given."""
    section = Section("strategy", tomllib.loads(text))
    rule = read_rule(section)
    section.done()
    if symbols is not None:
        rule.check(tuple(symbols), classes or {})
    return rule


def days(count: int, last: str = "2022-12-27") -> np.ndarray:
    """`count` weekdays that end on `last`."""
    return np.busday_offset(last, np.arange(-count + 1, 1), roll="backward").astype("datetime64[D]")


def market(closes, symbols=None, *, sessions=None, today=None, health=None, **more) -> Market:
    closes = np.asarray(closes, dtype=float)
    symbols = NAMES[: closes.shape[1]] if symbols is None else tuple(symbols)
    sessions = days(len(closes)) if sessions is None else sessions
    today = date(2022, 12, 28) if today is None else today
    benchmark = more.pop("benchmark", np.full(len(closes), np.nan))
    more["ratios"] = {name: _ratio(told, len(closes)) for name, told in more.pop("ratios", {}).items()}
    sick = {s: Health(h) for s, h in (health or {}).items()}
    return Market(datetime(2022, 12, 28, 20, 30, tzinfo=UTC), today, 17, symbols, sessions, closes, benchmark, sick, **more)


def _ratio(told: np.ndarray, sessions: int) -> np.ndarray:
    """Shape (sessions, symbols); of one figure a symbol, shape (symbols,), the newest alone is known."""
    if told.ndim == 2:
        return told
    return np.vstack([np.full((sessions - 1, len(told)), np.nan), told])


def seen(shown, *, held=None, room: float = 1.0, classes=None, symbols=None) -> Seen:
    """shown: a Market, or closes."""
    shown = shown if isinstance(shown, Market) else market(shown)
    symbols = shown.symbols if symbols is None else tuple(symbols)
    mine = dict.fromkeys(shown.symbols, 0.0) | dict(held or {})
    allowed = Constraints(np.zeros(len(symbols)), np.ones(len(symbols)), (0.0, room))
    return Seen(shown, symbols, mine, allowed, classes or {})


def walk(count: int, names: int, seed: int = 7, size: float = 0.01, drift: float = 0.0003) -> np.ndarray:
    """Closes of shape (count, names): seeded random walks, each of its own volatility, from 100."""
    rng = np.random.default_rng(seed)
    each = size * (0.5 + np.arange(names) / max(names - 1, 1))
    steps = rng.normal(drift, 1.0, (count - 1, names)) * each
    return 100.0 * np.vstack([np.ones(names), np.cumprod(1.0 + steps, axis=0)])


def told(rule, shown, **more) -> dict[str, float]:
    """The weights of the strategy's wish."""
    return dict(rule.wish(shown if isinstance(shown, Seen) else seen(shown, **more)).weights)
