"""What an account holds, and what a rule or a law says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from portfolio.types.contracts import multiplier
from portfolio.types.words import Action, Span, Weights


@dataclass(frozen=True, slots=True)
class Account:
    """What the account holds: whole shares by symbol, cash in the base currency, and cash in others, each in its own."""

    positions: Mapping[str, Decimal]
    cash: Decimal
    currency: str
    foreign: Mapping[str, Decimal] = field(default_factory=dict)

    def equity(self, prices: Mapping[str, Decimal], rates: Mapping[str, Decimal] | None = None) -> Decimal:
        """Cash plus positions, in the base currency.

        prices: per share, in the base currency; rates: what one unit of a foreign currency is worth. KeyError where a held
        symbol has no price, or a currency no rate.
        """
        elsewhere = sum((amount * (rates or {})[c] for c, amount in self.foreign.items() if amount), Decimal(0))
        held = sum((q * prices[s] * multiplier(s) for s, q in self.positions.items() if q), Decimal(0))
        return self.cash + elsewhere + held

    def balance(self, currency: str) -> Decimal:
        """Cash in `currency`."""
        return self.cash if currency == self.currency else self.foreign.get(currency, Decimal(0))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule says, by how much to scale (1 = leave it), which symbols it means, and the sentence why.

    figure, limit: what was measured and what it was held against, in one unit, where the rule has such. of: which one of
    several that the rule looks at (a scenario).
    """

    rule: str
    action: Action
    scale: float
    symbols: tuple[str, ...]
    reason: str
    figure: float | None = None
    limit: float | None = None
    of: str = ""

    @property
    def used(self) -> float | None:
        """How much of the limit is used, 1 = all of it."""
        return None if self.figure is None or not self.limit else self.figure / self.limit


@dataclass(frozen=True, slots=True)
class LawResult:
    """How one law of a data contract fared in one run: `bad` of `rows`. status: passed | failed | unknown | error."""

    dataset: str
    law: str
    what: str
    severity: str  # critical | warning | info
    on_breach: str  # block | quarantine | warn
    status: str
    bad: int
    rows: int
    symbols: tuple[str, ...] = ()  # the symbols concerned
    unknown: int = 0  # of `rows`, those the law could not judge
    note: str = ""  # why it could not, or the error
    days: Mapping[str, Span] = field(default_factory=dict)  # symbol -> first and last day of its bad rows, for `symbols`
    whole: bool = False  # it concerns the batch as such, and everybody in it
    source: str = ""  # whose rows


@dataclass(frozen=True, slots=True)
class Certificate:
    """What an independent check of the optimizer's answer found.

    status: optimal (the gap is at most 1e-6) | within gap (at most 1e-3) | heuristic (a wider gap, or no bound is known) |
    conformed (a model that looks at no limit, moved to allowed weights). objective: in the model's own unit; bound: what no
    allowed weights can beat; gap: |objective - bound| relative to it. binding: the constraints that hold with equality, by
    name, without those that always do (the sum of fully invested weights, a weight of zero that may not be short).
    worst_violation: of any constraint, in its own unit. engine: who solved it.
    """

    status: str
    objective: float | None
    binding: tuple[str, ...] = ()
    worst_violation: float = 0.0
    bound: float | None = None
    gap: float | None = None
    engine: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """The wish: weights by symbol, the road that led to them, and why in words.

    turned: symbol -> the newest session in which a signal of it changed its mind, where the strategy has signals.
    """

    weights: Weights
    road: tuple[str, ...]
    reasons: Mapping[str, str]
    certificate: Certificate | None = None
    turned: Mapping[str, date] = field(default_factory=dict)
