"""The independent check of an answer: its limits one by one, its objective evaluated anew, and how far it is from the best."""

from __future__ import annotations

import numpy as np

from portfolio.optimize.limits import broken, evident
from portfolio.optimize.objective import LARGEST, objective, unit
from portfolio.optimize.problem import Model, Problem
from portfolio.optimize.solution import Infeasible
from portfolio.types import Certificate, FloatArray

TOLERANCE = 1e-9  # by which a limit may be broken
BINDS = 1e-7  # a limit with less room than this is told as binding
GAP = 1e-6  # of the objective, relative to the bound: an optimum
LOOSE = 1e-3  # within gap; beyond it a solver stopped early, and a search is a heuristic


def certify(
    weights: FloatArray, model: Model, problem: Problem, *, bound: float | None, engine: str, status: str = ""
) -> Certificate:
    """Check `weights` against everything that was asked. `Infeasible` where they are not finite, break a limit by more than
    1e-9, or where the bound proves that something better by more than LOOSE is possible.

    bound: what no allowed weights can beat, in the objective's own unit and direction; None where nobody knows.
    status: what the answer is called unless its gap earns it a better word; "" of a solver, which is refused beyond LOOSE;
    "heuristic" of a search that may end anywhere; "conformed" of weights that were moved. Limits that say nothing where they
    bind (`evident`) are not told as binding.
    """
    if not np.isfinite(weights).all():
        raise Infeasible(f"the weights of {engine} are not finite")
    found = broken(weights, problem)
    name, worst = max(found, key=lambda each: each[1])
    if worst > TOLERANCE:
        raise Infeasible(f"the weights of {engine} break a limit by {worst:.2e}: {name}")
    reached = objective(weights, model, problem)
    gap = None if bound is None else missing(reached, bound, model) / unit(weights, model, problem)
    if gap is not None and gap > LOOSE and not status:
        raise Infeasible(f"{engine} stopped early: {model.name} reaches {reached:.8g} where {bound:.8g} may be possible")
    silent = evident(problem)
    binding = tuple(dict.fromkeys(name for name, excess in found if excess > -BINDS and name not in silent))
    return Certificate(_called(gap, status), reached, binding, max(worst, 0.0), bound, gap, engine)


def missing(reached: float, bound: float, model: Model) -> float:
    """How much better than what was reached the best could be, in the objective's unit."""
    return max(bound - reached if model.name in LARGEST else reached - bound, 0.0)


def _called(gap: float | None, status: str) -> str:
    """The word of a certificate's status; `Certificate` says what each means."""
    if status == "conformed" or gap is None or gap > LOOSE:
        return status or "heuristic"
    return "optimal" if gap <= GAP else "within gap"
