"""Each rule on a wish: one ulp around its limit, what it does where it has no answer, and its laws alone and together."""

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from mind import actions, down, market, policy, up, walk

from portfolio.errors import Refused
from portfolio.market import Market
from portfolio.measures import METHODS, Horizon, tail, value_at_risk
from portfolio.risk import Situation, apply_verdicts, judge, risk_profile, settle
from portfolio.risk.concentration import cap_of, concentration_rule
from portfolio.risk.exposure import long_only, max_gross, max_weight
from portfolio.risk.groups import max_group
from portfolio.risk.limits import ROUNDING
from portfolio.risk.liquidity import day_shares, liquidity
from portfolio.risk.market_beta import beta_rule
from portfolio.risk.past import Past, look_back
from portfolio.risk.sizing import caps_of, sizing
from portfolio.risk.spread import component_scales, max_component, max_volatility, max_volatility_at_one
from portfolio.risk.tail import tail_rules
from portfolio.types import (
    Action,
    Health,
    LiquidityPolicy,
    MarginPolicy,
    SizingPolicy,
    StressPolicy,
    TailLimit,
    TradingState,
)

NAN = float("nan")
SYMBOLS = ("SPY", "IEF", "GLD", "XLK", "TLT")
BEHIND = (1.0, -0.2, 0.1, 1.3, -0.3)  # betas that the world is drawn with
SIZES = (0.004, 0.004, 0.009, 0.008, 0.01)  # of each symbol's own days
CLASSES = {
    "asset": {"SPY": "equity", "XLK": "equity", "IEF": "bond", "TLT": "bond", "GLD": "gold"},
}
EQUITY = Decimal(1_000_000)


@lru_cache
def world(days: int = 400, seed: int = 11) -> Market:
    rng = np.random.default_rng(seed)
    common = 0.0003 + 0.01 * rng.standard_t(5, days)
    own = rng.standard_normal((days, 5)) * np.array(SIZES)
    closes = 100 * np.vstack([np.ones(5), np.cumprod(1 + common[:, None] * np.array(BEHIND) + own + 0.0002, axis=0)])
    benchmark = 400 * np.concatenate([[1.0], np.cumprod(1 + common)])
    volumes = {"SPY": 50_000.0, "IEF": 8_000.0, "GLD": 3_000.0, "XLK": 20_000.0, "TLT": 500.0}
    return market(SYMBOLS, closes, benchmark=benchmark, volumes=volumes)


def there(shown: Market | None = None, hedging=None, rules=None, **limits) -> Situation:
    unset = {"value_at_risk": None, "conditional_value_at_risk": None, "max_weight": 1.0, "max_gross": 10.0}
    rules = replace(rules or policy(), classes=CLASSES, **({"benchmark": "SPY"}))
    rules = replace(rules, risk=replace(rules.risk, **{**unset, **limits}))
    return Situation(rules, shown or world(), TradingState.ACTIVE, (), EQUITY, hedging=hedging or {})


def past(weights, where: Situation) -> Past:
    return look_back(weights, where.market, where.policy.risk.lookback)


@dataclass(frozen=True)
class Rule:
    """One rule alone: its verdicts under a limit; how the policy says it; its figure by somebody else's arithmetic."""

    name: str
    verdicts: object
    limits: object  # limit -> keys of [risk]
    figure: object
    forgives: float = 0.0
    reduces: bool = False  # where no smaller weights help, nothing is bought

    def __call__(self, weights, limit, **more):
        where = there(**self.limits(limit), **more)
        return self.verdicts(weights, where)


def returns_of(weights) -> np.ndarray:
    shown = world()
    simple = shown.closes[1:] / shown.closes[:-1] - 1
    return simple @ np.array([weights.get(s, 0.0) for s in SYMBOLS])


def deviations() -> dict[str, float]:
    shown = world()
    simple = shown.closes[1:] / shown.closes[:-1] - 1
    return dict(zip(SYMBOLS, simple.std(axis=0, ddof=1) * math.sqrt(252), strict=True))


def top_share(weights) -> float:
    held = [s for s in SYMBOLS if weights.get(s, 0.0)]
    if not held:
        return 0.0
    shown = world()
    simple = (shown.closes[1:] / shown.closes[:-1] - 1)[:, [SYMBOLS.index(s) for s in held]]
    covariance, w = np.atleast_2d(np.cov(simple, rowvar=False)), np.array([weights[s] for s in held])
    whole = w @ covariance @ w
    return float((w * (covariance @ w)).max() / whole) if whole > 0 else 0.0


def slope(weights) -> float:
    shown = world()
    other = shown.benchmark[1:] / shown.benchmark[:-1] - 1
    return float(np.cov(returns_of(weights), other)[0, 1] / other.var(ddof=1))


def by_tail(name, method, days=1, level=0.95):
    def figure(weights):
        found = tail(returns_of(weights), Horizon(level, days), method, 4.0 if method == "monte_carlo" else None)
        return getattr(found, name)

    def limits(limit):
        return {name: TailLimit(level, days, limit, method, 4.0 if method == "monte_carlo" else None)}

    return Rule(f"{name}-{method}-{days}", lambda w, t: tail_rules(past(w, t), t.policy), limits, figure)


def side(weights, name) -> float:
    each = [weights[s] for s in weights if CLASSES["asset"].get(s) == name]
    return max(sum(w for w in each if w > 0), -sum(w for w in each if w < 0), 0.0)


def slowest(weights) -> float:
    shown = world()
    last = dict(zip(SYMBOLS, shown.closes[-1], strict=True))
    return max((abs(w) * 1e6 / last[s] / shown.volumes[s] for s, w in weights.items()), default=0.0)


RULES = [
    Rule("max_weight", lambda w, t: max_weight(w, t.policy.risk), lambda x: {"max_weight": x}, lambda w: max(map(abs, w.values())), ROUNDING),
    Rule("max_gross", lambda w, t: [max_gross(w, t.policy.risk)], lambda x: {"max_gross": x}, lambda w: sum(map(abs, w.values())), ROUNDING),
    Rule(
        "max_group",
        lambda w, t: max_group(w, t.policy),
        lambda x: {"max_group": {"asset": x}},
        lambda w: max(side(w, n) for n in ("equity", "bond", "gold")),
        ROUNDING,
    ),
    Rule(
        "concentration",
        lambda w, t: concentration_rule(w, t.policy.risk),
        lambda x: {"min_effective_names": 1 / x},
        lambda w: sum((x / sum(map(abs, w.values()))) ** 2 for x in w.values()) if any(w.values()) else 0.0,
        ROUNDING,
        reduces=True,
    ),
    Rule(
        "sizing-fixed_fraction",
        lambda w, t: sizing(w, past(w, t), t),
        lambda x: {"sizing": SizingPolicy("fixed_fraction", budget=x / 10, stop=0.1)},
        lambda w: max(map(abs, w.values())),
        ROUNDING,
    ),
    Rule(
        "liquidity-days",
        liquidity,
        lambda x: {"liquidity": LiquidityPolicy(0.25, days=x)},
        lambda w: 4 * slowest(w),
    ),
    Rule(
        "liquidity-share",
        liquidity,
        lambda x: {"liquidity": LiquidityPolicy(volume_share=x)},
        slowest,
    ),
    Rule(
        "max_volatility",
        lambda w, t: max_volatility(past(w, t), t.policy.risk),
        lambda x: {"max_volatility": x},
        lambda w: float(returns_of(w).std(ddof=1) * math.sqrt(252)),
    ),
    Rule(
        "max_volatility_at_one",
        lambda w, t: max_volatility_at_one(past(w, t), t.policy.risk),
        lambda x: {"max_volatility_at_one": x},
        lambda w: abs(sum(w[s] * deviations()[s] for s in w)),
    ),
    Rule(
        "max_component",
        lambda w, t: max_component(past(w, t), t.policy.risk),
        lambda x: {"max_component": x},
        top_share,
        ROUNDING,
        reduces=True,
    ),
    Rule("beta", lambda w, t: beta_rule(past(w, t), t), lambda x: {"beta": (-10.0, x)}, slope),
    *(by_tail(name, m) for name in ("value_at_risk", "conditional_value_at_risk") for m in METHODS),
    by_tail("value_at_risk", "historical", 10),
    by_tail("conditional_value_at_risk", "monte_carlo", 5),
]  # fmt: skip
NAMED = [pytest.param(rule, id=rule.name) for rule in RULES]
WISH = {"SPY": 0.42, "IEF": 0.17, "GLD": 0.11, "XLK": 0.21, "TLT": 0.05}


def worst(verdicts) -> Action:
    return max((v.action for v in verdicts), key=list(Action).index)


@pytest.mark.parametrize("rule", NAMED)
def test_a_rule_one_ulp_around_its_limit(rule):
    """Accepted only if at most the limit; where an optimizer's last bits are forgiven, only those 1e-9."""
    (loose,) = rule(WISH, 9.0 if rule.name != "concentration" else 1.0)
    figure = loose.figure
    assert figure == pytest.approx(rule.figure(WISH), rel=1e-9)
    if rule.forgives:
        for limit in (figure, up(figure), down(figure), figure - 0.9 * rule.forgives):
            assert worst(rule(WISH, limit)) is Action.PASS
        assert worst(rule(WISH, figure - 1.1 * rule.forgives)) is Action.SCALE
        return
    for limit, action in [(up(figure), Action.PASS), (figure, Action.PASS), (down(figure), Action.SCALE)]:
        found = rule(WISH, limit)
        assert worst(found) is action, limit
        assert all((v.figure, v.limit) == (figure, limit) for v in found)


@pytest.mark.parametrize("rule", NAMED)
def test_what_is_no_number_never_passes(rule):
    try:
        found = rule({**WISH, "SPY": NAN}, 5.0 if rule.name != "concentration" else 1.0)
    except Refused:
        return
    assert worst(found) in {Action.BLOCK, Action.WARN}
    assert all("finite" in v.reason or "unknown" in v.reason for v in found if v.action is not Action.PASS)


@pytest.mark.parametrize("rule", NAMED)
def test_a_limit_that_is_no_number_never_passes(rule):
    assert worst(rule(WISH, NAN)) is not Action.PASS or rule.name == "beta"


def test_a_range_of_beta_that_is_no_number_never_passes():
    for span in ((-10.0, NAN), (NAN, 10.0), (NAN, NAN)):
        assert worst(beta_rule(past(WISH, there()), there(beta=span))) is not Action.PASS


@pytest.mark.parametrize("rule", NAMED)
def test_every_verdict_tells_how_much_of_its_limit_is_used(rule):
    for limit in (float(0.9 * rule.figure(WISH)), float(1.1 * rule.figure(WISH))):
        for v in rule(WISH, limit):
            assert v.reason
            assert v.used == pytest.approx(v.figure / v.limit)
            assert bool(v.used > 1) is (v.action is not Action.PASS)


WEIGHTS = some.fixed_dictionaries({s: some.one_of(some.just(0.0), some.floats(-0.6, 1.0)) for s in SYMBOLS})
LONG = some.fixed_dictionaries({s: some.one_of(some.just(0.0), some.floats(0.001, 1.0)) for s in SYMBOLS})


def smaller(left, wish) -> None:
    """No weight is larger than wished, or on another side."""
    for symbol, weight in wish.items():
        assert abs(left[symbol]) <= abs(weight)
        assert left[symbol] * weight >= 0.0
    assert sum(map(abs, left.values())) <= sum(map(abs, wish.values())) + 1e-12


def keeps(rule: Rule, wish, limit: float) -> None:
    """Whatever the rule does, nothing grows; what it leaves it lets pass; asked again it moves nothing."""
    found = rule(wish, limit)
    left = apply_verdicts(wish, wish, found)
    smaller(left, wish)
    assert all(v.scale <= 1.0 for v in found)
    if worst(found) in {Action.PASS, Action.WARN}:
        assert left == pytest.approx(wish)
        return
    if worst(found) is Action.REDUCE:
        assert rule.reduces
        return
    again = rule(left, limit)
    assert all(v.scale >= 1.0 - 1e-9 for v in again), again
    assert rule.figure(left) <= limit * (1 + 1e-9) + 2e-9


@pytest.mark.parametrize("rule", NAMED)
@given(data=some.data())
@settings(max_examples=25, deadline=None)
def test_a_rule_alone_never_raises_risk_and_is_content_with_what_it_left(rule, data):
    wish = data.draw(LONG)
    shares = rule.name in {"concentration", "max_component"}
    limit = data.draw(some.floats(0.21, 0.9) if shares else some.floats(0.001, 0.6))
    if any(wish.values()):
        keeps(rule, wish, limit)


SIDED = [pytest.param(r, id=r.name) for r in RULES if r.name not in {"beta"}]


@pytest.mark.parametrize("rule", SIDED)
@given(data=some.data())
@settings(max_examples=15, deadline=None)
def test_the_same_holds_of_books_with_shorts(rule, data):
    wish = data.draw(WEIGHTS)
    shares = rule.name in {"concentration", "max_component"}
    limit = data.draw(some.floats(0.21, 0.9) if shares else some.floats(0.001, 0.6))
    if any(wish.values()) and returns_of(wish).std() > 1e-6:
        keeps(rule, wish, limit)


# --- sizing -------------------------------------------------------------------------------------------------------------


def sized(weights, where):
    return sizing(weights, past(weights, where), where)


def test_a_position_by_its_volatility():
    where = there(sizing=SizingPolicy("volatility", budget=0.05))
    found = {v.symbols[0]: v for v in sized(WISH, where) if v.symbols}
    for symbol, weight in WISH.items():
        cap = 0.05 / deviations()[symbol]
        assert (symbol in found) is bool(weight > cap)
        if symbol in found:
            assert found[symbol].limit == pytest.approx(cap, rel=1e-9)
            assert found[symbol].scale == pytest.approx(cap / weight, rel=1e-9)


@pytest.mark.parametrize("fraction", [0.0, 0.25, 0.5, 1.0])
def test_a_position_by_kelly_grows_fastest_at_the_full_fraction(fraction):
    """Against the bet that a search finds to grow fastest in the second order of its own returns."""
    from scipy.optimize import minimize_scalar

    where = there(sizing=SizingPolicy("kelly", fraction=fraction, cap=10.0))
    shown = world()
    returns = shown.closes[1:, 2] / shown.closes[:-1, 2] - 1
    best = minimize_scalar(lambda f: -(f * returns.mean() - f * f * returns.var(ddof=1) / 2), bounds=(-50, 50), method="bounded")
    wish = {"GLD": 40.0}
    (found,) = sized(wish, where)
    assert 40.0 * found.scale == pytest.approx(max(fraction * best.x, 0.0), rel=1e-4, abs=1e-6)


def test_what_lost_money_gets_no_kelly_bet_and_its_short_does():
    falling = np.column_stack([100 * np.cumprod(1 + np.random.default_rng(3).normal(-0.002, 0.01, 300))])
    where = there(market(("SPY",), falling), sizing=SizingPolicy("kelly", fraction=0.5, cap=0.2))
    assert sized({"SPY": 0.5}, where)[0].scale == 0.0
    assert sized({"SPY": -0.5}, where)[0].scale == pytest.approx(0.4)


def test_positions_of_equal_risk():
    where = there(sizing=SizingPolicy("equal_risk"), max_gross=1.0)
    assert sized({"SPY": 0.9}, there(sizing=SizingPolicy("equal_risk", cap=9.0), max_gross=2.0))[0].limit == pytest.approx(2.0)
    inverse = {s: 1 / deviations()[s] for s in WISH}
    found = {v.symbols[0]: v.scale * WISH[v.symbols[0]] for v in sized(WISH, where)}
    for symbol, weight in WISH.items():
        cap = inverse[symbol] / sum(inverse.values())
        assert found.get(symbol, weight) == pytest.approx(min(weight, cap), rel=1e-9)
    risks = {s: w * deviations()[s] for s, w in apply_verdicts(WISH, {}, sized(WISH, where)).items()}
    assert max(risks.values()) == pytest.approx(1 / sum(inverse.values()), rel=1e-9)


@pytest.mark.parametrize("swings", [0.005, 0.0])
def test_money_that_is_owed_takes_no_part_of_the_equal_risk(swings):
    """max_gross counts none either; a rate that hardly moves would take it all."""
    shown = world()
    rate = 1.1 * walk(1, len(shown.sessions), seed=9, size=swings)[:, 0] / 100
    where = there(replace(shown, rates={"EUR": rate}), sizing=SizingPolicy("equal_risk"), max_gross=1.0)
    alone, beside = (
        caps_of(where.policy.risk.sizing, w, past(w, where), where.policy.risk) for w in (WISH, WISH | {"EUR": -0.3})
    )
    assert {s: beside[s] for s in WISH} == pytest.approx({s: alone[s] for s in WISH}, rel=0.05)


@pytest.mark.parametrize("kind", ["fixed_fraction", "volatility", "kelly", "equal_risk"])
def test_no_kind_goes_above_the_cap(kind):
    where = there(sizing=SizingPolicy(kind, budget=0.9, stop=0.1, fraction=1.0, cap=0.1))
    left = apply_verdicts(WISH, {}, sized(WISH, where))
    assert max(left.values()) <= 0.1 + 1e-12


@pytest.mark.parametrize("kind", ["volatility", "kelly", "equal_risk"])
@pytest.mark.parametrize(("word", "action"), [("warn", Action.WARN), ("block", Action.BLOCK)])
def test_a_size_without_history_is_unknown(kind, word, action):
    where = there(market(SYMBOLS, world().closes[-40:]), sizing=SizingPolicy(kind, budget=0.1), unknown=word)
    (found,) = sized(WISH, where)
    assert found.action is action
    assert "unknown" in found.reason


def test_a_hedge_is_sized_by_what_it_hedges():
    sizes = SizingPolicy("fixed_fraction", budget=0.01, stop=0.1)  # 10 % a position
    assert worst(sized({"SPY": -0.3}, there(hedging={"SPY": -0.3}, sizing=sizes))) is Action.PASS
    (net,) = sized({"SPY": 0.2}, there(hedging={"SPY": -0.3}, sizing=sizes))
    assert (net.figure, net.scale) == (0.2, pytest.approx(0.5))  # what is left long, not the half that is hedged
    (own,) = sized({"SPY": 0.5}, there(hedging={"SPY": 0.1}, sizing=sizes))
    assert own.figure == pytest.approx(0.4)


# --- groups and currencies ------------------------------------------------------------------------------------------------


def test_a_group_over_its_limit_is_scaled_as_one():
    where = there(max_group={"asset": 0.5})
    (found,) = max_group(WISH, where.policy)
    assert set(found.symbols) == {"SPY", "XLK"}
    assert found.scale == pytest.approx(0.5 / 0.63)
    assert "equity" in found.reason


def test_a_short_makes_no_room_in_a_group():
    where = there(max_group={"asset": 0.5})
    (found,) = max_group({"SPY": 0.6, "XLK": -0.4}, where.policy)
    assert (found.symbols, found.figure) == (("SPY",), 0.6)
    both = max_group({"SPY": 0.6, "XLK": -0.7}, where.policy)
    assert [v.symbols for v in both] == [("SPY",), ("XLK",)]


def test_a_currency_counts_net_of_what_is_sold_of_it_and_never_the_base():
    rules = replace(policy(), currencies={"GLD": "EUR", "TLT": "EUR", "XLK": "GBP"})
    where = there(rules=rules, max_group={"currency": 0.15})
    (euro, pound) = max_group(WISH, where.policy)  # GLD 0.11 and TLT 0.05; XLK 0.21; SPY and IEF are at home
    assert (set(euro.symbols), euro.figure) == ({"GLD", "TLT"}, pytest.approx(0.16))
    assert (pound.symbols, pound.scale) == (("XLK",), pytest.approx(0.15 / 0.21))
    hedged = max_group({**WISH, "EUR.USD": -0.1, "GBP.USD": -0.21}, where.policy)
    assert [v.action for v in hedged] == [Action.PASS]
    over = max_group({"EUR.USD": -0.3, "GLD": 0.05}, where.policy)
    assert over[0].figure == pytest.approx(0.25)
    assert set(over[0].symbols) == {"EUR.USD", "GLD"}


def test_pairs_are_no_part_of_gross_weight_and_names():
    where = there(max_weight=0.3, max_gross=0.5)
    wish = {"SPY": 0.3, "EUR.USD": -0.9}
    assert max_gross(wish, where.policy.risk).figure == pytest.approx(0.3)
    assert worst(max_weight(wish, where.policy.risk)) is Action.PASS
    assert concentration_rule(wish, replace(where.policy.risk, min_effective_names=1.0))[0].figure == pytest.approx(1.0)


def test_a_pair_has_the_past_of_its_rate():
    rates = 1.1 * np.cumprod(1 + np.random.default_rng(2).normal(0, 0.005, 401))
    shown = replace(world(), rates={"EUR": rates})
    found = look_back({"SPY": 0.5, "EUR.USD": -0.4}, shown, 300)
    assert found.returns[:, 1] == pytest.approx(rates[-300:] / rates[-301:-1] - 1)
    assert "EUR.CHF" in look_back({"EUR.CHF": 0.1}, replace(shown, rates={"EUR": rates, "CHF": rates}), 300).why
    assert "GBP.USD is no part of the market" in look_back({"GBP.USD": 0.1}, shown, 300).why


def test_a_bought_option_is_left_out_of_the_figures_and_a_sold_one_is_unknown():
    put = "SPY230120P00360000"
    assert look_back({"SPY": 0.5, put: 0.01}, world(), 300).symbols == ("SPY",)
    assert put in look_back({"SPY": 0.5, put: -0.01}, world(), 300).why


# --- concentration ----------------------------------------------------------------------------------------------------------


def test_the_largest_are_capped_until_enough_names_count():
    where = there(min_effective_names=4.0)
    found = concentration_rule(WISH, where.policy.risk)
    left = apply_verdicts(WISH, {}, found)
    assert 1 / sum((w / sum(left.values())) ** 2 for w in left.values()) == pytest.approx(4.0, abs=1e-6)
    caps = {left[v.symbols[0]] for v in found}
    assert max(caps) == pytest.approx(min(caps))
    assert all(left[s] == WISH[s] for s in WISH if WISH[s] < min(caps))


@given(sizes=some.lists(some.floats(0.01, 1), min_size=2, max_size=12), share=some.floats(0.05, 1))
@settings(max_examples=100, deadline=None)
def test_no_higher_cap_would_do(sizes, share):
    sizes = np.array(sizes)
    limit = 1 / len(sizes) + share * (1 - 1 / len(sizes))

    def index(cap):
        capped = np.minimum(sizes, cap)
        return float(((capped / capped.sum()) ** 2).sum())

    if index(1.0) <= limit:
        return
    cap = cap_of(sizes, limit)
    assert index(cap) <= limit + 1e-12
    assert index(cap * (1 + 1e-6)) > limit - 1e-12


def test_too_few_names_buy_nothing_and_may_be_sold():
    where = there(min_effective_names=3.0)
    found = concentration_rule({"SPY": 0.5, "IEF": 0.2}, where.policy.risk)
    assert [v.action for v in found] == [Action.REDUCE]
    assert apply_verdicts({"SPY": 0.5, "IEF": 0.2}, {"SPY": 0.7, "GLD": 0.1}, found) == {"SPY": 0.5, "IEF": 0.0}
    assert concentration_rule({}, where.policy.risk)[0].action is Action.PASS


# --- components -------------------------------------------------------------------------------------------------------------


@given(seed=some.integers(0, 5_000), names=some.integers(3, 12), slack=some.floats(0.02, 0.4))
@settings(max_examples=60, deadline=None)
def test_scales_bring_every_share_of_risk_under_the_limit(seed, names, slack):
    rng = np.random.default_rng(seed)
    loads = rng.normal(0.5, 0.5, (names, 3))
    covariance = 1e-4 * (loads @ loads.T + np.diag(rng.uniform(0.2, 2, names)))
    weights, limit = rng.uniform(0.01, 1, names), 1 / names + slack
    scales = component_scales(weights, covariance, limit)
    if scales is None:
        assert slack < 0.1  # close to equal risk, where many turns are not enough
        return
    assert np.all((scales >= 0) & (scales <= 1))
    left = weights * scales
    shares = left * (covariance @ left) / (left @ covariance @ left)
    assert shares.max() <= limit + ROUNDING


def test_a_limit_that_fewer_symbols_cannot_meet_buys_nothing():
    where = there(max_component=0.3)
    found = max_component(past({"SPY": 0.4, "GLD": 0.4}, where), where.policy.risk)
    assert [v.action for v in found] == [Action.REDUCE]
    assert component_scales(np.array([1.0, 1.0]), np.eye(2), 0.4999) is None
    assert component_scales(np.array([1.0, 1.0]), np.eye(2), 0.5) == pytest.approx([1.0, 1.0])
    assert max_component(past({}, where), where.policy.risk)[0].action is Action.PASS


# --- liquidity --------------------------------------------------------------------------------------------------------------


def test_days_to_sell_are_shares_over_participation_and_volume():
    where = there(liquidity=LiquidityPolicy(0.10, days=5.0))
    last = world().closes[-1]
    shares = {s: WISH[s] * 1e6 / last[i] for i, s in enumerate(SYMBOLS)}
    assert day_shares(WISH, where) == pytest.approx({s: shares[s] / world().volumes[s] for s in SYMBOLS})
    found = {v.symbols[0]: v for v in liquidity(WISH, where)}
    slow = {s for s in SYMBOLS if shares[s] / (0.1 * world().volumes[s]) > 5}
    assert set(found) == slow != set()
    for symbol in slow:
        assert found[symbol].scale == pytest.approx(5 * 0.1 * world().volumes[symbol] / shares[symbol])


def test_a_contract_stands_for_a_hundred_shares():
    put = "SPY230120P00360000"
    closes = np.column_stack([world().closes[:, 0], np.full(401, 5.0)])
    where = there(market(("SPY", put), closes, volumes={put: 40.0}), liquidity=LiquidityPolicy(0.5, days=1.0))
    assert day_shares({put: 0.01}, where)[put] == pytest.approx(10_000 / (5 * 100) / 40)


@pytest.mark.parametrize("volume", [None, 0.0, NAN, float("inf"), -5.0])
@pytest.mark.parametrize(("word", "action"), [("warn", Action.WARN), ("block", Action.BLOCK)])
def test_a_position_without_a_volume_is_unknown(volume, word, action):
    volumes = {s: v for s, v in {**world().volumes, "TLT": volume}.items() if v is not None}
    where = there(replace(world(), volumes=volumes), liquidity=LiquidityPolicy(days=100.0), unknown=word)
    (found,) = liquidity(WISH, where)
    assert (found.action, found.symbols) == (action, ("TLT",))


def test_the_nearest_to_its_limit_of_liquidity_is_told():
    both = there(liquidity=LiquidityPolicy(0.5, days=20.0, volume_share=20.0))
    (found,) = liquidity({"GLD": 0.01, "SPY": 0.01}, both)
    assert found.action is Action.PASS
    assert "GLD" in found.reason
    assert found.limit == 20.0
    assert found.figure == pytest.approx(2 * day_shares({"GLD": 0.01}, both)["GLD"])
    assert liquidity({}, both)[0].action is Action.PASS


# --- shorts and beta ----------------------------------------------------------------------------------------------------------


def test_short_are_hedges_or_what_a_margin_account_allows():
    assert long_only({"SPY": -0.2, "IEF": 0.4}, there(hedging={"SPY": -0.2})).action is Action.PASS
    stray = long_only({"SPY": -0.2, "GLD": -0.1}, there(hedging={"SPY": -0.2, "GLD": 0.1}))
    assert (stray.action, stray.symbols) == (Action.DROP, ("GLD",))
    rules = policy()
    for margin, allow, action in [
        (MarginPolicy(), True, Action.PASS),
        (MarginPolicy(), False, Action.DROP),
        (None, True, Action.DROP),
    ]:
        allowed = replace(rules, margin=margin, gate=replace(rules.gate, allow_short=allow))
        assert long_only({"SPY": -0.2}, there(rules=allowed)).action is action


def test_too_much_beta_is_taken_from_what_brings_it():
    wish = {"SPY": 0.7, "XLK": 0.3, "TLT": 0.3}
    where = there(beta=(-1.0, 0.6))
    (found,) = beta_rule(past(wish, where), where)
    assert set(found.symbols) == {"SPY", "XLK"}
    left = apply_verdicts(wish, {}, [found])
    assert slope(left) == pytest.approx(0.6, abs=1e-9)
    assert left["TLT"] == 0.3


def test_too_little_beta_loosens_the_hedges_and_nothing_else():
    wish = {"SPY": -0.6, "XLK": 0.5, "TLT": 0.2}
    where = there(hedging={"SPY": -0.6}, beta=(0.2, 1.0))
    (found,) = beta_rule(past(wish, where), where)
    assert found.symbols == ("SPY",)
    assert slope(apply_verdicts(wish, {}, [found])) == pytest.approx(0.2, abs=1e-9)
    (calm,) = beta_rule(past({"IEF": 0.5}, where), where)
    assert (calm.action, calm.symbols) == (Action.WARN, ())
    assert "no smaller position" in calm.reason


@pytest.mark.parametrize("edge", ["low", "high"])
def test_beta_one_ulp_around_both_ends(edge):
    whole = there(beta=(-10.0, 10.0))
    figure = beta_rule(past(WISH, whole), whole)[0].figure
    for limit, passes in [(figure, True), (up(figure), edge == "high"), (down(figure), edge == "low")]:
        where = there(beta=(limit, 10.0) if edge == "low" else (-10.0, limit))
        assert (beta_rule(past(WISH, where), where)[0].action is Action.PASS) is passes


@pytest.mark.parametrize(("word", "action"), [("warn", Action.WARN), ("block", Action.BLOCK)])
def test_beta_without_a_benchmark_is_unknown(word, action):
    still, short = np.full(401, 400.0), np.concatenate([np.full(360, NAN), np.arange(41) + 300.0])
    for benchmark, why in [(np.full(401, NAN), "no history"), (still, "does not vary"), (short, "fewer than 60")]:
        where = there(replace(world(), benchmark=benchmark), beta=(0.0, 1.0), unknown=word)
        (found,) = beta_rule(past(WISH, where), where)
        assert (found.action, why in found.reason) == (action, True)


# --- the tail by other methods --------------------------------------------------------------------------------------------------


def test_a_fallback_is_told_in_the_sentence():
    wild = world().closes.copy()
    wild[-50:] *= 0.8  # one day of -20 %
    where = there(replace(world(), closes=wild), value_at_risk=TailLimit(0.95, 1, 1.0, "cornish_fisher"))
    (found,) = tail_rules(past(WISH, where), where.policy)
    assert found.action is Action.PASS
    assert "outside the domain of Cornish-Fisher" in found.reason
    plain = there(where.market, value_at_risk=TailLimit(0.95, 1, 1.0))
    assert found.figure == tail_rules(past(WISH, plain), plain.policy)[0].figure


@pytest.mark.parametrize(("word", "action"), [("warn", Action.WARN), ("block", Action.BLOCK)])
def test_a_tail_without_an_expected_shortfall_is_unknown(word, action):
    drawn = np.random.default_rng(1).standard_cauchy(800)
    steps = np.clip(1e-5 * drawn * np.sqrt(np.abs(drawn)), -0.9, 0.9)  # a tail index of 1.5
    shown = market(("SPY",), 100 * np.cumprod(1 + np.concatenate([[0.0], steps]))[:, None])
    where = there(shown, conditional_value_at_risk=TailLimit(0.95, 1, 1.0, "extreme_value"), unknown=word, lookback=900)
    (found,) = tail_rules(past({"SPY": 0.5}, where), where.policy)
    assert (found.action, "no expected shortfall" in found.reason) == (action, True)


def test_stretches_of_several_days_must_be_sixty_too():
    shown = market(SYMBOLS, world().closes[-70:])  # 69 returns
    for days, known in [(10, True), (11, False)]:
        where = there(shown, value_at_risk=TailLimit(0.95, days, 1.0))
        (found,) = tail_rules(past(WISH, where), where.policy)
        assert ("unknown" not in found.reason) is known


# --- all together -----------------------------------------------------------------------------------------------------------------


def test_a_rule_without_a_limit_has_no_verdict():
    names = {v.rule for v in judge(WISH, there())}
    assert not names & {
        "max_group",
        "concentration",
        "sizing",
        "max_volatility",
        "max_volatility_at_one",
        "max_component",
        "beta",
    }


LIMITS = some.fixed_dictionaries(
    {
        "max_weight": some.floats(0.2, 1),
        "max_gross": some.floats(0.3, 2),
        "max_group": some.floats(0.2, 1).map(lambda x: {"asset": x}),
        "min_effective_names": some.floats(1, 2.5),
        "max_component": some.floats(0.6, 1),
        "max_volatility": some.floats(0.02, 0.3),
        "max_volatility_at_one": some.floats(0.05, 0.4),
        "beta": some.floats(0.1, 1).map(lambda x: (-10.0, x)),
        "sizing": some.floats(0.01, 0.2).map(lambda x: SizingPolicy("volatility", budget=x)),
        "liquidity": some.floats(1, 50).map(lambda x: LiquidityPolicy(0.1, days=x)),
        "value_at_risk": some.floats(0.003, 0.03).map(lambda x: TailLimit(0.95, 1, x)),
    }
)


@given(wish=LONG, held=LONG, limits=LIMITS)
@settings(max_examples=60, deadline=None)
def test_settled_weights_keep_every_limit_at_once(wish, held, limits):
    where = there(**limits)
    left, verdicts = settle(wish, held, where)
    smaller(left, wish)
    if any(v.rule == "settle" for v in verdicts):  # no weights but cash keep them all: nothing is bought
        assert all(left[s] <= held[s] for s in SYMBOLS)
        return
    if any(v.action is Action.REDUCE for v in verdicts):
        assert all(left[s] <= held[s] for s in SYMBOLS)
    assert all(v.scale >= 1 - 1e-8 for v in judge(left, where) if v.action in {Action.SCALE, Action.DROP})
    assert returns_of(left).std(ddof=1) * math.sqrt(252) <= limits["max_volatility"] * (1 + 1e-7)
    assert value_at_risk(returns_of(left)) <= limits["value_at_risk"].limit * (1 + 1e-7)


def test_a_calm_asset_that_is_capped_is_why_one_round_is_not_enough():
    """What calms the book is hard to sell, and capped: without it the volatility is over the limit that it met before."""
    shown = world()
    simple = shown.closes[1:] / shown.closes[:-1] - 1
    simple[:, 4] = -0.6 * simple[:, 0] + 0.001 * np.random.default_rng(1).standard_normal(len(simple))
    calm = replace(shown, closes=100 * np.vstack([np.ones(5), np.cumprod(1 + simple, axis=0)]))
    where = there(calm, max_volatility=0.05, liquidity=LiquidityPolicy(0.1, days=8.0))
    wish = {"SPY": 0.5, "TLT": 0.5}
    assert risk_profile(wish, calm, where.policy)["volatility"] < 0.05
    once = apply_verdicts(wish, {}, judge(wish, where))
    twice, verdicts = settle(wish, {}, where)
    assert risk_profile(once, calm, where.policy)["volatility"] > 0.07
    assert risk_profile(twice, calm, where.policy)["volatility"] == pytest.approx(0.05, rel=1e-6)
    assert any("after the other limits" in v.reason for v in verdicts)


def test_limits_that_contradict_each_other_buy_nothing():
    """Two names of the same size, of which none may bring 60 % of the risk: one is four times as wild."""
    where = there(min_effective_names=2.0, max_component=0.6)
    wish, held = {"XLK": 0.5, "IEF": 0.5}, {"XLK": 0.1, "IEF": 0.9}
    left, verdicts = settle(wish, held, where)
    assert verdicts[-1].rule == "settle"
    assert "concentration, max_component" in verdicts[-1].reason
    assert left["XLK"] <= 0.1
    assert left["IEF"] <= 0.5
    assert any(left.values())


def test_settling_leaves_what_is_frozen_and_what_is_blocked():
    frozen = replace(world(), health={"TLT": Health.BLOCKED})
    where, wish = there(frozen, max_gross=0.6), {"SPY": 0.6, "GLD": 0.6, "TLT": 0.0}
    left, verdicts = settle(wish, {"TLT": 0.4}, where)
    assert left == {"SPY": pytest.approx(0.1), "GLD": pytest.approx(0.1), "TLT": 0.4}
    assert settle(wish, {"TLT": 0.7}, where)[0] == {"SPY": 0.0, "GLD": 0.0, "TLT": 0.7}
    calm = there(frozen, max_volatility=0.06)
    left, _ = settle({"XLK": 0.5, "TLT": 0.2}, {"TLT": 0.2}, calm)
    assert left["TLT"] == 0.2
    assert 0.0 < left["XLK"] < 0.5
    assert risk_profile(left, frozen, calm.policy)["volatility"] <= 0.06 * (1 + 1e-7)
    assert actions(verdicts)["data_health"] is Action.FREEZE
    held = {"SPY": 0.2}
    assert settle({"SPY": NAN}, held, where)[0] == held


def test_the_stresses_of_the_policy_are_among_the_rules():
    where = there(stress=StressPolicy({"equities-20": 0.01}))
    scaled = [v for v in judge(WISH, where) if v.rule == "stress"]
    assert len(scaled) == 1


def test_the_profile_tells_beta_names_and_correlation_one():
    found = risk_profile(WISH, world(), policy())
    assert found["beta"] == pytest.approx(slope(WISH), abs=1e-12)
    assert found["effective_names"] == pytest.approx(sum(WISH.values()) ** 2 / sum(w * w for w in WISH.values()))
    assert found["volatility_at_one"] == pytest.approx(sum(WISH[s] * deviations()[s] for s in WISH))
    short = risk_profile(WISH, market(SYMBOLS, world().closes[-30:]), policy())
    assert short["beta"] is short["volatility_at_one"] is None
    assert short["effective_names"] == found["effective_names"]
    assert risk_profile({}, world(), policy())["effective_names"] == 0.0


REDUCE = [replace(max_gross({}, policy().risk), rule="reduce", action=Action.REDUCE)]


@given(wish=WEIGHTS, held=WEIGHTS)
@settings(max_examples=100, deadline=None)
def test_reducing_moves_every_weight_towards_zero_and_never_through_it(wish, held):
    left = apply_verdicts(wish, held, REDUCE)
    for symbol in SYMBOLS:
        assert abs(left[symbol]) <= min(abs(wish[symbol]), abs(held[symbol]))
        assert left[symbol] * held[symbol] >= 0.0
        assert left[symbol] * wish[symbol] >= 0.0
        if wish[symbol] * held[symbol] > 0:
            assert abs(left[symbol]) == min(abs(wish[symbol]), abs(held[symbol]))
