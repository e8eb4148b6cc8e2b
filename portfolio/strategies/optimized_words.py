"""Why an optimizer gave a symbol its weight, in words."""

from __future__ import annotations

from portfolio.optimize import Constraints, Solution

LEAST = 1e-6  # a weight below is nothing
TREE = ("its cluster has less {risk} without it", "has little {risk} in its cluster", "its part of the tree's {risk}")
WORDS = {  # model -> why nothing, why as much as it may have, why this much
    "minimum_cvar": (
        "adds more to the worst days than it takes away",
        "lowers the mean of the worst days",
        "its share of the least mean loss over the worst days",
    ),
    "minimum_variance": ("adds more {risk} than it takes away", "lowers the {risk}", "its share of the least {risk}"),
    "minimum_risk": ("adds more {risk} than it takes away", "lowers the {risk}", "its share of the least {risk}"),
    "maximum_sharpe": (
        "earns too little for its {risk}",
        "earns most for its {risk}",
        "its share of the largest mean over {risk}",
    ),
    "maximum_utility": ("earns too little for its {risk}", "earns most for its {risk}", "its share of mean less {risk}"),
    "maximum_return": ("others are expected to earn more", "is expected to earn most", "its share of the largest mean"),
    "risk_parity": ("can carry no share of the {risk}", "carries its share of the {risk}", "carries its share of the {risk}"),
    "worst_case": (
        "does not pay for its risk if the estimates are wrong",
        "pays for its risk even if the estimates are wrong",
        "its share of the best worst case",
    ),
    "minimum_tracking_error": (
        "is not needed to follow the benchmark",
        "follows the benchmark",
        "its share of following the benchmark",
    ),
}


def reason(model: str, risk: str, weight: float, cap: float, days: int, invested: float) -> str:
    """One sentence for one symbol: why nothing, why as much as it may have, or why this much.

    weight, cap: fractions of what is `invested`, a multiple of equity; the sentence tells the cap as a fraction of equity.
    """
    called = "standard deviation" if (model, risk) == ("maximum_sharpe", "variance") else risk.replace("_", " ")
    nothing, most, share = (words.format(risk=called) for words in WORDS.get(model, TREE))
    if abs(weight) < LEAST:
        return f"{nothing} ({days} sessions)"
    if weight > cap - LEAST:
        return f"{most}; held at its cap of {cap * invested:.2%} of equity"
    return f"{share} ({days} sessions)"


def bound_by(assets: tuple[str, ...], constraints: Constraints, solution: Solution) -> dict[str, list[str]]:
    """asset -> the groups and exposures it belongs to that bind, as the certificate calls them; of those that are held."""
    out: dict[str, list[str]] = {}
    for label, row in zip(constraints.labels, constraints.rows if constraints.rows is not None else (), strict=True):
        for name in (each for each in solution.certificate.binding if each.startswith(f"{label} ")):
            for asset, part, weight in zip(assets, row, solution.weights, strict=True):
                if part != 0.0 and weight != 0.0:
                    out.setdefault(asset, []).append(name)
    return out
