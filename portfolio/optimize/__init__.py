"""The only room that knows Riskfolio. Never None: a checked solution, or `Infeasible` that says why."""

from portfolio.optimize.owner import open_solver
from portfolio.optimize.problem import MODELS, Constraints, Model, Problem, long_only
from portfolio.optimize.risks import RISKS
from portfolio.optimize.solution import Infeasible, Solution
from portfolio.optimize.solving import ours, solve

__all__ = [
    "MODELS",
    "RISKS",
    "Constraints",
    "Infeasible",
    "Model",
    "Problem",
    "Solution",
    "long_only",
    "open_solver",
    "ours",
    "solve",
]
