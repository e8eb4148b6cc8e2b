"""What to wish for. Each strategy answers a `Target`; the rules of `portfolio.risk` judge it afterwards."""

from portfolio.optimize import Infeasible
from portfolio.strategies.protocol import Needs, Seen, Strategy
from portfolio.strategies.road import target
from portfolio.strategies.shown import needs

__all__ = ["Infeasible", "Needs", "Seen", "Strategy", "needs", "target"]
