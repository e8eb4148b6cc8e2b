"""Figures of risk against their owners: Riskfolio, scipy, empyrical's recorded answers, and published tables."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays
from mind import down, up

from portfolio.errors import Refused
from portfolio.measures import (
    METHODS,
    Horizon,
    Moments,
    average_drawdown,
    beta,
    calmar_ratio,
    concentration,
    conditional_drawdown_at_risk,
    conditional_value_at_risk,
    cornish_fisher,
    drawdown_at_risk,
    drawdowns,
    effective_names,
    entropic_value_at_risk,
    ewma_deviation,
    filtered,
    growth,
    horizon_sums,
    is_monotone,
    max_drawdown,
    moments,
    normal_conditional_value_at_risk,
    normal_value_at_risk,
    pareto_tail,
    sharpe_ratio,
    simulated_book,
    simulated_returns,
    sortino_ratio,
    tail,
    tracking_error,
    ulcer_index,
    value_at_risk,
    volatility,
    volatility_at_one,
)

LEVELS = (0.9, 0.95, 0.975, 0.99)
HIGH = some.sampled_from(LEVELS)
METHOD = some.sampled_from(METHODS)
ROWS = some.tuples(some.integers(0, 2**32 - 1), some.sampled_from([250, 401, 504]), some.floats(2.5, 30))


def drawn(seed: int, days: int, degrees: float, assets: int | None = None) -> np.ndarray:
    """Fat-tailed daily returns."""
    shape = days if assets is None else (days, assets)
    return 0.0003 + 0.01 * np.random.default_rng(seed).standard_t(degrees, shape)


# --- published: Rockafellar and Uryasev (2000), tables 1 to 4 ------------------------------------------------------

MEANS = np.array([0.0101110, 0.0043532, 0.0137058])  # S&P 500, long government bonds, small caps: a month
COVARIANCE = np.array(
    [[0.00324625, 0.00022983, 0.00420395], [0.00022983, 0.00049937, 0.00019247], [0.00420395, 0.00019247, 0.00764097]]
)
OPTIMUM = np.array([0.452013, 0.115573, 0.432414])
TOLD = {0.90: (0.067847, 0.096975), 0.95: (0.090200, 0.115908), 0.99: (0.132128, 0.152977)}


@pytest.mark.parametrize("level", TOLD)
def test_the_normal_tail_is_rockafellar_and_uryasev_s_table(level):
    told = Moments(float(OPTIMUM @ MEANS), math.sqrt(OPTIMUM @ COVARIANCE @ OPTIMUM))
    assert normal_value_at_risk(told, level) == pytest.approx(TOLD[level][0], abs=1.1e-6)
    assert normal_conditional_value_at_risk(told, level) == pytest.approx(TOLD[level][1], abs=1.1e-6)


@pytest.mark.parametrize("level", TOLD)
def test_no_other_portfolio_of_their_example_has_a_lower_normal_cvar(level):
    """Theirs earns 0.011 a month with the least of it; found again here on the line that this return leaves."""
    fixed = np.array([[1.0, 1.0, 1.0], MEANS])
    start, way = np.linalg.lstsq(fixed, np.array([1.0, 0.011]), rcond=None)[0], np.cross(fixed[0], fixed[1])

    def risk(weights):
        return normal_conditional_value_at_risk(Moments(weights @ MEANS, math.sqrt(weights @ COVARIANCE @ weights)), level)

    steps = np.linspace(-200.0, 200.0, 200_001)
    every = start + steps[:, None] * way
    inside = every[(every >= 0).all(axis=1)]
    variances = np.einsum("ij,jk,ik->i", inside, COVARIANCE, inside)
    best = inside[variances.argmin()]
    assert best == pytest.approx(OPTIMUM, abs=2e-4)
    assert risk(best) == pytest.approx(TOLD[level][1], abs=2e-6)
    assert all(risk(best) <= risk(w) + 1e-12 for w in inside[::997])


@pytest.mark.parametrize("level", TOLD)
def test_a_simulated_tail_comes_near_their_table(level):
    """As near as 50,000 draws can: the deviation of a quantile so drawn is 0.7 % of it at 0.99."""
    rng = np.random.default_rng(4)
    book = simulated_returns(MEANS, COVARIANCE, 50_000, rng) @ OPTIMUM
    assert value_at_risk(book, level) == pytest.approx(TOLD[level][0], rel=0.02)
    assert conditional_value_at_risk(book, level) == pytest.approx(TOLD[level][1], rel=0.02)


# --- scipy -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
def test_the_normal_tail_is_scipy_s(level):
    from scipy import stats

    told = Moments(0.0004, 0.013)
    law = stats.norm(-told.mean, told.deviation)
    assert normal_value_at_risk(told, level) == pytest.approx(float(law.ppf(level)), abs=1e-12)
    mean = law.expect(lambda x: x, lb=law.ppf(level), ub=np.inf) / (1 - level)
    assert normal_conditional_value_at_risk(told, level) == pytest.approx(mean, abs=1e-10)


def test_the_moments_are_scipy_s(stocks):
    from scipy import stats

    for column in (0, 7, 19):
        returns = stocks[1][-504:, column]
        told = moments(returns)
        assert told.mean == pytest.approx(returns.mean(), abs=1e-15)
        assert told.deviation == pytest.approx(returns.std(ddof=1), abs=1e-15)
        assert told.skewness == pytest.approx(stats.skew(returns), abs=1e-12)
        assert told.kurtosis == pytest.approx(stats.kurtosis(returns), abs=1e-11)
        assert told.over(5).deviation == pytest.approx(told.deviation * math.sqrt(5), abs=1e-15)


def test_sums_of_independent_days_have_the_moments_that_are_told():
    told = moments(drawn(1, 400, 12.0))
    rng = np.random.default_rng(2)
    sums = rng.choice(drawn(1, 400, 12.0), (400_000, 5)).sum(axis=1)
    found, expected = moments(sums), told.over(5)
    assert found.mean == pytest.approx(expected.mean, abs=2e-4)
    assert found.deviation == pytest.approx(expected.deviation, rel=5e-3)
    assert found.skewness == pytest.approx(expected.skewness, abs=0.02)
    assert found.kurtosis == pytest.approx(expected.kurtosis, abs=0.05)


@pytest.mark.parametrize(("skewness", "kurtosis"), [(0.0, 0.0), (-0.5, 2.0), (0.3, 1.0), (-1.0, 3.0)])
@pytest.mark.parametrize("level", LEVELS)
def test_cornish_and_fisher_s_cvar_is_the_mean_of_their_quantile(skewness, kurtosis, level):
    from scipy import integrate, stats

    told = Moments(0.0005, 0.012, skewness, kurtosis)
    found = cornish_fisher(told, level)
    assert found is not None

    def loss(p):
        z = stats.norm.ppf(p)
        bent = z + (z**2 - 1) * skewness / 6 + (z**3 - 3 * z) * kurtosis / 24 - (2 * z**3 - 5 * z) * skewness**2 / 36
        return -told.mean - told.deviation * bent

    assert found[0] == pytest.approx(loss(1 - level), abs=1e-12)
    mean = integrate.quad(loss, 0, 1 - level, epsabs=1e-14, epsrel=1e-13, limit=400)[0] / (1 - level)
    assert found[1] == pytest.approx(mean, abs=1e-8)


def test_without_skewness_and_kurtosis_it_is_the_normal_tail():
    told = Moments(0.0004, 0.01)
    assert cornish_fisher(told, 0.95) == pytest.approx(
        (normal_value_at_risk(told, 0.95), normal_conditional_value_at_risk(told, 0.95)), abs=1e-15
    )


@given(skewness=some.floats(-4, 4), kurtosis=some.floats(-2, 12))
@settings(max_examples=200, deadline=None)
def test_its_domain_is_where_the_quantile_rises(skewness, kurtosis):
    """Against the quantile itself on a fine grid: what is called monotone never falls; what falls is never called so."""
    z = np.linspace(-60, 60, 24_001)
    bent = z + (z**2 - 1) * skewness / 6 + (z**3 - 3 * z) * kurtosis / 24 - (2 * z**3 - 5 * z) * skewness**2 / 36
    steps = np.diff(bent)
    told = is_monotone(Moments(0.0, 1.0, skewness, kurtosis))
    if told:
        assert steps.min() > -1e-6
    elif steps.min() > 1e-6:  # it turns beyond the grid, where the cubic term is negative or nothing
        assert kurtosis / 8 - skewness**2 / 6 <= 1e-4


def test_maillard_s_edge_of_the_domain():
    """Without skewness it ends at an excess kurtosis of 8, and the widest skewness is 6 (sqrt 2 - 1)."""
    assert is_monotone(Moments(0.0, 1.0, 0.0, 8.0 - 1e-9))
    assert not is_monotone(Moments(0.0, 1.0, 0.0, 8.0 + 1e-9))
    edge = 6 * (math.sqrt(2) - 1)
    for skewness, inside in [(edge - 1e-3, True), (edge + 1e-3, False)]:
        assert any(is_monotone(Moments(0.0, 1.0, skewness, k)) for k in np.linspace(0, 12, 12_001)) is inside


@pytest.mark.parametrize("degrees", [2.5, 4.0, 8.0, 30.0])
@pytest.mark.parametrize("days", [250, 504, 2000])
def test_the_pareto_tail_is_scipy_s_greatest_likelihood(degrees, days):
    from scipy import optimize, stats

    returns = drawn(int(degrees * 10) + days, days, degrees)
    found = pareto_tail(returns)
    losses = np.sort(-returns)[::-1]
    excess = losses[: math.ceil(days / 10)] - losses[math.ceil(days / 10)]
    assert found.threshold == losses[math.ceil(days / 10)]

    def against(parameters):
        return stats.genpareto.nnlf((parameters[0], 0.0, abs(parameters[1])), excess)

    best = optimize.minimize(
        against, [0.1, excess.mean()], method="Nelder-Mead", options={"xatol": 1e-12, "fatol": 1e-13, "maxiter": 5000}
    )
    if best.x[0] < -0.5:  # beyond the regular domain: ours stops at its edge
        assert found.index == pytest.approx(-0.5, abs=1e-9)
        return
    assert against((found.index, found.scale)) <= best.fun + 1e-9
    assert (found.index, found.scale) == pytest.approx(tuple(best.x), abs=1e-5)


@pytest.mark.parametrize("level", LEVELS)
def test_the_tail_beyond_the_threshold_is_scipy_s_law(level):
    from scipy import stats

    found = pareto_tail(drawn(3, 504, 4.0))
    law = stats.genpareto(found.index, loc=found.threshold, scale=found.scale)
    var = law.ppf(1 - (1 - level) / found.share)
    assert found.value_at_risk(level) == pytest.approx(var, abs=1e-10)
    mean = law.expect(lambda x: x, lb=var, ub=np.inf) * found.share / (1 - level)
    assert found.conditional_value_at_risk(level) == pytest.approx(mean, rel=1e-6)


def test_a_tail_index_of_one_has_no_expected_shortfall():
    from portfolio.measures import ParetoTail

    for index, known in [(down(1.0), True), (1.0, False), (up(1.0), False), (1.7, False)]:
        told = ParetoTail(0.02, 0.1, index, 0.01)
        assert (told.conditional_value_at_risk(0.95) is not None) is known
        assert math.isfinite(told.value_at_risk(0.99))
    cauchy = 0.01 * np.random.default_rng(5).standard_cauchy(2000)
    found = tail(cauchy, Horizon(0.95), "extreme_value")
    assert found.conditional_value_at_risk is None
    assert "no expected shortfall" in found.note
    assert found.value_at_risk > 0


def test_losses_without_an_end_of_their_own_stay_in_the_regular_domain():
    """Uniform losses ask for an index of -1, where no likelihood is greatest: it stops at -0.5."""
    found = pareto_tail(np.random.default_rng(6).uniform(-0.01, 0.01, 2000))
    assert found.index == pytest.approx(-0.5, abs=1e-9)
    exact = pareto_tail(-np.concatenate([np.full(180, 0.01), 0.01 + 0.001 * -np.log(np.linspace(0.025, 0.975, 20))]))
    assert abs(exact.index) < 0.3  # exponential excesses


def test_a_tail_that_nothing_exceeds_is_its_threshold():
    flat = np.concatenate([np.full(100, -0.01), np.full(400, 0.01)])
    found = tail(flat, Horizon(0.95), "extreme_value")
    assert (found.value_at_risk, found.conditional_value_at_risk) == (0.01, 0.01)


# --- Riskfolio -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
@pytest.mark.parametrize("days", [251, 503, 2001])
def test_the_drawdown_family_is_riskfolio_s(riskfolio, stocks, days, level):
    owner, alpha = riskfolio.RiskFunctions, 1 - level
    for column in (0, 7, 19):
        returns = stocks[1][-days:, column]
        assert max_drawdown(returns) == pytest.approx(owner.MDD_Rel(returns), abs=1e-8)
        assert average_drawdown(returns) == pytest.approx(owner.ADD_Rel(returns), abs=1e-8)
        assert ulcer_index(returns) == pytest.approx(owner.UCI_Rel(returns), abs=1e-8)
        assert drawdown_at_risk(returns, level) == pytest.approx(owner.DaR_Rel(returns, alpha), abs=1e-8)
        assert conditional_drawdown_at_risk(returns, level) == pytest.approx(owner.CDaR_Rel(returns, alpha), abs=1e-8)
        assert len(drawdowns(returns)) == days


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_the_entropic_tail_is_riskfolio_s(riskfolio, stocks, level):
    """A millionth: Riskfolio's own search stops there; ours is never above it."""
    for column in (0, 7, 19):
        returns = stocks[1][-504:, column]
        theirs = riskfolio.RiskFunctions.EVaR_Hist(returns, 1 - level)[0]
        found = entropic_value_at_risk(returns, level)
        assert found == pytest.approx(theirs, abs=1e-6)
        assert found <= theirs + 1e-10


@given(rows=ROWS, level=HIGH)
@settings(max_examples=40, deadline=None)
def test_var_cvar_evar_and_the_worst_day_stand_in_order(rows, level):
    returns = drawn(*rows)
    ranked = [value_at_risk(returns, level), conditional_value_at_risk(returns, level), entropic_value_at_risk(returns, level)]
    assert all(a <= b + 1e-10 for a, b in itertools.pairwise([*ranked, -returns.min()]))
    assert entropic_value_at_risk(3 * returns, level) == pytest.approx(3 * ranked[2], rel=1e-7)


# --- empyrical-reloaded 0.7.1, recorded: growth, Sharpe, Sharpe over 1e-4, Sortino, Sortino over 1e-4, Calmar, beta ------

EMPYRICAL = {
    0: (0.36195796509789857, 1.074347155915306, 1.000684950027581, 1.5958006272524508, 1.4814953838043625, 1.151717114830613),
    7: (0.1117566760333839, 0.6171536663331705, 0.4948320885684983, 0.900843149666795, 0.7185940598259367, 0.40837067339418065),
    19: (
        0.17068580809757683,
        0.6158778952084065,
        0.5463941946766943,
        0.9022058416080401,
        0.7978793815427152,
        0.28283823548356457,
    ),
}
BETAS = {0: 1.2148449796071366, 7: 0.5393467587252491, 19: 0.9128543548652147}  # to the S&P 500 of the same 1,000 days


@pytest.mark.parametrize("column", EMPYRICAL)
def test_the_ratios_are_empyrical_s(stocks, column):
    returns = stocks[1][-1000:, column]
    found = (
        growth(returns),
        sharpe_ratio(returns),
        sharpe_ratio(returns, 1e-4),
        sortino_ratio(returns),
        sortino_ratio(returns, 1e-4),
        calmar_ratio(returns),
    )
    assert found == pytest.approx(EMPYRICAL[column], abs=1e-8)


@pytest.mark.parametrize("column", BETAS)
def test_beta_is_empyrical_s(sample_closes, column):
    symbols, _, closes, _ = sample_closes
    companies = [i for i, s in enumerate(symbols) if s != "SP500"]
    rows = closes[np.isfinite(closes[:, companies]).all(axis=1)]
    returns = rows[1:] / rows[:-1] - 1.0
    own, other = returns[-1000:, companies[column]], returns[-1000:, symbols.index("SP500")]
    assert beta(own, other) == pytest.approx(BETAS[column], abs=1e-8)
    assert tracking_error(own, other) == pytest.approx(np.std(own - other, ddof=1) * math.sqrt(252), abs=1e-12)


def test_a_ratio_without_a_risk_is_none_never_infinite():
    still, rising = np.full(20, 0.01), np.array([0.01, 0.02, 0.01])
    assert sharpe_ratio(still) is None
    assert sortino_ratio(rising) is calmar_ratio(rising) is None
    assert sharpe_ratio(np.array([0.1])) is None
    assert growth(np.array([-1.0, 0.5])) == -1.0
    assert beta(rising, still[:3]) is None


# --- concentration, correlation ------------------------------------------------------------------------------------------


@given(weights=arrays(float, some.integers(1, 30), elements=some.floats(0.001, 1)))
@settings(max_examples=60, deadline=None)
def test_effective_names_lie_between_one_and_all(weights):
    assert 1.0 - 1e-9 <= effective_names(weights) <= len(weights) + 1e-9
    assert effective_names(-3 * weights) == pytest.approx(effective_names(weights), rel=1e-12)
    assert effective_names(np.full(len(weights), 0.1)) == pytest.approx(len(weights))
    assert concentration(np.zeros(3)) == effective_names(np.zeros(0)) == 0.0


@given(seed=some.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_no_long_book_is_more_volatile_than_at_a_correlation_of_one(seed):
    returns = drawn(seed, 100, 5.0, assets=4)
    weights = np.random.default_rng(seed).uniform(0, 1, 4)
    each = returns.std(axis=0, ddof=1) * math.sqrt(252)
    assert volatility(returns @ weights) <= volatility_at_one(weights, each) + 1e-12
    same = np.outer(returns[:, 0], [1.0, 2.0])
    assert volatility(same @ np.array([0.3, -0.4])) == pytest.approx(
        volatility_at_one(np.array([0.3, -0.4]), same.std(axis=0, ddof=1) * math.sqrt(252))
    )


# --- filtered and simulated ----------------------------------------------------------------------------------------------


def test_the_filter_is_riskmetrics_recursion():
    returns = drawn(8, 60, 5.0)
    deviation = ewma_deviation(returns)
    expected = [np.mean(returns**2)]
    for r in returns:
        expected.append(0.94 * expected[-1] + 0.06 * r * r)
    assert deviation == pytest.approx(np.sqrt(expected), abs=1e-15)
    assert filtered(returns) == pytest.approx(returns / deviation[:-1] * deviation[-1], abs=1e-15)
    assert set(filtered(np.zeros(70))) == {0.0}


def test_filtered_history_follows_today_s_volatility():
    """The same surprises after a calm and after a wild month: only their size differs."""
    past, month = drawn(9, 400, 8.0), 0.01 * np.random.default_rng(1).standard_normal(40)
    calm, wild = (tail(np.concatenate([past, month * k]), Horizon(0.95), "filtered_historical") for k in (0.3, 3.0))
    plain = [value_at_risk(np.concatenate([past, month * k]), 0.95) for k in (0.3, 3.0)]
    assert wild.value_at_risk > 4 * calm.value_at_risk
    assert wild.value_at_risk / calm.value_at_risk > plain[1] / plain[0]


@pytest.mark.parametrize("degrees", [None, 3.5, 8.0])
@pytest.mark.parametrize("days", [1, 5])
def test_simulated_days_are_those_of_scipy_s_law(degrees, days):
    from scipy import stats

    told = Moments(0.0005, 0.01)
    found = simulated_book(told, days, degrees)
    assert np.array_equal(found, simulated_book(told, days, degrees))
    assert found.mean() == pytest.approx(told.mean * days, abs=1e-12)
    assert found.std() == pytest.approx(told.deviation * math.sqrt(days), rel=0.05)
    if days == 1:
        law = stats.norm() if degrees is None else stats.t(degrees)
        unit = 1.0 if degrees is None else math.sqrt((degrees - 2) / degrees)
        for level in LEVELS:
            expected = -told.mean + told.deviation * unit * law.ppf(level)
            assert value_at_risk(found, level) == pytest.approx(expected, rel=0.02)


def test_what_assets_draw_is_what_the_book_draws():
    """A book's own draws have the law of its assets' draws, normal or t: compared by Kolmogorov and Smirnov."""
    from scipy import stats

    weights, rng = np.array([0.5, 0.2, 0.3]), np.random.default_rng(12)
    told = Moments(float(weights @ MEANS), math.sqrt(weights @ COVARIANCE @ weights))
    for degrees in (None, 4.0):
        assets = simulated_returns(MEANS, COVARIANCE, 20_000, rng, degrees)
        assert np.cov(assets, rowvar=False) == pytest.approx(COVARIANCE, abs=3e-4)
        assert stats.ks_2samp(assets @ weights, simulated_book(told, 1, degrees)).pvalue > 0.01


def test_a_singular_covariance_can_be_drawn_from_and_a_seed_repeats():
    singular = np.outer([1.0, 2.0, -1.0], [1.0, 2.0, -1.0]) * 1e-4
    first, again = (simulated_returns(np.zeros(3), singular, 100, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(first, again)
    assert first[:, 1] == pytest.approx(2 * first[:, 0], abs=1e-12)


@pytest.mark.parametrize("degrees", [2.0, 1.0, 0.0, -3.0, float("nan"), float("inf")])
def test_a_t_law_without_a_variance_is_refused(degrees):
    with pytest.raises(Refused, match="degrees of freedom"):
        tail(drawn(1, 100, 5.0), Horizon(), "monte_carlo", degrees)


# --- one tail by each method ----------------------------------------------------------------------------------------------


@given(rows=ROWS, level=HIGH, method=METHOD, days=some.sampled_from([1, 5, 10]), scale=some.floats(0.01, 5))
@settings(max_examples=120, deadline=None)
def test_each_method_is_homogeneous_and_its_cvar_is_at_least_its_var(rows, level, method, days, scale):
    returns = drawn(*rows)
    plain, scaled = (tail(k * returns, Horizon(level, days), method) for k in (1.0, scale))
    assert plain.method == scaled.method
    assert scaled.value_at_risk == pytest.approx(scale * plain.value_at_risk, rel=1e-7, abs=1e-12)
    if plain.conditional_value_at_risk is not None:
        assert plain.conditional_value_at_risk >= plain.value_at_risk - 1e-10
        assert scaled.conditional_value_at_risk == pytest.approx(scale * plain.conditional_value_at_risk, rel=1e-6, abs=1e-12)


@given(rows=ROWS, method=METHOD, days=some.sampled_from([1, 5]))
@settings(max_examples=50, deadline=None)
def test_each_method_rises_with_the_level(rows, method, days):
    returns = drawn(*rows)
    found = [tail(returns, Horizon(level, days), method) for level in LEVELS]
    for lower, higher in itertools.pairwise(found):
        assert lower.value_at_risk <= higher.value_at_risk + 1e-10
        if lower.conditional_value_at_risk is not None:
            assert lower.conditional_value_at_risk <= higher.conditional_value_at_risk + 1e-10


@given(rows=ROWS, level=HIGH, shift=some.floats(-0.01, 0.01), method=some.sampled_from(METHODS[:5]))
@settings(max_examples=50, deadline=None)
def test_what_is_earned_for_sure_comes_off_the_tail(rows, level, shift, method):
    """Not of filtered history: its filter takes the mean for 0."""
    returns = drawn(*rows)
    plain, moved = (tail(returns + k, Horizon(level), method) for k in (0.0, shift))
    assert moved.value_at_risk == pytest.approx(plain.value_at_risk - shift, abs=1e-7)
    if plain.conditional_value_at_risk is not None:
        assert moved.conditional_value_at_risk == pytest.approx(plain.conditional_value_at_risk - shift, abs=1e-6)


@given(seed=some.integers(0, 10_000), level=HIGH, method=some.sampled_from(["historical", "normal", "monte_carlo"]))
@settings(max_examples=50, deadline=None)
def test_two_books_together_have_no_more_cvar_than_apart(seed, level, method):
    """Not of Cornish-Fisher, extreme values or filtered history: each bends every book by its own shape."""
    both = drawn(seed, 250, 4.0, assets=2)
    one, other, together = (
        tail(x, Horizon(level), method).conditional_value_at_risk for x in (both[:, 0], both[:, 1], both.sum(axis=1))
    )
    assert together <= one + other + 1e-10


def test_a_method_outside_its_domain_says_who_stands_in():
    wild = np.concatenate([drawn(2, 300, 30.0), [-0.2]])
    found, plain = (tail(wild, Horizon(0.95), m) for m in ("cornish_fisher", "historical"))
    assert found.method == "historical"
    assert found.value_at_risk == plain.value_at_risk
    assert "outside the domain of Cornish-Fisher" in found.note
    few = tail(drawn(3, 199, 5.0)[:189], Horizon(0.95), "extreme_value")
    assert few.method == "historical"
    assert "fewer than 20 losses" in few.note
    assert tail(drawn(3, 199, 5.0), Horizon(0.95), "extreme_value").method == "extreme_value"


def test_over_several_days_each_method_does_what_it_says():
    returns = drawn(4, 504, 6.0)
    sums = np.array([returns[i : i + 5].sum() for i in range(500)])
    assert horizon_sums(returns, 5) == pytest.approx(sums, abs=1e-15)
    assert tail(returns, Horizon(0.95, 5)).value_at_risk == pytest.approx(value_at_risk(sums, 0.95), abs=1e-15)
    told = moments(returns)
    assert tail(returns, Horizon(0.95, 5), "normal").value_at_risk == pytest.approx(
        -5 * told.mean + math.sqrt(5) * told.deviation * 1.6448536269514722, abs=1e-12
    )
    rescaled = filtered(returns)
    assert tail(returns, Horizon(0.95, 5), "filtered_historical").value_at_risk == pytest.approx(
        value_at_risk(horizon_sums(rescaled, 5), 0.95), abs=1e-15
    )


@pytest.mark.parametrize("days", [0, -1, 505])
def test_a_horizon_that_history_does_not_have_is_refused(days):
    with pytest.raises(Refused, match="horizon"):
        tail(drawn(1, 504, 5.0), Horizon(0.95, days))


def test_wrong_questions_are_refused():
    with pytest.raises(Refused, match="no method"):
        tail(drawn(1, 100, 5.0), Horizon(), "parametric")
    with pytest.raises(Refused, match="begin at"):
        tail(drawn(1, 400, 5.0), Horizon(0.8), "extreme_value")
    for method in METHODS:
        with pytest.raises(Refused):
            tail(np.array([np.nan] * 100), Horizon(), method)


def test_cash_alone_has_no_tail_by_any_method():
    for method in METHODS:
        found = tail(np.zeros(300), Horizon(0.95, 5), method)
        assert (found.value_at_risk, found.conditional_value_at_risk) == (0.0, 0.0)
