"""The tone of a headline from -1 (bad) to 1 (good): VADER's rules, with the words of markets that its lexicon lacks.

VADER was made for everyday writing: it does not know "plunges" or "upgraded" and takes "overweight" and "shares" for
feelings. The words below say what they mean in a headline about a company, on VADER's scale (-4 to 4).
It scores words, not news: "beats lowered estimates", irony, who gains from whose loss and what was expected before are
beyond it. Good for ranking many headlines, not for trusting one.
Source: Hutto & Gilbert (2014), VADER; the compound score.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

_GOOD = {
    2.5: "soar soars soared soaring skyrocket skyrockets outperform outperforms outperformed blockbuster",
    2.0: "surge surges surged surging upgrade upgrades upgraded beat beats bullish rally rallies rallied breakthrough",
    1.5: "jump jumps jumped climb climbs climbed rise rises rising rose gain gains gained rebound rebounds rebounded overweight "
    "buyback buybacks raise raises raised outpace outpaces record higher approval approves approved",
    1.0: "advance advances advanced up dividend tops topped accelerates expands expansion recover recovers recovery",
}
_BAD = {
    3.0: "bankruptcy bankrupt insolvency insolvent delisting delisted default defaults fraud",
    2.5: "plunge plunges plunged plunging plummet plummets plummeted crash crashes crashed collapse collapses collapsed "
    "underperform underperforms underperformed downgrade downgrades downgraded rout",
    2.0: "slump slumps slumped tumble tumbles tumbled sink sinks sank bearish selloff lawsuit lawsuits sues sued probe probes "
    "probed investigation subpoena recall recalls recalled layoff layoffs breach hacked miss misses missed halts halted "
    "writedown impairment restatement downturn recession",
    1.5: "fall falls fell falling drop drops dropped slide slides slid decline declines declined underweight warns warned "
    "warning cut cuts slashes slashed weak weaker delay delays delayed lower shortfall",
    1.0: "dip dips dipped slips slipped down slows slowdown loses losses",
}
_NEUTRAL = "share shares like play plays best top united security securities vice gross party treat interest".split()  # noqa: SIM905


def scores(headlines: Sequence[str]) -> list[float]:
    """One score a headline, to four places; 0 where no word of it is known."""
    judge = _judge()
    return [float(judge.polarity_scores(headline)["compound"]) for headline in headlines]


@cache
def _judge() -> Any:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    judge = SentimentIntensityAnalyzer()
    for sign, words in ((1, _GOOD), (-1, _BAD)):
        for strength, line in words.items():
            judge.lexicon.update(dict.fromkeys(line.split(), sign * strength))
    for word in _NEUTRAL:
        judge.lexicon.pop(word, None)
    return judge
