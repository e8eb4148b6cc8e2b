"""At most so many names, and none of them tiny: a search, because the best such portfolio is a hard problem."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from portfolio.optimize.certify import certify
from portfolio.optimize.limits import ZERO
from portfolio.optimize.objective import LARGEST
from portfolio.optimize.problem import Model, Problem
from portfolio.optimize.solution import Infeasible, Solution
from portfolio.optimize.words import counts
from portfolio.types import FloatArray

Chosen = NDArray[np.bool_]
Plain = Callable[[Model, Problem], Solution]
TRIES = 60  # of neighbours at the most
TRIED = 3  # names that are offered instead of each one held


def few(model: Model, problem: Problem, plain: Plain) -> Solution:
    """The model's weights with at most `names` names, each at least `minimum_position`, found by a search.

    Solve without the two; keep the largest; solve over these; then swap a name held for one that is not, and drop a name
    that is no larger than it must be, as long as either gains and tries are left (Chang et al. 2000 compare such searches).
    The bound is that of the problem without the two, so the certificate's gap is the most that the search can have missed;
    its status is that gap's word (`Certificate`), or "conformed" of a model that looks at no limit. `plain` solves a problem
    without counts.
    """
    given = problem.constraints
    loose = replace(problem, constraints=replace(given, names=None, minimum_position=0.0))
    relaxed = plain(model, loose)
    wanted = np.abs(relaxed.weights)
    if _obeys(relaxed.weights, problem):
        return _sealed(relaxed, model, problem, relaxed)
    best = _first(model, loose, problem, wanted, plain)
    tries = iter(range(TRIES))
    while (better := _better(best, model, loose, problem, wanted, plain, tries)) is not None:
        best = better
    return _sealed(best, model, problem, relaxed)


def _sealed(best: Solution, model: Model, problem: Problem, relaxed: Solution) -> Solution:
    told, status = relaxed.certificate, "conformed" if best.certificate.status == "conformed" else "heuristic"
    return Solution(best.weights, certify(best.weights, model, problem, bound=told.bound, engine=told.engine, status=status))


def _obeys(weights: FloatArray, problem: Problem) -> bool:
    given, size = problem.constraints, np.abs(weights)
    held = size > ZERO
    small = held & (given.lower != given.upper) & (size < given.minimum_position - ZERO)
    return not small.any() and (given.names is None or int(held.sum()) <= given.names)


def _must(problem: Problem) -> Chosen:
    """Names that cannot be left out: zero is not among their weights."""
    given = problem.constraints
    return np.asarray((given.lower > 0.0) | (given.upper < 0.0))


def _room(problem: Problem) -> int:
    given = problem.constraints
    return len(problem.assets) if given.names is None else given.names


def _first(model: Model, loose: Problem, problem: Problem, wanted: FloatArray, plain: Plain) -> Solution:
    """The largest names that are large enough; where those do not fit, more of them, then fewer."""
    must, room = _must(problem), _room(problem)
    rank = np.lexsort((np.arange(len(wanted)), -(wanted + 10.0 * must)))
    enough = int((wanted >= max(problem.constraints.minimum_position, ZERO)).sum())
    start = max(min(room, enough), int(must.sum()), 1)
    failure = Infeasible("their bounds ask for more")
    for count in [*range(start, min(room, len(wanted)) + 1), *range(start - 1, 0, -1)]:
        chosen = np.zeros(len(wanted), dtype=bool)
        chosen[rank[:count]] = True
        try:
            return _over(chosen, model, loose, problem, plain)
        except Infeasible as none:
            failure = none
    words = " and ".join(counts(problem.constraints))
    raise Infeasible(f"no weights were found with {words}: {failure}", failure.conflict) from failure


def _over(chosen: Chosen, model: Model, loose: Problem, problem: Problem, plain: Plain) -> Solution:
    """The model over the chosen names, each at least as large as it must be (long, unless only a short one is allowed)."""
    given = loose.constraints
    least, stays = problem.constraints.minimum_position, given.lower == given.upper
    short = given.upper <= 0.0
    low = np.where(chosen & ~short, np.maximum(given.lower, least), given.lower)
    high = np.where(chosen & short, np.minimum(given.upper, -least), given.upper)
    low, high = np.where(chosen, low, 0.0), np.where(chosen, high, 0.0)
    low, high = np.where(stays, given.lower, low), np.where(stays, given.upper, high)
    if (low > high).any():
        raise Infeasible("a chosen name may not be as large as the least position")
    return plain(model, replace(loose, constraints=replace(given, lower=low, upper=high)))


def _better(
    best: Solution, model: Model, loose: Problem, problem: Problem, wanted: FloatArray, plain: Plain, tries: Iterator[int]
) -> Solution | None:
    """The first neighbour that gains, None where none does or the tries are used up."""
    for chosen, _ in zip(_neighbours(best.weights, problem, wanted), tries, strict=False):
        try:
            other = _over(chosen, model, loose, problem, plain)
        except Infeasible:
            continue
        if _gains(other, best, model):
            return other
    return None


def _gains(other: Solution, best: Solution, model: Model) -> bool:
    new, old = other.certificate.objective, best.certificate.objective
    if new is None or old is None:
        return False
    return (new - old if model.name in LARGEST else old - new) > 1e-9 * abs(old)


def _neighbours(weights: FloatArray, problem: Problem, wanted: FloatArray) -> Iterator[Chosen]:
    """One name less, where it is as small as it may be; then one name for another, the smallest first."""
    held = np.abs(weights) > ZERO
    must, least = _must(problem), problem.constraints.minimum_position
    inside = [i for i in np.argsort(np.abs(weights), kind="stable") if held[i] and not must[i]]
    outside = [i for i in np.argsort(-wanted, kind="stable") if not held[i]]
    for gone in inside:
        if abs(weights[gone]) <= least + ZERO and int(held.sum()) > 1:
            yield _changed(held, gone)
    if int(held.sum()) < _room(problem):
        for new in outside[:TRIED]:
            yield _changed(held, new)
    for gone in inside:
        for new in outside[:TRIED]:
            yield _changed(held, gone, new)


def _changed(held: Chosen, *names: int) -> Chosen:
    out = held.copy()
    for i in names:
        out[i] = not out[i]
    return out
