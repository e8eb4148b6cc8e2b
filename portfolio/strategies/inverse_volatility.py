"""The calmer a symbol, the more of it.

Source: naive risk parity, as in Maillard, Roncalli and Teiletche (2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from portfolio.errors import WrongUse
from portfolio.knobs import whole
from portfolio.optimize import Infeasible
from portfolio.signals.volatility import a_year, realised
from portfolio.signals.weighting import STILL, inverse_volatility
from portfolio.strategies.equal import NOBODY
from portfolio.strategies.protocol import Needs, Seen
from portfolio.types import Classes, Target


@dataclass(frozen=True, slots=True)
class InverseVolatility:
    """Weights in proportion to 1 / realised volatility, adding up to the room.

    lookback: sessions behind the volatility; minimum_history: returns that a symbol must know of them. A symbol that knows
    fewer, or whose price has not moved, gets 0 and the reason; `Infeasible` where that is everybody.
    """

    kind: ClassVar[str] = "inverse_volatility"
    objectives: ClassVar[tuple[str, ...]] = ("allocation", "smart_beta")

    lookback: int = whole(2, 10_000, 252)
    minimum_history: int = whole(2, 10_000, 60)

    def check(self, symbols: tuple[str, ...], classes: Classes) -> None:
        check_history(self.lookback, self.minimum_history)

    def needs(self) -> Needs:
        return Needs(sessions=self.minimum_history)

    def wish(self, seen: Seen) -> Target:
        if not seen.symbols:
            raise Infeasible(NOBODY)
        volatility = realised(seen.returns(self.lookback), self.minimum_history)
        shares = inverse_volatility(volatility)
        if not shares.any():
            raise Infeasible(f"no symbol has {self.minimum_history} known returns that move in {self.lookback} sessions")
        weights = shares * max(seen.room, 0.0)
        reasons = {s: self._why(float(v)) for s, v in zip(seen.symbols, volatility, strict=True)}
        return Target(dict(zip(seen.symbols, weights.tolist(), strict=True)), (self.kind,), reasons)

    def _why(self, volatility: float) -> str:
        if volatility > STILL:
            return f"moves {a_year(volatility):.1%} a year: the calmer, the more ({self.lookback} sessions)"
        if volatility <= STILL:
            return f"its price has not moved in {self.lookback} sessions"
        return f"fewer than {self.minimum_history} known returns in {self.lookback} sessions (minimum_history)"


def check_history(lookback: int, minimum_history: int) -> None:
    """`WrongUse` where a window could never be long enough."""
    if minimum_history > lookback:
        raise WrongUse(
            f"[strategy] minimum_history = {minimum_history} is more than lookback = {lookback}: no window would ever be long "
            "enough.",
            "Lower `minimum_history`, or raise `lookback`.",
            key="minimum_history",
        )
