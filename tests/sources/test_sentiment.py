"""What the tone of a headline is worth: signs that a reader gave, beside those of the score."""

import pytest

from sources.news.sentiment import scores

TONES = {
    "Acme shares surge after profit beats estimates": 1,
    "Acme plunges as it misses revenue forecasts": -1,
    "Analysts upgrade Acme to overweight": 1,
    "Acme downgraded to underperform on weak demand": -1,
    "Acme files for bankruptcy protection": -1,
    "Acme raises dividend and announces buyback": 1,
    "Regulators open probe into Acme accounting": -1,
    "Acme recalls two million cars": -1,
    "Acme stock rallies to record high": 1,
    "Acme warns on profit, shares tumble": -1,
    "Acme to hold annual meeting on Tuesday": 0,
    "Acme names Smith chief executive": 0,
    "Shareholders sue Acme over data breach": -1,
    "Acme wins approval for cancer drug": 1,
    "Acme cuts 3,000 jobs in restructuring": -1,
    "Acme outperforms peers as sales climb": 1,
    "Acme delisting notice sends stock lower": -1,
    "Acme completes acquisition of Widget Corp": 0,
    "Acme slides on bearish outlook": -1,
    "Acme shares jump on strong guidance": 1,
}


OTHERS = {  # signs given before any score was looked at, and no word of the lexicon was chosen for them
    "Widget shares lifted in early trading on buyback plan and dividend boost": 1,
    "Gizmo stock price falls by 40 % as regulator confirms auction": -1,
    "Why a good deal for Foobar's employees has gone bad": -1,
    "Markets open flat to slightly higher": 1,
    "Political uncertainty is blamed as house prices fall": -1,
    "Foobar outperforms the market on a strong trading day": 1,
    "Three technology stocks with over 30 % upside": 1,
    "This stock has wind at its back and leads the index": 1,
    "Gizmo raises four billion from a bond sale": 0,
    "The market may test support at 1,300 points": 0,
}


def test_the_tone_of_twenty_headlines_is_that_of_a_reader():
    """Signs given by hand; within 0.05 of zero is neutral, as VADER's authors say."""
    found = [0 if abs(score) < 0.05 else (1 if score > 0 else -1) for score in scores(list(TONES))]
    wrong = [words for words, mine, theirs in zip(TONES, TONES.values(), found, strict=True) if mine != theirs]
    assert wrong == []


def test_the_words_of_markets_are_what_makes_the_difference():
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    plain_vader = SentimentIntensityAnalyzer()
    found = [plain_vader.polarity_scores(words)["compound"] for words in TONES]
    right = sum(
        abs(score) < 0.05 if sign == 0 else score * sign >= 0.05 for score, sign in zip(found, TONES.values(), strict=True)
    )
    assert right < 12


@pytest.mark.parametrize(
    "words", ["Shares of Acme", "Acme securities", "Acme and the best interest of shareholders", "United plays it like Delta"]
)
def test_ordinary_words_of_markets_are_no_feelings(words):
    assert scores([words]) == [0.0]


def test_what_it_cannot_do_is_known():
    """It scores words, not news: an expected loss that came in smaller is good, and sounds bad."""
    assert scores(["Acme loss narrower than feared"])[0] <= 0


def test_headlines_it_was_not_made_for_are_mostly_right_and_sometimes_not():
    """Six of ten: a figure of speech is not heard, "raises" and "support" are taken for good news."""
    found = [0 if abs(score) < 0.05 else (1 if score > 0 else -1) for score in scores(list(OTHERS))]
    right = sum(mine == theirs for mine, theirs in zip(OTHERS.values(), found, strict=True))
    assert right >= 6
    assert not [words for words, mine, theirs in zip(OTHERS, OTHERS.values(), found, strict=True) if mine * theirs < 0], (
        "never the opposite"
    )
