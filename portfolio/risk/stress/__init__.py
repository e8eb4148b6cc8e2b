"""What a book would lose in ten episodes of the past and in scenarios that never were."""

from portfolio.risk.stress.losses import stresses
from portfolio.risk.stress.rules import stress_rules
from portfolio.risk.stress.scenarios import SCENARIOS, Scenario
from portfolio.risk.stress.shocks import by_hand

__all__ = ["SCENARIOS", "Scenario", "by_hand", "stress_rules", "stresses"]
