"""What a scenario does to prices: for each symbol its return, and what stood in for a history that is missing."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from portfolio.risk.stress.episodes import DURATIONS, EPISODES, EQUITIES_A_POINT, UNMOVED_BY_EQUITIES, UNMOVED_BY_RATES
from portfolio.risk.stress.scenarios import Shock
from portfolio.risk.stress.world import World
from portfolio.types import FloatArray


@dataclass(slots=True)
class Moves:
    """Returns of prices, shape (symbols,): as they are counted for who holds them `long`, and for who is `short`.

    The two differ where a guess would help: it does not. NaN where it cannot be told. money: of the currency that each is
    quoted in, on top of both. proxied: symbol -> by what.
    """

    long: FloatArray
    short: FloatArray
    money: FloatArray
    proxied: dict[str, str] = field(default_factory=dict)

    def loss(self, weights: FloatArray) -> FloatArray:
        """What each symbol costs, shape of `weights` (symbols, books); nothing is lost on what is not held."""
        prices = np.where(weights >= 0, self.long[:, None], self.short[:, None])
        moves = (1.0 + prices) * (1.0 + self.money[:, None]) - 1.0
        out: FloatArray = np.where(weights == 0, 0.0, -weights * moves)
        return out


def moved(world: World, shocks: tuple[Shock, ...]) -> Moves:
    """All shocks to prices, one after the other (returns compound); that of a group, then that of a symbol, replaces the rest.
    What a currency does comes on top of whatever its assets do in it.

    No price falls below nothing.
    """
    moves = _still(world)
    kinds = {"episode": _episode, "equities": _equities, "rates": _rates}
    for shock in (s for s in shocks if s.what in kinds):
        one = kinds[shock.what](world, shock)
        moves.long, moves.short = (1 + moves.long) * (1 + one.long) - 1, (1 + moves.short) * (1 + one.short) - 1
        moves.money = (1 + moves.money) * (1 + one.money) - 1
        moves.proxied |= one.proxied
    for shock in sorted((s for s in shocks if s.what in {"group", "symbol"}), key=lambda s: s.what):
        _replaced(world, moves, shock)
    for shock in (s for s in shocks if s.what == "currency"):
        moves.money = np.where([c == shock.name for c in world.quoted_in], (1 + moves.money) * (1 + shock.value) - 1, moves.money)
    moves.long, moves.short = np.maximum(moves.long, -1.0), np.maximum(moves.short, -1.0)
    return moves


def _still(world: World) -> Moves:
    return Moves(*np.zeros((3, len(world.symbols))))


def _replaced(world: World, moves: Moves, shock: Shock) -> None:
    """A shock to one symbol, or to all of a group (`class.name`)."""
    kind, _, name = shock.name.partition(".")
    members = world.there.policy.classes.get(kind, {}) if shock.what == "group" else {}
    for i, symbol in enumerate(world.symbols):
        if symbol == shock.name if shock.what == "symbol" else members.get(symbol) == name:
            moves.long[i] = moves.short[i] = shock.value
            moves.proxied.pop(symbol, None)


def _episode(world: World, shock: Shock) -> Moves:
    """Own return where the history has both ends; else that of its class; else beta times the benchmark's; else the S&P 500's.

    What is known in the base currency (own return, the benchmark's) is parted into the price and its currency. Figures of a class
    and of the S&P 500 are taken as returns in the currency that the symbol is quoted in: what that did comes on top, where
    the market knows its rates of both days.
    """
    there = EPISODES[shock.name]
    own, benchmark = world.between(there.start, there.trough)
    rates = world.money_between(there.start, there.trough)
    money = _known(rates)
    by_beta = (1.0 + np.maximum(world.beta * benchmark, -1.0)) / (1.0 + money) - 1.0
    if there.intraday:
        own, by_beta = np.full(len(own), np.nan), np.maximum(world.beta * there.returns["equities"], -1.0)
    own, by_class = (1.0 + own) / (1.0 + money) - 1.0, world.of_class(there.returns)
    out = np.where(np.isfinite(own), own, np.where(np.isfinite(by_class), by_class, by_beta))
    proxied = {}
    for i in np.flatnonzero(~np.isfinite(own)):
        if i not in world.currencies or np.isnan(rates[i]):
            proxied[world.symbols[i]] = _by_what(world, int(i), float(by_class[i]), float(out[i]), rates)
    guess = there.returns["equities"]  # it helps nobody
    found = np.isfinite(out)
    return Moves(np.where(found, out, guess), np.where(found, out, max(guess, 0.0)), money, proxied)


def _known(rates: FloatArray) -> FloatArray:
    """What currencies did, 0 where nobody knows it."""
    out: FloatArray = np.nan_to_num(rates)
    return out


def _by_what(world: World, i: int, by_class: float, price: float, rates: FloatArray) -> str:
    """What stands in; price: of the symbol, in its currency. What its currency did stands beside it, or that nobody knows that; a
    beta to the benchmark has it within.
    """
    if np.isnan(by_class) and np.isfinite(price):
        told = (1.0 + price) * (1.0 + float(_known(rates)[i])) - 1.0
        return f"its beta of {world.beta[i]:.2f} to the benchmark: {told:+.1%}"
    money = world.quoted_in[i]
    beside = f", {money} {rates[i]:+.1%}" if np.isfinite(rates[i]) else f", without what {money} did"
    beside = "" if money == world.there.policy.base_currency or i in world.currencies else beside
    if np.isfinite(by_class):
        return f"its asset class, {str(world.classes[i]).replace('_', ' ')}: {by_class:+.1%}{beside}"
    return f"the S&P 500, as an equity of beta one{beside}"


def _equities(world: World, shock: Shock) -> Moves:
    return _by_beta(world, shock.value)


def _by_beta(world: World, value: float) -> Moves:
    """Beta times what equities do; where it is unknown one, or none of a class that equities do not move.

    A negative beta is believed where it hurts and not where it helps: what rose when equities fell need not do so again. Nor
    does a guess help.
    """
    classes = world.classes
    guess = np.array([0.0 if c in UNMOVED_BY_EQUITIES else 1.0 for c in classes])
    cash = np.array([c == "cash" for c in classes], dtype=bool)
    known = np.isfinite(world.beta)
    move = np.where(cash, 0.0, np.where(known, world.beta, guess)) * value
    careful = np.where(known, world.beta < 0, ~cash)
    proxied = {
        s: "an equity of beta one" if guess[i] else f"{str(classes[i]).replace('_', ' ')}: not moved by equities"
        for i, s in enumerate(world.symbols)
        if not known[i] and not cash[i]
    }
    long, short = np.where(careful, np.minimum(move, 0.0), move), np.where(careful, np.maximum(move, 0.0), move)
    return Moves(long, short, np.zeros(len(move)), proxied)


def _rates(world: World, shock: Shock) -> Moves:
    """Bonds by their modified duration (first order). Gold, commodities and cash do not move. Everything else by its beta, as
    equities did with the yields of 2022; who has no class and was there in 2022: by the worse of that and its own return then.
    """
    duration = _durations(world)
    bond, still = np.isfinite(duration), np.array([c in UNMOVED_BY_RATES for c in world.classes], dtype=bool)
    fixed = np.where(bond, -duration * shock.value, 0.0)
    then = EPISODES["2022"]
    price = (1.0 + world.between(then.start, then.trough)[0]) / (1.0 + _known(world.money_between(then.start, then.trough))) - 1.0
    own = price * shock.value / 0.01 * EQUITIES_A_POINT / then.returns["equities"]
    own = np.where(np.array([c is None for c in world.classes], dtype=bool), own, np.nan)
    equities = _by_beta(world, EQUITIES_A_POINT * shock.value / 0.01)
    long, short = np.fmin(equities.long, own), np.fmax(equities.short, own)
    told = bond | still
    each = zip(world.symbols, world.classes, own, told, strict=True)
    words = {s: _of_two(name, mine, equities.proxied.get(s, "")) for s, name, mine, known in each if not known}
    proxied = {s: why for s, why in words.items() if why}
    return Moves(np.where(told, fixed, long), np.where(told, fixed, short), np.zeros(len(told)), proxied)


def _of_two(name: str | None, own: float, beta: str) -> str:
    """By what the answer to rising yields was told, "" where by a beta that is known of an asset class that is named.

    own: its return of 2022, NaN where unknown; beta: what stood in for its beta, "" where that is known.
    """
    if name is not None or (np.isnan(own) and beta):
        return beta
    if np.isnan(own):
        return "beta alone, for want of an asset class and of closes in 2022"
    return f"the worse of {beta or 'beta'} and own 2022, for want of an asset class"


def _durations(world: World) -> FloatArray:
    """Years: what [universe.groups.duration] says (the group's name is the number), else that of the class; NaN of no bond."""
    out = world.of_class(DURATIONS)
    said = world.there.policy.classes.get("duration", {})
    for i, symbol in enumerate(world.symbols):
        out[i] = float(said[symbol]) if symbol in said else out[i]
    return out
