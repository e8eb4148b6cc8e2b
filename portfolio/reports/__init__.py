"""One self-contained HTML page a run: what was decided, why, what was traded, what it risks. Opens without a network."""

from portfolio.reports.facts import ReportFacts, TradeRow
from portfolio.reports.page import render

__all__ = ["ReportFacts", "TradeRow", "render"]
