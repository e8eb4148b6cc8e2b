"""Hedges: what is held against a risk of the book, why, and what it may cost. Each is a line of the plan."""

from portfolio.hedging.hedges import hedge, hedge_weights, rest, together
from portfolio.hedging.put import model_quote, wanted_options
from portfolio.hedging.scene import Scene

__all__ = ["Scene", "hedge", "hedge_weights", "model_quote", "rest", "together", "wanted_options"]
