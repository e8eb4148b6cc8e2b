"""The only room that knows Riskfolio. Never None: a checked solution, or `Infeasible` that says why."""

from portfolio.optimize.minimum_cvar import minimum_cvar, open_solver
from portfolio.optimize.solution import Infeasible, Solution

__all__ = ["Infeasible", "Solution", "minimum_cvar", "open_solver"]
