"""Whole increments that come as close to the wished weights as the cash allows.

With k increments of each symbol to buy (k > 0) or sell (k < 0), unit the value of one increment and E the equity, choose
whole k to minimise the tracking error sqrt(sum(((k - ideal) * unit / E)^2)) while the cash spent, commissions included,
is at most what there is. k never goes against the wish and never further than the whole number beyond it.

It is a knapsack with several choices a symbol. Its Lagrangian falls apart into symbols and is solved by bisection on the
price of cash; what is left of the cash is used up by trying all combinations of the symbols that care least (the core).
Source: Kellerer, Pferschy & Pisinger (2004), "Knapsack Problems", ch. 11 (multiple choice, core).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portfolio.types import FloatArray

ALL = slice(None)
HALF = 65_536  # combinations of each half of the core
CORE = 32  # symbols in it, at the most
STEPS = 60  # of the bisection
PARTS = (1.0, 0.7, 0.4, 0.15)  # of the price of cash: the core looks different from each
FINE = 40  # symbols of the cheapest increments, which take up what is left
MOVES = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
SWEEPS = 60
TINY = 1e-18
MANY = 100  # symbols: with more of them the first look is near enough
SAFE = 1e-12  # of equity: what sums of floats may be off


@dataclass(frozen=True, slots=True)
class Lots:
    """One row a symbol, shape (symbols,). Money in the base currency; `room` and `equity` too.

    ideal: increments to trade, signed, not whole. unit: value of an increment. buy, sell: cash paid for, or got from, an
    increment at the far side of the quote. low, high: numbers that may be traded at all. ticket: the
    smallest number of increments that is worth a ticket. fee: commissions of numbers of increments (their last
    axis) of some rows, shape as given.
    room: cash that may be spent.
    """

    ideal: FloatArray
    unit: FloatArray
    buy: FloatArray
    sell: FloatArray
    low: FloatArray
    high: FloatArray
    ticket: FloatArray
    fee: Callable[[FloatArray, Any], FloatArray]
    equity: float
    room: float


@dataclass(frozen=True, slots=True)
class Rounded:
    """traded: increments, shape (symbols,), whole. error: the tracking error, a fraction of equity. affordable: whether the
    cash holds; where nothing does, nothing is bought. spent: of the cash, negative where some comes in.
    """

    traded: FloatArray
    error: float
    affordable: bool
    spent: float


def whole_lots(lots: Lots) -> Rounded:
    """The whole increments to trade."""
    if len(lots.ideal) == 0:
        return Rounded(np.zeros(0), 0.0, lots.room >= 0, 0.0)
    free = _cheapest(lots, 0.0)
    if _spent(lots, free) <= lots.room + SAFE * lots.equity:
        return _rounded(lots, free, True)
    price = _price_of_cash(lots)
    if price is None:
        nothing = np.minimum(free, 0.0)
        return _rounded(lots, nothing, False)
    cheap, parts = _cheapest(lots, price), PARTS if len(lots.ideal) <= MANY else PARTS[:1]
    found = [_polished(lots, traded) for traded in (cheap, *(_refined(lots, cheap, price * part) for part in parts))]
    return _rounded(lots, min(found, key=lambda traded: float(_squares(lots, traded).sum())), True)


def _rounded(lots: Lots, traded: FloatArray, affordable: bool) -> Rounded:
    error = math.sqrt(float(_squares(lots, traded).sum()))
    return Rounded(traded, error, affordable, _spent(lots, traded))


def _squares(lots: Lots, traded: FloatArray) -> FloatArray:
    out: FloatArray = ((traded - lots.ideal) * lots.unit / lots.equity) ** 2
    return out


def _uses(lots: Lots, traded: FloatArray) -> FloatArray:
    """Cash spent, of each symbol: negative where it brings some."""
    out: FloatArray = np.maximum(traded, 0.0) * lots.buy + np.minimum(traded, 0.0) * lots.sell + lots.fee(np.abs(traded), ALL)
    return out


def _spent(lots: Lots, traded: FloatArray) -> float:
    return float(_uses(lots, traded).sum())


def _ends(lots: Lots) -> tuple[FloatArray, FloatArray]:
    """The lowest and the highest number that may be traded."""
    least, most = np.minimum(np.floor(lots.ideal), 0.0), np.maximum(np.ceil(lots.ideal), 0.0)
    return np.maximum(least, lots.low), np.minimum(most, lots.high)


def _choices(lots: Lots, price: float, width: int = 1) -> FloatArray:
    """Whole numbers worth a look where a unit of equity in cash costs `price`, shape (choices, symbols); the first is none."""
    least, most = _ends(lots)
    slope = price * lots.equity / (2.0 * lots.unit**2)
    found = [np.zeros_like(lots.ideal)]
    for cash in (lots.buy, lots.sell):
        centre = np.floor(lots.ideal - slope * cash)
        found += [np.clip(centre + step, least, most) for step in range(-width, width + 2)]
    out = np.stack(found)
    return np.where(np.abs(out) >= lots.ticket, out, 0.0)


def _reduced(lots: Lots, choices: FloatArray, price: float) -> FloatArray:
    """What each choice costs: its square, and its cash at `price`."""
    out: FloatArray = _squares(lots, choices) + price * _uses(lots, choices) / lots.equity
    return out


def _cheapest(lots: Lots, price: float) -> FloatArray:
    choices = _choices(lots, price)
    best = np.argmin(_reduced(lots, choices, price), axis=0)
    out: FloatArray = np.take_along_axis(choices, best[None, :], axis=0)[0]
    return out


def _price_of_cash(lots: Lots) -> float | None:
    """The lowest price at which the cheapest choices are affordable; None where no price makes them so."""
    low, high = 0.0, 1e-9
    while _spent(lots, _cheapest(lots, high)) > lots.room:
        low, high = high, high * 4.0
        if high > 1e6:
            return None
    for _ in range(STEPS):
        middle = (low + high) / 2.0
        if _spent(lots, _cheapest(lots, middle)) > lots.room:
            low = middle
        else:
            high = middle
    return high


def _refined(lots: Lots, cheap: FloatArray, price: float) -> FloatArray:
    """`cheap` (affordable), with the symbols that care least at `price` chosen anew so that the least error fits the cash."""
    count = len(lots.ideal)
    core = min(count, CORE)
    many = int(np.clip(HALF ** (1.0 / math.ceil(core / 2)) + 1e-9, 2, 12))
    choices = _distinct(lots, price, many)
    costs = _reduced(lots, choices, price)
    order = np.argsort(costs, axis=0, kind="stable")
    choices = np.take_along_axis(choices, order, axis=0)[:many]
    costs = np.take_along_axis(costs, order, axis=0)[:many]
    regret = np.where(np.isfinite(costs[1]), costs[1] - costs[0], np.inf)
    chosen = np.argsort(regret, kind="stable")[:core]
    traded = cheap.copy()
    rest = np.ones(count, bool)
    rest[chosen] = False
    room = lots.room - float(_uses(lots, traded)[rest].sum())
    picked = _combined(_squares(lots, choices)[:, chosen], _uses(lots, choices)[:, chosen], costs[:, chosen], room)
    if picked is not None:
        traded[chosen] = choices[picked, chosen]
    return traded


def _distinct(lots: Lots, price: float, many: int) -> FloatArray:
    """Choices of each symbol, each once; what stands twice is put out of reach (its cost becomes infinite)."""
    wide = max(1, many // 2)
    choices = np.sort(np.vstack([_choices(lots, price, wide), _choices(lots, 0.0, wide)]), axis=0)
    choices[1:][choices[1:] == choices[:-1]] = np.nan
    return choices


def _combined(squares: FloatArray, uses: FloatArray, costs: FloatArray, room: float) -> NDArray[np.int64] | None:
    """The choice of each column, so that the sum of squares is least and that of uses at most `room`; None where none is."""
    half = squares.shape[1] // 2
    left, right = (_all_of(squares[:, part], uses[:, part], costs[:, part]) for part in (slice(0, half), slice(half, None)))
    order = np.argsort(right.uses, kind="stable")
    best_so_far = np.minimum.accumulate(right.squares[order])
    fits = np.searchsorted(right.uses[order], room - left.uses, side="right") - 1
    totals = np.where(fits >= 0, left.squares + best_so_far[np.maximum(fits, 0)], np.inf)
    mine = int(np.argmin(totals))
    if not np.isfinite(totals[mine]):
        return None
    among = order[: fits[mine] + 1]
    theirs = int(among[np.argmin(right.squares[among])])
    return np.concatenate([left.picked[mine], right.picked[theirs]])


def _polished(lots: Lots, traded: FloatArray) -> FloatArray:
    """`traded` (affordable) after the best exchanges of two symbols: one moves by a step or two, a small one takes up what
    that leaves of the cash, until no exchange makes the error smaller.
    """
    small = np.argsort(lots.buy, kind="stable")[:FINE]
    for _ in range(SWEEPS):
        better = _exchange(lots, traded, small)
        if better is None:
            return traded
        traded = better
    return traded


def _exchange(lots: Lots, traded: FloatArray, small: NDArray[np.int64]) -> FloatArray | None:
    """The best exchange, or None where none is better; shapes (moves, symbols, small)."""
    squares, uses = _squares(lots, traded), _uses(lots, traded)
    moved = np.stack([traded + step for step in MOVES])
    mine = np.where(_allowed(lots, moved), _squares(lots, moved) - squares, np.inf)
    left = lots.room - uses.sum() - (_uses(lots, moved) - uses)
    some = _of(lots, small)
    cash = np.where(traded[small] < 0, some.sell, some.buy)
    taken = traded[small] + np.floor(left[:, :, None] / cash)
    near = np.where(traded[small] < some.ideal, np.ceil(some.ideal), np.floor(some.ideal))
    taken = np.where(taken > near, np.maximum(near, traded[small]), taken)
    gain = mine[:, :, None] + np.where(_allowed(some, taken), _squares(some, taken) - squares[small], np.inf)
    gain[_uses(some, taken) - uses[small] > left[:, :, None]] = np.inf
    gain[:, small, np.arange(len(small))] = np.inf
    move, symbol, other = np.unravel_index(int(np.argmin(gain)), gain.shape)
    if not gain[move, symbol, other] < -TINY:
        return None
    better = traded.copy()
    better[symbol], better[small[other]] = moved[move, symbol], taken[move, symbol, other]
    return better


def _allowed(lots: Lots, traded: FloatArray) -> NDArray[np.bool_]:
    """Whether these numbers do not go against the wish, nor far beyond it, and are worth a ticket."""
    least, most = _ends(lots)
    worth = (traded == 0) | (np.abs(traded) >= lots.ticket)
    out: NDArray[np.bool_] = (traded >= least) & (traded <= most) & worth
    return out


def _of(lots: Lots, rows: NDArray[np.int64]) -> Lots:
    """The same of these symbols alone."""
    cut = {name: getattr(lots, name)[rows] for name in ("ideal", "unit", "buy", "sell", "low", "high", "ticket")}
    return Lots(**cut, fee=lambda traded, _: lots.fee(traded, rows), equity=lots.equity, room=lots.room)


@dataclass(frozen=True, slots=True)
class _All:
    squares: FloatArray
    uses: FloatArray
    picked: NDArray[np.int64]  # (combinations, columns)


def _all_of(squares: FloatArray, uses: FloatArray, costs: FloatArray) -> _All:
    """Every combination of the reachable choices of a few columns."""
    found = _All(np.zeros(1), np.zeros(1), np.zeros((1, 0), np.int64))
    for column in range(squares.shape[1]):
        there = np.nonzero(np.isfinite(costs[:, column]))[0]
        total = (found.squares[:, None] + squares[there, column]).ravel()
        spent = (found.uses[:, None] + uses[there, column]).ravel()
        picked = np.hstack([np.repeat(found.picked, len(there), axis=0), np.tile(there, len(found.picked))[:, None]])
        found = _All(total, spent, picked)
    return found
