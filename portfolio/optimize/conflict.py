"""Which constraints contradict each other: a smallest set of them, by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from portfolio.optimize.limits import Cap, Row, bounds, caps, rows
from portfolio.optimize.problem import Problem
from portfolio.optimize.words import counts
from portfolio.types import FloatArray

TOLERANCE = 1e-9
ROUNDS = 200  # of planes for the curved limits
ENDLESS = 10.0  # the largest weight that is thought of where its own bounds are left out
PATIENCE = {"node_limit": 20_000}  # of a search with counts; what it leaves open counts as possible
MANY = 4  # assets of one bound are named one by one up to this many

_Part = tuple[dict[int, FloatArray], FloatArray]  # (column of blocks -> matrix of as many columns as assets, limits of the rows)


@dataclass(frozen=True, slots=True)
class _Group:
    """One constraint as a person says it."""

    name: str
    rows: tuple[Row, ...] = ()
    cap: Cap | None = None
    names: int | None = None
    minimum: float = 0.0


def conflict(problem: Problem) -> tuple[str, ...]:
    """Names of constraints that no weights obey together, while they obey any all but one of them; empty where all can be.

    The deletion filter of Chinneck & Dravnieks (1991): leave each out in turn, and keep out whatever is not missed.
    Where a search among counts is given up, what it leaves open is kept: the set contradicts itself, but need not be smallest.
    """
    groups = _groups(problem)
    planes: dict[str, list[Row]] = {}
    if _possible(groups, problem, planes):
        return ()
    kept = groups
    for group in groups:
        without = [g for g in kept if g is not group]
        if not _possible(without, problem, planes):
            kept = without
    return tuple(g.name for g in kept)


def _groups(problem: Problem) -> list[_Group]:
    """In the order in which they are left out: the counts first, because a linear program answers quickly without them."""
    given = problem.constraints
    out = [_Group(name, names=given.names) for name in counts(replace(given, minimum_position=0.0))]
    out += [_Group(name, minimum=given.minimum_position) for name in counts(replace(given, names=None))]
    out += _bound_groups(problem)
    for name, found in groupby(rows(problem), key=lambda r: r.name):
        out.append(_Group(name, tuple(found)))
    return out + [_Group(cap.name, cap=cap) for cap in caps(problem)]


def _bound_groups(problem: Problem) -> list[_Group]:
    """Bounds that are alike are one constraint."""
    alike: dict[str, list[tuple[str, Row]]] = {}
    for row in bounds(problem):
        asset = problem.assets[int(np.flatnonzero(row.coefficients)[0])]
        alike.setdefault(row.name.removeprefix(f"{asset} "), []).append((asset, row))
    out = []
    for words, found in alike.items():
        assets = list(dict.fromkeys(asset for asset, _ in found))
        if len(assets) == len(problem.assets) > 1:
            out.append(_Group(f"each weight {words}", tuple(row for _, row in found)))
        elif len(assets) > MANY:
            out.append(_Group(f"each of {len(assets)} assets ({assets[0]} ... {assets[-1]}) {words}", tuple(r for _, r in found)))
        else:
            out += [_Group(f"{a} {words}", tuple(r for b, r in found if b == a)) for a in assets]
    return out


def _possible(groups: Sequence[_Group], problem: Problem, planes: dict[str, list[Row]]) -> bool:
    """Whether some weights obey the groups: a (mixed-integer) linear program, with planes for limits on risk. What a program
    leaves open is possible.

    planes: those found so far, by the name of the limit; they are true whatever else is asked.
    """
    found = [group.cap for group in groups if group.cap is not None]
    sums, curved = [cap for cap in found if cap.centre is not None], [cap for cap in found if cap.centre is None]
    fixed = [row for group in groups for row in group.rows]
    names = min((g.names for g in groups if g.names is not None), default=None)
    minimum = max((g.minimum for g in groups), default=0.0)
    free = (problem.constraints.lower != problem.constraints.upper).astype(float)
    for _ in range(ROUNDS):
        lines = [*fixed, *(plane for cap in curved for plane in planes.get(cap.name, []))]
        ended, weights = _point(_Program(free, lines, sums, names, minimum))
        if weights is None:
            return not ended
        over = [(c, *c.value(weights)) for c in curved]
        over = [(c, size, slope) for c, size, slope in over if size > c.limit + max(TOLERANCE, 1e-7 * c.limit)]
        if not over:
            return True
        for c, size, slope in over:
            planes.setdefault(c.name, []).append(Row(c.name, slope, c.limit - size + float(slope @ weights)))
    return True


@dataclass(frozen=True, slots=True)
class _Program:
    """What is asked of weights: rows, sums of distances, at most `names` (None: any), each of the free at least `minimum`."""

    free: FloatArray  # 1 where a weight may be too small, 0 where it must stay as it is
    lines: list[Row]
    sums: list[Cap]
    names: int | None
    minimum: float

    @property
    def counted(self) -> bool:
        """Whether there are columns for held long or not, and held short or not."""
        return self.names is not None or self.minimum > 0.0

    def parts(self) -> Iterator[_Part]:
        """Everything that is asked, as parts of one matrix."""
        if self.lines:
            yield {0: np.array([row.coefficients for row in self.lines])}, np.array([row.limit + TOLERANCE for row in self.lines])
        if self.counted:
            yield from self._counts()
        one, each = np.eye(len(self.free)), np.ones((1, len(self.free)))
        for column, cap in enumerate(self.sums, 3 if self.counted else 1):
            centre = np.zeros(len(self.free)) if cap.centre is None else cap.centre
            yield {0: one, column: -one}, centre
            yield {0: -one, column: -one}, -centre
            yield {column: each}, np.array([cap.limit + TOLERANCE])

    def _counts(self) -> Iterator[_Part]:
        """w between its size held long and held short, and zero where it is neither."""
        one, each, none = np.eye(len(self.free)), np.ones((1, len(self.free))), np.zeros(len(self.free))
        most, least = self._room(1.0), self._room(-1.0)
        small = np.diag(self.minimum * self.free)
        yield {0: one, 1: -np.diag(most), 2: small}, none  # w <= most long - minimum short
        yield {0: -one, 1: small, 2: -np.diag(least)}, none  # w >= minimum long - least short
        yield {1: one, 2: one}, none + 1.0
        if self.names is not None:
            yield {1: each, 2: each}, np.array([float(self.names)])

    def _room(self, side: float) -> FloatArray:
        """How far each weight may be on a side (1 long, -1 short) by rows of its own; ENDLESS where they do not say."""
        out = np.full(len(self.free), ENDLESS)
        for row in self.lines:
            places = np.flatnonzero(row.coefficients)
            if len(places) == 1 and row.coefficients[places[0]] == side:
                out[places[0]] = min(out[places[0]], max(row.limit, 0.0))
        return out


def _point(program: _Program) -> tuple[bool, FloatArray | None]:
    """(whether the search came to its end; weights that obey the program, None where it found none)."""
    from scipy import sparse
    from scipy.optimize import Bounds, LinearConstraint, milp

    size, parts = len(program.free), list(program.parts())
    blocks = (3 if program.counted else 1) + len(program.sums)
    low, high, whole = np.full(size * blocks, -np.inf), np.full(size * blocks, np.inf), np.zeros(size * blocks)
    if program.counted:
        low[size : 3 * size], high[size : 3 * size], whole[size : 3 * size] = 0.0, 1.0, 1.0
    wide = [
        sparse.hstack([sparse.csr_array(part.get(k, np.zeros((len(limits), size)))) for k in range(blocks)])
        for part, limits in parts
    ]
    limits = [LinearConstraint(sparse.vstack(wide), -np.inf, np.concatenate([most for _, most in parts]))] if parts else []
    solved = milp(np.zeros(size * blocks), constraints=limits, bounds=Bounds(low, high), integrality=whole, options=PATIENCE)
    return solved.status in (0, 2), None if solved.x is None else np.asarray(solved.x[:size])
