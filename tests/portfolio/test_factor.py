"""Factor scores against a table that pandas and SciPy worked out apart from the code, and the portfolio that follows."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scene import market, seen, strategy, told, walk
from scipy.stats import linregress, zscore

from portfolio.errors import Broken, WrongUse
from portfolio.optimize import Infeasible
from portfolio.signals.factors import FACTORS, Making, beta, composite, ratios_of, score, scores, sessions_of

# Each part: scipy.stats.zscore(ddof=1) of the known (or of their ranks), the mean of the parts where three of four are
# known. By hand: market values double from name to name, so the size score of the first is 3.5 / sqrt(6) = 1.428869.
TABLE = pd.read_csv(Path(__file__).with_name("factor_scores.csv"))
NAMES = tuple(TABLE["symbol"])
RATIOS = {name: TABLE[name].to_numpy(dtype=float) for factor in FACTORS for name in ratios_of(factor)}
SECTORS = {"sector": dict(zip(TABLE["symbol"], TABLE["sector"], strict=True))}
FILED = ("value", "quality", "size", "dividend")


def world(closes=None, **more):
    return market(walk(300, 8) if closes is None else closes, NAMES, ratios=RATIOS | more.pop("ratios", {}), **more)


def factor(text: str, classes=None):
    return strategy('kind = "factor"\n' + text, NAMES, SECTORS if classes is None else classes)


def weights(text: str, **more) -> dict[str, float]:
    return told(factor(text), seen(world(), classes=SECTORS, **more))


@pytest.mark.parametrize("name", FILED)
@pytest.mark.parametrize(("how", "suffix"), [("z_score", ""), ("rank", "_rank")])
def test_scores_are_those_of_the_table(name, how, suffix):
    found = score(name, np.empty((0, 8)), RATIOS, Making(standardise=how, winsorise=0.0))
    np.testing.assert_allclose(found, TABLE[name + suffix], atol=1e-6)


def test_composites_are_those_of_the_table_also_by_sector():
    found = composite(
        scores(["value", "quality"], np.empty((0, 8)), RATIOS, Making(winsorise=0.0)), {"value": 0.6, "quality": 0.4}, 0.4
    )
    np.testing.assert_allclose(found, TABLE["composite"], atol=1e-6)
    text = "factors = { value = 0.6, quality = 0.4 }\nwinsorise = 0.0\ncoverage = 0.4\nselect = 0.25\n"
    assert {s for s, w in weights(text).items() if w} == set(TABLE.nlargest(2, "composite")["symbol"]) == {"GGG", "AAA"}
    neutral = {s for s, w in weights(text + 'neutral = ["sector"]').items() if w}
    assert neutral == set(TABLE.nlargest(2, "composite_by_sector")["symbol"]) == {"GGG", "DDD"}


def test_scores_of_prices_are_those_of_pandas():
    closes = walk(300, 8)
    table = pd.DataFrame(closes)
    year = (table.shift(21) / table.shift(252)).iloc[-1] - 1
    plain = Making(winsorise=0.0)
    np.testing.assert_allclose(score("momentum", closes, {}, plain), zscore(year, ddof=1), rtol=1e-9)
    risk = table.pct_change().tail(252).std()
    np.testing.assert_allclose(score("low_volatility", closes, {}, plain), -zscore(risk, ddof=1), rtol=1e-9)


def test_outliers_are_pulled_in_before_they_are_weighed():
    found = {**RATIOS, "dividend_yield": np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 1000.0])}
    pulled = pd.Series(found["dividend_yield"]).clip(lower=1.7, upper=305.0 - 0.1)  # quantiles by hand: 1.7, 304.9
    np.testing.assert_allclose(
        score("dividend", np.empty((0, 8)), found, Making(winsorise=0.1)), zscore(pulled, ddof=1), rtol=1e-9
    )
    far = {**RATIOS, "dividend_yield": np.array([0.0] * 40 + [1.0])}
    assert score("dividend", np.empty((0, 41)), far, Making(winsorise=0.0)).max() == 3.0  # cut; it is 6.2 deviations out


def test_what_is_not_known_has_no_score():
    nothing = score("value", np.empty((0, 8)), {})
    assert np.isnan(nothing).all()
    assert np.isnan(score("momentum", walk(200, 8), {})).all()
    assert sessions_of("momentum") == 252
    assert ratios_of("beta") == ()


def test_beta_is_the_slope_of_scipy():
    closes = walk(200, 4)
    market_closes = walk(200, 1, seed=11)[:, 0]
    closes[50:60, 1] = np.nan
    closes[:-15, 2] = np.nan
    moves, index = pd.DataFrame(closes).pct_change(fill_method=None), pd.Series(market_closes).pct_change()
    found = beta(closes, market_closes)
    for column in (0, 1, 3):
        both = moves[column].notna() & index.notna()
        assert found[column] == pytest.approx(linregress(index[both], moves[column][both]).slope, rel=1e-9)
    assert np.isnan(found[2])
    assert np.isnan(beta(closes, np.full(200, 5.0))).all()


def test_the_chosen_share_the_room_equally_or_by_size_or_by_calm():
    text = "factors = { dividend = 1.0 }\nselect = 0.25\n"  # the two best: CCC, AAA
    assert {s: w for s, w in weights(text, room=0.8).items() if w} == {"AAA": 0.4, "CCC": 0.4}
    assert {s: w for s, w in weights(text + 'weighting = "market_value"').items() if w} == pytest.approx({"AAA": 0.2, "CCC": 0.8})
    risk = 1 / pd.DataFrame(walk(300, 8)).pct_change().tail(252).std()[[0, 2]]
    calm = weights(text + 'weighting = "inverse_volatility"')
    assert [calm["AAA"], calm["CCC"]] == pytest.approx((risk / risk.sum()).tolist())


def test_a_tilt_weighs_by_the_score_and_a_cap_holds():
    text = "factors = { size = 1.0 }\nselect = 1.0\nwinsorise = 0.0\ntilt = true\n"
    z = TABLE["size"]
    expected = np.where(z >= 0, 1 + z, 1 / (1 - z))
    expected /= expected.sum()
    assert list(weights(text).values()) == pytest.approx(expected.tolist(), abs=1e-6)
    capped = weights(text + "cap = 0.2\n")
    assert max(capped.values()) == pytest.approx(0.2)
    assert sum(capped.values()) == pytest.approx(1.0)
    assert set(weights("factors = { size = 1.0 }\nselect = 0.25\ncap = 0.3").values()) == {0.3, 0.0}  # the rest is cash


def test_a_held_name_stays_while_it_is_near():
    text = "factors = { size = 1.0 }\nselect = 0.25\n"  # AAA, BBB; then CCC, DDD
    held = {"CCC": 0.01, "DDD": 0.5, "EEE": 0.0}
    assert {s for s, w in weights(text, held=held).items() if w} == {"AAA", "BBB"}
    assert {s for s, w in weights(text + "buffer = 0.5", held=held).items() if w} == {"AAA", "CCC"}
    kept = factor(text + "buffer = 1.0").wish(seen(world(), held=held))
    assert {s for s, w in kept.weights.items() if w} == {"CCC", "DDD"}
    assert "held, and still near" in kept.reasons["CCC"]
    assert "not among the best 2" in kept.reasons["AAA"]


def test_of_equal_scores_the_name_decides_not_the_order():
    same = {"market_value": np.full(8, 100.0) * np.where(np.arange(8) < 5, 1.0, 2.0)}
    rule, before = factor("factors = { size = 1.0 }\nselect = 0.25"), world(ratios=same)
    backwards = market(
        before.closes[:, ::-1], NAMES[::-1], ratios={name: value[:, ::-1] for name, value in before.ratios.items()}
    )
    assert {s for s, w in told(rule, before).items() if w} == {"AAA", "BBB"} == {s for s, w in told(rule, backwards).items() if w}


def test_names_without_enough_factors_get_nothing_and_say_why():
    text = "factors = { value = 0.6, quality = 0.4 }\nselect = 1.0\n"
    wish = factor(text + "coverage = 0.9").wish(seen(world()))
    assert (wish.weights["GGG"], wish.weights["HHH"]) == (0.0, 0.0)
    assert "no score: value unknown" in wish.reasons["GGG"]
    assert "no score: quality unknown" in wish.reasons["HHH"]
    assert factor(text + "coverage = 0.5").wish(seen(world())).weights["HHH"] > 0.0  # value alone is 0.6 of it
    with pytest.raises(Infeasible, match="6 names have a score, minimum_names is 7"):
        factor(text + "coverage = 0.9\nminimum_names = 7").wish(seen(world()))


def test_neutral_to_size_is_not_led_by_it():
    sized = {"dividend_yield": np.log(RATIOS["market_value"]) + np.array([0, 0.5, 0, 0, 0, 0, 0, 0.01])}
    text = "factors = { dividend = 1.0 }\nselect = 0.1\nwinsorise = 0.0\n"
    shown = seen(world(ratios=sized))
    assert told(factor(text), shown)["HHH"] == 1.0
    assert told(factor(text + 'neutral = ["size"]'), shown)["BBB"] == 1.0
    missing = world(ratios=sized | {"market_value": np.where(np.arange(8) == 1, np.nan, RATIOS["market_value"])})
    wish = factor(text + 'neutral = ["size"]').wish(seen(missing))
    assert wish.weights["BBB"] == 0.0
    assert "size unknown" in wish.reasons["BBB"]


def test_it_asks_for_what_it_looks_at():
    needs = factor('factors = { value = 1.0, momentum = 1.0 }\nneutral = ["size"]').needs()
    assert needs.sessions == 252
    assert needs.ratios == (*FACTORS["value"], "market_value")
    with pytest.raises(Broken, match=r"book_to_price|earnings_yield"):
        factor("factors = { value = 1.0 }").wish(seen(market(walk(300, 8), NAMES)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("factors = { glamour = 1.0 }", "glamour"),
        ("factors = { value = 0.0 }", "no part"),
        ('factors = { value = 1.0 }\nneutral = ["moon"]', "moon"),
        ("factors = { value = 1.0 }\nminimum_names = 9", "the universe has 8"),
        ("factors = { value = 1.0 }\nmomentum_skip = 5", "without the factor momentum"),
        ("factors = { value = 1.0 }\nvolatility_window = 60", "means nothing without"),
        ("factors = { momentum = 1.0 }\nmomentum_window = 20", "leaves nothing"),
        ('factors = { value = 1.0 }\nstandardise = "rank"\nwinsorise = 0.1', "nothing to ranks"),
        ('factors = { size = 1.0 }\nneutral = ["size"]', "both a factor"),
        ("factors = { value = 1.0 }\nselect = 1.0\nbuffer = 0.5", "everybody is selected"),
    ],
)
def test_settings_that_say_nothing_or_two_things_are_refused(text, said):
    with pytest.raises(WrongUse, match=said):
        factor(text)
