"""A cap that the optimizer holds a weight at is told as what it is of equity, whatever the leverage, the reserve or the sleeve."""

import re

import pytest
from mind import OPTIMIZED, market, policy, walk

from portfolio.strategies import target

FOUR = ("AAA", "BBB", "CCC", "DDD")
LEVERED = OPTIMIZED.replace("max_weight = 0.5", "max_weight = 0.5\nmax_gross = 1.6\ncash_reserve = 0.01")
LEVERED += "[margin]\nleverage = 1.3\nbenchmark_rate = 0.04\n"
SLEEVE = """
[[sleeve]]
name = "core"
share = 0.8
strategy = { kind = "optimized", model = "minimum_variance", lookback = 300, minimum_history = 100 }
"""


@pytest.fixture(scope="module", autouse=True)
def _opened(riskfolio):
    """Riskfolio's import prints and warns; it is none of these tests' matter."""


def capped(text):
    """(what each weight at its cap is of equity, by the wish; what its sentence says)."""
    rules = policy(text)
    calm = walk(4, 400, size=0.01) ** [[1.0, 0.05, 1.0, 1.0]]  # BBB hardly moves: the optimizer wants all of it
    wish = target(rules, market(FOUR, calm), {})
    said = {s: re.search(r"held at its cap of (\S+)% of equity", told) for s, told in wish.reasons.items()}
    return {s: (wish.weights[s] * rules.invested, float(found[1]) / 100) for s, found in said.items() if found}


@pytest.mark.parametrize(
    ("text", "cap"),
    [
        (OPTIMIZED.replace("max_weight = 0.5", "max_weight = 0.5\ncash_reserve = 0.0"), 0.50),
        (OPTIMIZED.replace("max_weight = 0.5", "max_weight = 0.5\ncash_reserve = 0.1"), 0.45),  # half of what is invested
        (LEVERED, 0.50),
    ],
)
def test_the_cap_is_told_in_fractions_of_equity(text, cap):
    told = capped(text)
    assert "BBB" in told
    for held, said in told.values():
        assert held == pytest.approx(cap, abs=1e-6)
        assert said == pytest.approx(cap, abs=5e-5)


def test_of_a_sleeve_too():
    start, end = OPTIMIZED.index("[strategy]"), OPTIMIZED.index("[rebalance]")
    sleeves = SLEEVE.replace("[[sleeve]]", "[[strategy.sleeve]]")
    text = OPTIMIZED[:start] + '[strategy]\nkind = "combination"\nfallback = ["hold"]\n' + sleeves + OPTIMIZED[end:]
    told = capped(text.replace("max_weight = 0.5", "max_weight = 0.5\ncash_reserve = 0.0"))
    held, said = told["BBB"]
    assert held == pytest.approx(0.50, abs=1e-6)
    assert said == pytest.approx(0.50, abs=5e-5)
