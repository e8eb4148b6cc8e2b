"""What Riskfolio prints and how its solvers end, heard: it prints one line for every failure, and takes any end for an answer."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from portfolio.optimize.solution import Infeasible


@dataclass
class Heard:
    """What a call printed, and how its solvers ended."""

    said: io.StringIO = field(default_factory=io.StringIO)
    ended: list[str] = field(default_factory=list)

    def why(self) -> str:
        words = [*dict.fromkeys(self.ended), self.said.getvalue().strip()]
        return "; ".join(word for word in words if word) or "it did not say why"


@contextlib.contextmanager
def listening() -> Iterator[Heard]:
    from cvxpy.error import SolverError

    heard = Heard()
    with contextlib.redirect_stdout(heard.said), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            yield heard
        except (ValueError, ArithmeticError, NameError, AttributeError, LookupError, TypeError, SolverError) as error:
            raise Infeasible(f"Riskfolio failed ({error}; {heard.why()})") from error


def solvers(linear: bool, heard: Heard) -> list[Any]:
    """HiGHS for linear programs, Clarabel for cones, each of which tells `heard` how it ended and gives up a bad end."""
    from cvxpy.reductions.solvers.conic_solvers.clarabel_conif import CLARABEL
    from cvxpy.reductions.solvers.conic_solvers.highs_conif import HIGHS

    chosen = [HIGHS, CLARABEL] if linear else [CLARABEL]
    return [_watched(kind, heard)() for kind in chosen]


def _watched(kind: Any, heard: Heard) -> Any:
    from cvxpy.error import SolverError

    class Watched(kind):  # type: ignore[misc]
        """A solver whose answer is no answer unless it says that it finished."""

        def name(self) -> str:
            return f"WATCHED_{super().name()}"

        def invert(self, solution: Any, inverse_data: Any) -> Any:
            answer = super().invert(solution, inverse_data)
            heard.ended.append(f"the solver says {answer.status}")
            if answer.status not in ("optimal", "optimal_inaccurate", "infeasible", "unbounded"):
                raise SolverError(f"stopped early: {answer.status}")
            return answer

    return Watched
