"""From wished weights to whole-share orders, and the one door each of them passes."""

from portfolio.orders.gate import admit, admit_plan
from portfolio.orders.parts import Steps, why_traded
from portfolio.orders.planning import Because, plan_orders
from portfolio.orders.sizing import Sizing
from portfolio.orders.view import GateView

__all__ = ["Because", "GateView", "Sizing", "Steps", "admit", "admit_plan", "plan_orders", "why_traded"]
