"""What a strategy is: a frozen dataclass whose fields are its keys under [strategy], and a pure function of what it is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from portfolio.errors import Broken
from portfolio.market import Market
from portfolio.optimize import Constraints
from portfolio.types import Classes, FloatArray, Target, Weights


@dataclass(frozen=True, slots=True)
class Needs:
    """What a strategy looks at beside the closes of its universe.

    sessions: how many are needed at the least (its closes: one more). watched: symbols that are looked at, not traded.
    macro: series. ratios: names of warehouse.ratios and warehouse.valuation. ratio_sessions: how many sessions of these are
    needed before the newest one (more than there are: all).
    """

    sessions: int = 1
    watched: tuple[str, ...] = ()
    macro: tuple[str, ...] = ()
    ratios: tuple[str, ...] = ()
    ratio_sessions: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What a strategy is shown: the market, whom it may wish for, and what it must obey.

    symbols: those of the universe that are free to trade, in the policy's order. held: what is held of every symbol of the
    universe, as fractions of the invested part. constraints: over `symbols`, in their order, in fractions of the invested
    part less what must stay (so that the strategy's weights add up to at most budget[1]). classes: class -> symbol -> name.
    invested: what weights here are fractions of, as a multiple of equity; only words need it.
    """

    market: Market
    symbols: tuple[str, ...]
    held: Weights
    constraints: Constraints
    classes: Classes = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    invested: float = 1.0

    def closes(self, sessions: int | None = None, symbols: Sequence[str] | None = None) -> FloatArray:
        """The newest `sessions` closes (None: all), shape (<= sessions, symbols), oldest first; NaN where unknown."""
        chosen = self.symbols if symbols is None else symbols
        panel = self.market.closes[:, self._columns(chosen)]
        return panel if sessions is None else panel[-sessions:]

    def returns(self, days: int, symbols: Sequence[str] | None = None) -> FloatArray:
        """Simple daily returns of the last `days` sessions, shape (<= days, symbols); NaN where a close is missing."""
        return self.market.returns(days, self.symbols if symbols is None else symbols)

    def watched(self, symbol: str) -> FloatArray:
        """Closes of a symbol of the universe or of one that is only looked at, shape (sessions,)."""
        if symbol in self.market.symbols:
            column: FloatArray = self.market.closes[:, self.market.symbols.index(symbol)]
            return column
        if symbol not in self.market.watched:
            raise Broken(f"{symbol} is looked at, but nobody asked the market for it (`needs`).")
        return self.market.watched[symbol]

    def ratio(self, name: str) -> FloatArray:
        """The newest known value of a ratio for each of `symbols`, shape (symbols,); NaN where unknown."""
        return self.market.ratio(self._asked(name))[self._columns(self.symbols)]

    def ratios(self, name: str, symbols: Sequence[str] | None = None) -> FloatArray:
        """A ratio as it was known at the end of each session, shape (sessions, symbols), oldest first; NaN where unknown.

        Of the sessions before those that a strategy asked for (`ratio_sessions`) nothing is promised.
        """
        chosen = self.symbols if symbols is None else symbols
        return self.market.ratios[self._asked(name)][:, self._columns(chosen)]

    def _asked(self, ratio: str) -> str:
        if ratio not in self.market.ratios:
            raise Broken(f"The ratio {ratio} is looked at, but nobody asked the market for it (`needs`).")
        return ratio

    def _columns(self, symbols: Sequence[str]) -> list[int]:
        return [self.market.symbols.index(s) for s in symbols]

    @property
    def room(self) -> float:
        """The largest sum that the weights may have."""
        return self.constraints.budget[1]


class Strategy(Protocol):
    """Fields are knobs (portfolio.knobs); the class is registered in portfolio.strategies.catalog or by an entry point of
    the group `trimtab.strategies`.
    """

    kind: ClassVar[str]
    objectives: ClassVar[tuple[str, ...]]  # which objectives of a policy it can serve

    def check(self, symbols: tuple[str, ...], classes: Classes) -> None:
        """`WrongUse` where the settings contradict each other or the universe. Asked once, when the policy is read."""

    def needs(self) -> Needs:
        """What the market must show."""

    def wish(self, seen: Seen) -> Target:
        """Weights for `seen.symbols`, adding up to at most `seen.room`. `Infeasible` says why there is none.

        They need not obey the constraints beyond that: what does not is moved to the nearest weights that do.
        """
