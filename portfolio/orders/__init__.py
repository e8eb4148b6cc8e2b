"""From wished weights to whole-share orders, and the one door each of them passes."""

from portfolio.orders.gate import GateView, admit, admit_plan
from portfolio.orders.planning import Sizing, plan_orders

__all__ = ["GateView", "Sizing", "admit", "admit_plan", "plan_orders"]
