"""Which strategies there are, how a policy names one, and how somebody else brings one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mind import FIXED, OPTIMIZED, changed, market, policy, walk

from portfolio.errors import WrongUse
from portfolio.policy import parse_policy
from portfolio.strategies import target
from portfolio.strategies.catalog import STEPS, kinds

FOUR = ("AAA", "BBB", "CCC", "DDD")
NOTHING = dict.fromkeys(FOUR, 0.0)


def test_the_kinds_that_the_design_names_are_there():
    assert {"fixed", "equal", "inverse_volatility", "signal", "factor", "optimized"} <= set(kinds())
    assert {objective for kind in kinds().values() for objective in kind.objectives} == {"allocation", "smart_beta", "optimized"}


def test_fixed_wishes_what_the_policy_says_in_a_fixed_order():
    wish = target(policy(), market(), {})
    assert wish.weights == {"GLD": 0.1, "IEF": 0.3, "SPY": 0.6}
    assert list(wish.weights) == sorted(wish.weights)
    assert wish.road == ("fixed",)
    assert "60.00%" in wish.reasons["SPY"]


def test_a_symbol_the_policy_does_not_weigh_is_wished_away():
    text = changed(changed(FIXED, 'symbols = ["SPY",', 'symbols = ["TLT", "SPY",'), "GLD = 0.1 ", "GLD = 0.05 ")
    wish = target(policy(text), market(("TLT", "SPY", "IEF", "GLD")), {})
    assert wish.weights == {"GLD": 0.05, "IEF": 0.3, "SPY": 0.6, "TLT": 0.0}


@pytest.mark.parametrize("step", [s for s in STEPS if s not in {"relax", "hold"}])
def test_every_simpler_model_is_a_road(step):
    """The optimizer has too little history; each simpler model that needs less of it, or none, answers instead."""
    short = policy(OPTIMIZED, strategy={"fallback": (step, "hold")}, rule={"lookback": 5000, "minimum_history": 1000})
    wish = target(short, market(FOUR, walk(4, 400)), NOTHING)
    assert wish.road[0].startswith("minimum_cvar failed: ")
    assert wish.road[1] == step
    assert sum(wish.weights.values()) == pytest.approx(1.0)
    assert all("for want of better" in reason for reason in wish.reasons.values())


# --- brought by somebody else ---------------------------------------------------------------------------------------

MINE = '''
"""The names of the last letters, in equal parts."""

from dataclasses import dataclass
from typing import ClassVar

from portfolio.knobs import whole
from portfolio.strategies import Needs, Seen
from portfolio.types import Target


@dataclass(frozen=True, slots=True)
class LastLetters:
    kind: ClassVar[str] = "{kind}"
    objectives: ClassVar[tuple[str, ...]] = ("allocation",)
    names: int = whole(1, 100, 2)

    def check(self, symbols, classes):
        pass

    def needs(self):
        return Needs()

    def wish(self, seen: Seen) -> Target:
        chosen = sorted(seen.symbols)[-self.names :]
        weights = {{s: seen.room / len(chosen) if s in chosen else 0.0 for s in seen.symbols}}
        return Target(weights, (self.kind,), dict.fromkeys(weights, "by its letter"))
'''
ASK = """
import sys
from mind import FIXED, market
from portfolio.policy import parse_policy
from portfolio.strategies import target
text = FIXED.replace('kind = "fixed"\\nweights = { SPY = 0.6, IEF = 0.3, GLD = 0.1 }', 'kind = "last_letters"\\nnames = ' + sys.argv[1])
print(sorted(target(parse_policy(text), market(), {}).weights.items()))
"""


def brought(folder: Path, kind: str = "last_letters", what: str = "mine:LastLetters") -> dict[str, str]:
    """An installed package with an entry point, and the environment that finds it."""
    info = folder / "mine-1.0.dist-info"
    info.mkdir()
    (folder / "mine.py").write_text(MINE.format(kind=kind))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[trimtab.strategies]\nlast_letters = {what}\n")
    root = Path(__file__).parents[2]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (folder, Path(__file__).parent, root)))}


def asked(names: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", ASK, names], env=env, capture_output=True, text=True, timeout=120, check=False)


def test_a_strategy_of_one_s_own_is_found_by_its_entry_point(tmp_path):
    env = brought(tmp_path)
    assert asked("2", env).stdout.strip() == "[('GLD', 0.0), ('IEF', 0.5), ('SPY', 0.5)]"
    assert asked("1", env).stdout.strip() == "[('GLD', 0.0), ('IEF', 0.0), ('SPY', 1.0)]"
    refused = asked("0", env)
    assert "names = 0 is not a whole number from 1 to 100" in refused.stderr


@pytest.mark.parametrize(
    ("kind", "what", "said"), [("fixed", "mine:LastLetters", "which is taken"), ("x", "mine:whole", "is no strategy")]
)
def test_what_is_no_strategy_or_takes_another_s_name_is_refused(tmp_path, kind, what, said):
    refused = asked("2", brought(tmp_path, kind, what))
    assert "WrongUse" in refused.stderr
    assert said in refused.stderr


def test_a_kind_that_nobody_brings_is_refused_with_those_there_are():
    with pytest.raises(WrongUse, match="zebra") as caught:
        parse_policy(changed(FIXED, 'kind = "fixed"', 'kind = "zebra"'))
    assert "inverse_volatility" in caught.value.way_out
