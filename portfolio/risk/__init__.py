"""Rules judge a wish: each gives a verdict with its sentence, and the most careful verdict wins. None of them trades."""

from portfolio.risk.apply import apply_verdicts, blocked
from portfolio.risk.breaches import how_far, over
from portfolio.risk.drawdown import state_after
from portfolio.risk.judge import judge
from portfolio.risk.mending import Mended, mended
from portfolio.risk.profile import contributions, risk_profile
from portfolio.risk.settling import settle
from portfolio.risk.situation import Situation

__all__ = [
    "Mended",
    "Situation",
    "apply_verdicts",
    "blocked",
    "contributions",
    "how_far",
    "judge",
    "mended",
    "over",
    "risk_profile",
    "settle",
    "state_after",
]
