"""The policy file: what is accepted, and that everything else is refused by name."""

import re
import tomllib
from dataclasses import fields, is_dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from mind import DEMO, FIXED, OPTIMIZED, changed

from portfolio.errors import WrongUse
from portfolio.policy import named_files, parse_policy
from portfolio.policy.gates import PAPER, STRICT
from portfolio.types import ConstraintPolicy, GatePolicy, Range

NEAR = {
    "portfolio": ("objectiv", "objective", '"allocation"'),
    "universe": ("symbol", "symbols", "[]"),
    "strategy": ("knd", "kind", '"fixed"'),
    "rebalance": ("wen", "when", '"drift"'),
    "risk": ("max_weigth", "max_weight", "0.5"),
    "execution": ("mod", "mode", '"paper"'),
}


def refusal(text: str) -> WrongUse:
    with pytest.raises(WrongUse) as caught:
        parse_policy(text)
    assert caught.value.exit_code == 2
    assert str(caught.value).strip()
    return caught.value


def with_line(table: str, extra: str, text: str = FIXED) -> str:
    return changed(text, f"[{table}]\n", f"[{table}]\n{extra}\n")


def test_the_demo_and_the_design_s_example_are_policies():
    assert parse_policy(DEMO).strategy.kind == "optimized"
    core = parse_policy(FIXED)
    assert core.strategy.rule.weights == {"SPY": 0.6, "IEF": 0.3, "GLD": 0.1}
    assert core.risk.daily_drawdown.halt == 0.06
    assert core.gate == PAPER
    assert parse_policy(OPTIMIZED).gate == STRICT


@pytest.mark.parametrize("table", ["portfolio", "universe", "strategy", "rebalance", "risk", "gate", "execution"])
def test_an_unknown_key_is_refused_by_name_with_the_known_ones(table):
    trouble = refusal(with_line(table, "zebra = 1"))
    assert f"[{table}]" in trouble.what
    assert "`zebra`" in trouble.what
    known = [key for key in tomllib.loads(FIXED)[table] if key != "zebra"]
    assert all(key in trouble.way_out for key in known)


@pytest.mark.parametrize("table", ["daily_drawdown", "monthly_drawdown", "value_at_risk", "conditional_value_at_risk"])
def test_an_unknown_key_of_an_inner_table_is_refused(table):
    body = re.search(rf"^{table} = {{ (.*) }}$", FIXED, re.MULTILINE)
    trouble = refusal(changed(FIXED, f"\n{body.group(0)}", f"\n{table} = {{ {body.group(1)}, zebra = 1 }}"))
    assert f"[risk.{table}]" in trouble.what
    assert "zebra" in trouble.what


def test_an_unknown_table_is_refused_by_name():
    trouble = refusal(FIXED + "\n[zoo]\nx = 1\n")
    assert "[zoo]" in trouble.what
    assert "universe" in trouble.way_out


@pytest.mark.parametrize(("table", "near"), NEAR.items())
def test_a_near_miss_is_named(table, near):
    wrong, right, _ = near
    text = re.sub(rf"^{right} = ", f"{wrong} = ", FIXED, count=1, flags=re.MULTILINE)
    trouble = refusal(text)
    assert f"`{wrong}`" in trouble.what
    assert f"`{right}`" in trouble.way_out


@pytest.mark.parametrize("table", ["portfolio", "universe", "strategy", "execution"])
def test_a_missing_table_is_named(table):
    start = FIXED.index(f"[{table}]")
    end = FIXED.find("\n[", start)
    trouble = refusal(FIXED[:start] + (FIXED[end:] if end > 0 else ""))
    assert f"[{table}]" in str(trouble)
    assert "[]" not in str(trouble)


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("name", 'name = "core"\n'),
        ("objective", 'objective = "allocation"\n'),
        ("base_currency", 'base_currency = "USD"\n'),
        ("symbols", 'symbols = ["SPY", "IEF", "GLD"]\n'),
        ("kind", 'kind = "fixed"\n'),
        ("weights", "weights = { SPY = 0.6, IEF = 0.3, GLD = 0.1 }\n"),
        ("mode", 'mode = "paper"\n'),
    ],
)
def test_a_missing_key_is_named(key, line):
    text = FIXED.replace(line, "", 1)
    assert f"`{key}`" in str(refusal(text))


NUMBERS = {
    "absolute_band": "absolute_band = 0.05",
    "relative_band": "relative_band = 0.25",
    "max_weight": "max_weight = 0.65",
    "max_gross": "max_gross = 1.0",
    "cash_reserve": "cash_reserve = 0.01",
    "reduce": "daily_drawdown = { reduce = 0.03, halt = 0.06 }",
    "limit": "\nvalue_at_risk = { level = 0.95, days = 1, limit = 0.02 }",
    "minimum_trade": "minimum_trade = 100",
    "quiet_seconds": "quiet_seconds = 60",
    "approval_minutes": "approval_minutes = 30",
}
BAD = ["nan", "inf", "-inf", "true", '"0.1"', "-0.01", "-1", "1e999", "[0.1]", "{ a = 1 }", "2022-01-01", "9" * 400]


@pytest.mark.parametrize("key", NUMBERS)
@pytest.mark.parametrize("value", BAD)
def test_a_number_is_finite_in_range_and_a_number(key, value):
    line = NUMBERS[key]
    bad = re.sub(rf"(?<!\w){key} = [\d.]+", f"{key} = {value}", line)
    assert bad != line
    assert key in str(refusal(changed(FIXED, line, bad)))


@pytest.mark.parametrize("name", [f.name for f in fields(GatePolicy) if f.name not in {"profile", "allow_short"}])
@pytest.mark.parametrize("value", ["nan", "inf", "-1", "true", '"1"', "1e15"])
def test_a_gate_limit_is_finite_in_range_and_a_number(name, value):
    assert name in str(refusal(with_line("gate", f"{name} = {value}")))


@pytest.mark.parametrize("value", ["1.5", "true", "0", "-3", '"many"'])
def test_a_count_is_a_whole_number_in_range(value):
    assert "lookback" in str(refusal(changed(FIXED, "lookback = 504", f"lookback = {value}")))


@pytest.mark.parametrize("weight", ["1.01", "nan", "inf", "-0.1", "true", '"0.6"'])
def test_a_weight_is_a_fraction(weight):
    assert "SPY" in str(refusal(changed(FIXED, "SPY = 0.6,", f"SPY = {weight},")))


def test_weights_may_not_add_up_to_more_than_one():
    assert "add up to 1.05" in str(refusal(changed(FIXED, "GLD = 0.1 ", "GLD = 0.15 ")))
    parse_policy(changed(FIXED, "GLD = 0.1 ", "GLD = 0.05 "))  # less than one: the rest is cash


def test_weights_name_symbols_of_the_universe():
    assert "TLT" in str(refusal(changed(FIXED, "GLD = 0.1 ", "TLT = 0.1 ")))


@pytest.mark.parametrize("weights", ["{}", "[]", "0.5", '"SPY"'])
def test_weights_are_a_table(weights):
    assert "weights" in str(refusal(changed(FIXED, "weights = { SPY = 0.6, IEF = 0.3, GLD = 0.1 }", f"weights = {weights}")))


HOSTILE = ["../x", "BRK/B", "", " ", "a", "AA\\u0000", "AA\\u202eBB", "\\u200fAA", "A" * 300, "A" * 16, "=SUM(A1)", "-A", "AA\\n"]


@pytest.mark.parametrize("symbol", HOSTILE)
def test_a_hostile_symbol_is_refused(symbol):
    refusal(changed(FIXED, 'symbols = ["SPY",', f'symbols = ["{symbol}", "SPY",'))


@pytest.mark.parametrize("symbol", HOSTILE)
def test_a_hostile_benchmark_is_refused(symbol):
    assert "benchmark" in str(refusal(changed(FIXED, 'benchmark = "SPY"', f'benchmark = "{symbol}"')))


@pytest.mark.parametrize("name", ["", "Core", "../core", "a" * 41, "a b", "a\\u0000", "a\\n", "-a", "ä"])
def test_a_hostile_portfolio_name_is_refused(name):
    assert "name" in str(refusal(changed(FIXED, 'name = "core"', f'name = "{name}"')))


@given(word=some.text(min_size=1, max_size=20))
@settings(max_examples=150, deadline=None)
def test_whatever_a_symbol_is_it_is_safe_or_refused(word):
    quoted = '"' + "".join(c if c.isascii() and c.isalnum() else f"\\U{ord(c):08x}" for c in word) + '"'
    text = changed(FIXED, 'symbols = ["SPY",', f'symbols = [{quoted}, "SPY",')
    try:
        parsed = parse_policy(text)
    except WrongUse:
        return
    assert re.fullmatch(r"[A-Z0-9][A-Z0-9.\-]{0,14}", parsed.symbols[0])


@pytest.mark.parametrize(
    ("line", "double"),
    [
        ('symbols = ["SPY", "IEF", "GLD"]', 'symbols = ["SPY", "IEF", "GLD", "SPY"]'),
        ("max_gross = 1.0", "max_gross = 1.0\nmax_gross = 0.9"),
        ("weights = { SPY = 0.6,", "weights = { SPY = 0.2, SPY = 0.6,"),
        ("[gate]", "[risk]\n[gate]"),
    ],
)
def test_a_repetition_is_refused(line, double):
    refusal(changed(FIXED, line, double))


@pytest.mark.parametrize(
    ("line", "later", "word"),
    [
        ('objective = "allocation"', 'objective = "learned"', "learned"),
        ('kind = "fixed"', 'kind = "policy_gradient"', "policy_gradient"),
        ('kind = "fixed"', 'kind = "predicted"', "predicted"),
        ('mode = "paper"', 'mode = "shadow"', "shadow"),
        ('approval = "automatic"', 'approval = "approve"', "approve"),
        ('symbols = ["SPY", "IEF", "GLD"]', 'index = "sp500"', "index"),
    ],
)
def test_what_is_not_built_yet_says_so(line, later, word):
    said = str(refusal(changed(FIXED, line, later)))
    assert "not built yet" in said
    assert word in said


@pytest.mark.parametrize("line", ['objective = "allocation"', 'kind = "fixed"', 'when = "drift"', 'mode = "paper"'])
def test_an_unknown_word_is_refused_with_the_known_ones(line):
    key, word = line.split(" = ")
    said = str(refusal(changed(FIXED, line, f'{key} = "zebra"')))
    assert "zebra" in said
    assert word.strip('"') in said


def test_objective_and_strategy_must_agree():
    assert "contradict" in str(refusal(changed(FIXED, 'objective = "allocation"', 'objective = "optimized"')))
    assert "contradict" in str(refusal(changed(OPTIMIZED, 'objective = "optimized"', 'objective = "allocation"')))


def test_a_cap_that_cannot_hold_the_portfolio_is_refused():
    assert "cannot hold" in str(refusal(changed(OPTIMIZED, "max_weight = 0.5", "max_weight = 0.24999")))
    parse_policy(changed(OPTIMIZED, "max_weight = 0.5", "max_weight = 0.25"))


def test_a_lookback_too_short_for_its_history_is_refused():
    assert "minimum_history" in str(refusal(changed(OPTIMIZED, "lookback = 300", "lookback = 99")))
    parse_policy(changed(OPTIMIZED, "lookback = 300", "lookback = 100"))


def test_reducing_after_halting_is_refused():
    assert "reduce" in str(refusal(changed(FIXED, "{ reduce = 0.03, halt = 0.06 }", "{ reduce = 0.07, halt = 0.06 }")))


def test_a_key_of_another_kind_is_unknown_here():
    """A knob that nothing reads is refused: the bands mean nothing to a calendar, the level nothing to fixed weights."""
    assert "absolute_band" in str(refusal(changed(FIXED, 'when = "drift"', 'when = "calendar"')))
    assert "level" in str(refusal(with_line("strategy", "level = 0.9")))
    assert "weights" in str(refusal(with_line("strategy", "weights = { AAA = 1.0 }", OPTIMIZED)))


@pytest.mark.parametrize("text", ["", "portfolio = 3", "[portfolio", "x = " + "[" * 5000, "x = " + "9" * 5000, "\x00"])
def test_what_is_no_policy_at_all_is_refused(text):
    refusal(text)


def test_a_table_that_is_no_table_is_refused():
    start = FIXED.index("[gate]")
    assert "gate" in str(refusal("gate = 3\n" + FIXED[:start] + FIXED[FIXED.index("[execution]") :]))


def test_the_hash_is_of_the_values_not_of_the_text():
    plain = parse_policy(FIXED).hash
    assert parse_policy("# words\n" + FIXED.replace("\n[risk]", "\n\n# more\n[risk]")).hash == plain
    swapped = changed(FIXED, "max_weight = 0.65\nmax_gross = 1.0\n", "max_gross = 1\nmax_weight = 0.650\n")
    assert parse_policy(swapped).hash == plain
    assert parse_policy(changed(FIXED, "SPY = 0.6, IEF = 0.3,", "IEF = 0.3, SPY = 0.6,")).hash == plain
    assert re.fullmatch("[0-9a-f]{64}", plain)


KNOBS = {
    FIXED: [
        ('name = "core"', 'name = "other"'), ('benchmark = "SPY"', 'benchmark = "IEF"'), ('benchmark = "SPY"\n', ""),
        ('symbols = ["SPY", "IEF", "GLD"]', 'symbols = ["SPY", "IEF", "GLD", "TLT"]'), ("SPY = 0.6,", "SPY = 0.5,"),
        ("absolute_band = 0.05", "absolute_band = 0.04"), ("relative_band = 0.25", "relative_band = 0.2"),
        ("max_weight = 0.65", "max_weight = 0.66"), ("max_gross = 1.0", "max_gross = 0.9"),
        ("cash_reserve = 0.01", "cash_reserve = 0.02"), ("{ reduce = 0.03, halt", "{ reduce = 0.02, halt"),
        ("halt = 0.06 }", "halt = 0.07 }"), ("{ reduce = 0.06, halt = 0.10 }", "{ reduce = 0.06, halt = 0.11 }"),
        ("days = 1, limit = 0.02", "days = 1, limit = 0.03"),
        ("days = 1, limit = 0.03", "days = 1, limit = 0.04"), ('unknown = "warn"', 'unknown = "block"'),
        ("lookback = 504", "lookback = 505"), ('profile = "paper"', 'profile = "strict"'), ('mode = "paper"', 'mode = "live"'),
        ("approval_minutes = 30", "approval_minutes = 31"), ('order_type = "adaptive"', 'order_type = "limit"'),
        ("minimum_trade = 100", "minimum_trade = 101"), ("quiet_seconds = 60", "quiet_seconds = 61"),
        ("decide_minutes_before_close = 30", "decide_minutes_before_close = 31"), ('when = "drift"\nabsolute_band = 0.05\nrelative_band = 0.25', 'when = "calendar"'),
    ],
    OPTIMIZED: [
        ("level = 0.95", "level = 0.9"), ("lookback = 300", "lookback = 301"), ("minimum_history = 100", "minimum_history = 101"),
        ('fallback = ["equal_weight", "hold"]', 'fallback = ["hold", "equal_weight"]'), ('every = "month"', 'every = "week"'),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("text", "line", "instead"), [(t, *pair) for t, pairs in KNOBS.items() for pair in pairs])
def test_every_value_changes_the_hash(text, line, instead):
    assert parse_policy(changed(text, line, instead)).hash != parse_policy(text).hash


@pytest.mark.parametrize("name", [f.name for f in fields(GatePolicy) if f.name not in {"profile", "allow_short"}])
def test_every_gate_value_can_be_set_and_changes_the_hash(name):
    value = {"max_orders_a_minute": 7, "max_orders_a_symbol_a_day": 2}.get(name, 0.5)
    parsed = parse_policy(with_line("gate", f"{name} = {value}"))
    assert getattr(parsed.gate, name) == value
    assert parsed.hash != parse_policy(FIXED).hash


def test_a_parsed_policy_is_frozen_all_the_way_down():
    parsed = parse_policy(FIXED)
    for part in (parsed, parsed.risk, parsed.gate, parsed.strategy, parsed.execution, parsed.rebalance):
        assert is_dataclass(part)
        with pytest.raises(AttributeError):
            setattr(part, fields(part)[0].name, None)


def test_the_strict_profile_holds_the_values_that_reliability_asks_for():
    assert (STRICT.max_order_value, STRICT.max_volume_share, STRICT.max_price_distance, STRICT.max_quote_age) == (
        0.05,
        0.05,
        0.05,
        15,
    )
    assert (STRICT.max_turnover, STRICT.max_daily_notional, STRICT.max_orders_a_minute) == (0.30, 2.0, 30)
    assert (STRICT.max_orders_a_symbol_a_day, STRICT.minimum_cash_after, STRICT.duplicate_minutes) == (3, 0.10, 10)
    assert not STRICT.allow_short


# --- the objective --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "attribute"),
    [
        ("max_weight = 0.64\n", "max_weight"),
        ("daily_drawdown = { reduce = 0.02, halt = 0.05 }\n", "daily_drawdown"),
        ("monthly_drawdown = { reduce = 0.02, halt = 0.05 }\n", "monthly_drawdown"),
    ],
)
def test_a_limit_that_is_deleted_falls_back_to_the_objective_s(line, attribute):
    """There is no way to have none: the risk table without the line holds the objective's own limit."""
    from portfolio.policy.objectives import OBJECTIVES

    key = line.split(" = ")[0]
    own = re.sub(rf"^{key} = .*\n", line, FIXED, count=1, flags=re.MULTILINE)
    without = re.sub(rf"^{key} = .*\n", "", FIXED, count=1, flags=re.MULTILINE)
    usual = getattr(OBJECTIVES["allocation"], attribute)
    assert getattr(parse_policy(own).risk, attribute) != usual
    assert getattr(parse_policy(without).risk, attribute) == usual


@pytest.mark.parametrize(
    ("objective", "kind", "when", "every", "cap", "fresh"),
    [
        ("allocation", "equal", "drift", None, 0.65, {"prices", "macro"}),
        ("smart_beta", "factor", "calendar", "quarter", 0.10, {"prices", "fundamentals"}),
        ("optimized", "optimized", "calendar", "month", 0.25, {"prices"}),
    ],
)
def test_the_objective_decides_what_nobody_says(objective, kind, when, every, cap, fresh):
    factors = "factors = { momentum = 1.0 }\n" if kind == "factor" else ""
    names = ", ".join(f'"S{n}"' for n in range(12))
    text = (
        f'[portfolio]\nname = "x"\nobjective = "{objective}"\nbase_currency = "USD"\n[universe]\nsymbols = [{names}]\n'
        f'[strategy]\nkind = "{kind}"\n{factors}[execution]\nmode = "paper"\n'
    )
    parsed = parse_policy(text)
    assert parsed.rebalance.when == when
    assert every is None or parsed.rebalance.every == every
    assert parsed.risk.max_weight == cap
    assert set(parsed.fresh) == fresh


# --- when to trade --------------------------------------------------------------------------------------------------

CALENDAR = 'when = "calendar"\nevery = "month"'
CASH = 'when = "drift"\nabsolute_band = 0.05\nrelative_band = 0.25\ncash_flows = true'
COST = 'when = "cost_aware"\nrisk_aversion = 5.0\nhorizon = 21\ncost = 0.001\nminimum_gain = 0.0'
RULE = 'when = "drift"\nabsolute_band = 0.05\nrelative_band = 0.25'


@pytest.mark.parametrize(
    ("rule", "more"),
    [
        (CALENDAR, 'day = "last"'), (CALENDAR, "day = 3"), (CALENDAR, 'day = "third friday"'), (CALENDAR, "months = [1, 7]"), (CALENDAR, "cooldown = 5"),
        (CALENDAR, "max_a_month = 1"), (RULE, "cash_flows = true"), (CASH, "cash_band = 0.02"), (RULE, 'band_by = "kind"'),
    ],
)  # fmt: skip
def test_every_word_on_when_to_trade_changes_the_hash(rule, more):
    grouped = FIXED.replace("[strategy]", '[universe.groups.kind]\nrisky = ["SPY", "GLD"]\n[strategy]')
    plain = changed(grouped, RULE, rule)
    assert parse_policy(changed(plain, rule, f"{rule}\n{more}")).hash != parse_policy(plain).hash


@pytest.mark.parametrize("knob", ["risk_aversion = 5.0", "horizon = 21", "cost = 0.001", "minimum_gain = 0.0"])
def test_every_number_of_a_cost_aware_policy_changes_the_hash(knob):
    plain = changed(FIXED, RULE, COST)
    key = knob.split(" = ")[0]
    assert parse_policy(changed(plain, knob, f"{key} = {22 if key == 'horizon' else 0.02}")).hash != parse_policy(plain).hash


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('when = "calendar"\nday = "third"', "third friday"), ('when = "calendar"\nevery = "week"\nday = "third friday"', "friday"),
        ('when = "calendar"\nevery = "quarter"\nday = "friday"', "day"), ('when = "calendar"\nday = 0', "day"), ('when = "calendar"\nday = true', "day"),
        ('when = "calendar"\nmonths = [13]', "months"), ('when = "calendar"\nmonths = [1, 1]', "months"),
        ('when = "signal"\nabsolute_band = 0.1', "absolute_band"), ('when = "drift"\nhorizon = 3', "horizon"),
        ('when = "drift"\nband_by = "zoo"', "zoo"), ('when = "drift"\ncash_band = 0.1', "cash_band"),
        ('when = "drift"\ncooldown = -1', "cooldown"), ('when = "drift"\nmax_a_month = 0', "max_a_month"),
        ('when = "cost_aware"\ncost = nan', "cost"), ('when = "cost_aware"\nhorizon = 0', "horizon"),
    ],
)  # fmt: skip
def test_a_wrong_word_on_when_to_trade_is_refused(rule, said):
    assert said in str(refusal(changed(FIXED, RULE, rule)))


# --- groups and constraints -----------------------------------------------------------------------------------------

GROUPED = FIXED.replace("[strategy]", '[universe.groups.kind]\nrisky = ["SPY", "GLD"]\nsafe = ["IEF"]\n[strategy]')
CONSTRAINED = (
    GROUPED
    + """
[constraints]
weight = { min = 0.0, max = 0.65 }
net = { min = 0.5, max = 1.0 }
gross = 1.0
turnover = 0.4
tracking_error = 0.05
volatility = 0.12
conditional_value_at_risk = 0.03
level = 0.9
names = 3
minimum_position = 0.01
do_not_trade = ["GLD"]
lookback = 300
symbols = { SPY = { min = 0.2, max = 0.6 } }
exposures = { beta = { max = 1.0 } }
benchmark = { SPY = 0.6, IEF = 0.4 }
lots = { GLD = 10 }
kind = { risky = { max = 0.7 }, safe = { min = 0.2 } }
"""
)


def test_constraints_are_read_by_name():
    found = parse_policy(CONSTRAINED).constraints
    assert found.groups == {"kind": {"risky": Range(0.0, 0.7), "safe": Range(0.2, 1.0)}}
    assert found.symbols == {"SPY": Range(0.2, 0.6)}
    assert found.exposures == {"beta": Range(-10.0, 1.0)}
    assert (found.turnover, found.tracking_error, found.names, found.lots) == (0.4, 0.05, 3, {"GLD": 10})
    assert parse_policy(FIXED).constraints == ConstraintPolicy()


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("weight = { min = 0.0, max = 0.65 }", "weight = { max = 0.6 }"), ("net = { min = 0.5,", "net = { min = 0.4,"),
        ("gross = 1.0\nturnover", "gross = 0.9\nturnover"), ("turnover = 0.4", "turnover = 0.3"), ("tracking_error = 0.05", "tracking_error = 0.04"),
        ("volatility = 0.12", "volatility = 0.11"), ("conditional_value_at_risk = 0.03\nlevel", "conditional_value_at_risk = 0.02\nlevel"),
        ("level = 0.9\nnames", "level = 0.91\nnames"), ("names = 3", "names = 2"), ("minimum_position = 0.01", "minimum_position = 0.02"),
        ('do_not_trade = ["GLD"]', 'do_not_trade = ["IEF"]'), ("lookback = 300", "lookback = 301"), ("min = 0.2, max = 0.6", "min = 0.1, max = 0.6"),
        ("beta = { max = 1.0 }", "beta = { max = 0.9 }"), ("SPY = 0.6, IEF = 0.4 }\nlots", "SPY = 0.5, IEF = 0.5 }\nlots"),
        ("GLD = 10", "GLD = 11"), ("risky = { max = 0.7 }", "risky = { max = 0.8 }"), ('safe = ["IEF"]', 'secure = ["IEF"]'),
    ],
)  # fmt: skip
def test_every_constraint_changes_the_hash(line, instead):
    other = changed(CONSTRAINED, line, instead)
    if "secure" in instead:
        other = changed(other, "safe = { min = 0.2 }", "secure = { min = 0.2 }")
    assert parse_policy(other).hash != parse_policy(CONSTRAINED).hash


@pytest.mark.parametrize(
    ("line", "instead", "said"),
    [
        ("turnover = 0.4", "turnover = -0.1", "turnover"), ("turnover = 0.4", "turnover = nan", "turnover"),
        ("gross = 1.0\nturnover", "gross = 1.3\nturnover", "gross"), ("min = 0.2, max = 0.6", "min = 0.7, max = 0.6", "at most `max`"),
        ("min = 0.2, max = 0.6", "min = -0.2", "short selling is not built yet"), ("min = 0.2, max = 0.6", "", "constrains nothing"),
        ("symbols = { SPY", "symbols = { TLT", "TLT"), ("beta = {", "zebra = {", "zebra"), ("lots = { GLD", "lots = { TLT", "TLT"),
        ("GLD = 10", "GLD = 0", "GLD"), ("SPY = 0.6, IEF = 0.4 }\nlots", "SPY = 0.6, IEF = 0.3 }\nlots", "add up to 1"),
        ("benchmark = { SPY = 0.6, IEF = 0.4 }\n", "", "no benchmark"), ("conditional_value_at_risk = 0.03\nlevel", "level", "level"),
        ("kind = { risky", "zoo = { risky", "zoo"), ("risky = { max = 0.7 }", "zoo = { max = 0.7 }", "zoo"),
        ("names = 3", "names = 0", "names"),
        ("gross = 1.0\nturnover", "gross = 0.3\nturnover", "net asks for 0.5"), ("weight = { min = 0.0,", "weight = { min = 0.45,", "add up to"),
        ("max = 0.65 }\nnet = { min = 0.5", "max = 0.1 }\nnet = { min = 0.99", "can be invested"), ("minimum_position = 0.01", "minimum_position = 0.66", "minimum_position"),
        ('do_not_trade = ["GLD"]', 'do_not_trade = ["TLT"]', "TLT"), ('risky = ["SPY", "GLD"]', 'risky = ["SPY", "TLT"]', "TLT"),
        ('safe = ["IEF"]', 'safe = ["IEF", "SPY"]', "one place"), ("[universe.groups.kind]", "[universe.groups.Kind]", "small letters"),
        ("[universe.groups.kind]", "[universe.groups.lots]", "no name of a class"),
    ],
)  # fmt: skip
def test_a_wrong_constraint_is_refused_by_name(line, instead, said):
    assert said in str(refusal(changed(CONSTRAINED, line, instead)))


# --- the road and the files -----------------------------------------------------------------------------------------


def test_relaxing_needs_to_be_said_twice():
    plain = changed(OPTIMIZED, 'fallback = ["equal_weight", "hold"]', 'fallback = ["relax", "hold"]\nrelax = ["turnover"]')
    assert parse_policy(plain).strategy.relax == ("turnover",)
    assert "need each other" in str(refusal(changed(plain, '\nrelax = ["turnover"]', "")))
    assert "need each other" in str(refusal(changed(plain, '"relax", ', "")))
    assert "zoo" in str(refusal(changed(plain, 'relax = ["turnover"]', 'relax = ["zoo"]')))


VIEWED = changed(OPTIMIZED, 'model = "minimum_cvar"', 'model = "maximum_sharpe"\nprior = "black_litterman"\nviews = "v.toml"')


def test_a_file_that_is_named_must_be_there():
    named = changed(VIEWED, "level = 0.95\n", "")
    assert named_files(named) == ("v.toml",)
    assert named_files("= no toml") == ()
    assert "v.toml" in str(refusal(named))


def with_views(name: str) -> str:
    """A strategy table, as it stands in one line."""
    return f'{{ kind = "optimized", model = "maximum_sharpe", prior = "black_litterman", views = "{name}" }}'


NESTED = changed(
    OPTIMIZED,
    'kind = "optimized"\nmodel = "minimum_cvar"\nlevel = 0.95\nlookback = 300\nminimum_history = 100\n',
    f"""kind = "combination"
sleeve = [
  {{ name = "one", share = 0.4, strategy = {with_views("a.toml")} }},
  {{ name = "two", share = 0.3, strategy = {{ kind = "combination", sleeve = [
    {{ name = "inner", share = 0.5, strategy = {with_views("b.toml")} }},
    {{ name = "again", share = 0.5, strategy = {with_views("a.toml")} }} ] }} }},
]
""",
)
A_VIEW = "[[view]]\nassets = { AAA = 1.0 }\nreturn_a_year = 0.05\n"


def test_the_files_of_sleeves_are_found_however_deep_they_stand():
    assert named_files(NESTED) == ("a.toml", "b.toml")
    assert parse_policy(NESTED, {"a.toml": A_VIEW, "b.toml": A_VIEW}).files == {"a.toml": A_VIEW, "b.toml": A_VIEW}


@pytest.mark.parametrize("odd", ["strategy = 3", "strategy.sleeve = 3", "strategy.sleeve = [3, { strategy = 4 }, {}]"])
def test_no_files_are_found_where_there_is_no_strategy(odd):
    assert named_files(odd) == ()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a.toml": A_VIEW}, "names the file b.toml"),
        ({"a.toml": A_VIEW, "b.toml": "view = 3"}, "b.toml holds no view"),
        ({"a.toml": A_VIEW, "b.toml": A_VIEW.replace("AAA", "ZZZ")}, "a view on ZZZ"),
    ],
)
def test_the_views_of_a_sleeve_are_read_at_once(files, said):
    with pytest.raises(WrongUse, match=said):
        parse_policy(NESTED, files)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("[constraints]\nlookback = 100\n", "read by nothing"),
        ("[constraints.benchmark]\nSPY = 1.0\n", "read by nothing"),
        ("[constraints]\nnames = 1\nsymbols = { SPY = { min = 0.1 }, IEF = { min = 0.1 } }\n", "names = 1"),
    ],
)
def test_a_constraint_that_nothing_reads_or_nobody_can_keep_is_refused(more, said):
    assert said in str(refusal(FIXED + more))


def test_a_limit_on_beta_needs_a_benchmark():
    asked = FIXED + "[constraints]\nexposures = { beta = { max = 0.5 } }\n"
    parse_policy(asked)
    assert "benchmark" in str(refusal(changed(asked, 'benchmark = "SPY"\n', "")))


def test_an_optimizer_keeps_limits_on_risk_over_its_own_days():
    asked = OPTIMIZED + "[constraints]\nvolatility = 0.2\n"
    parse_policy(asked)
    assert "own days" in str(refusal(asked + "lookback = 100\n"))


FOLLOWING = changed(changed(OPTIMIZED, 'model = "minimum_cvar"\n', 'model = "minimum_tracking_error"\n'), "level = 0.95\n", "")


def test_whoever_follows_a_benchmark_has_one_and_only_one():
    assert "follows nobody" in str(refusal(FOLLOWING))
    limit = "[constraints]\ntracking_error = 0.05\n[constraints.benchmark]\nAAA = 1.0\n"
    parse_policy(FOLLOWING + limit)
    parse_policy(FOLLOWING + "[constraints.benchmark]\nAAA = 1.0\n")
    own = changed(FOLLOWING, "lookback = 300", "lookback = 300\nbenchmark = { BBB = 1.0 }")
    parse_policy(own)
    assert "Name it once" in str(refusal(own + limit))


def test_a_comment_in_a_views_file_changes_nothing():
    text = changed(VIEWED, "level = 0.95\n", "")
    views = "[[view]]\nassets = { AAA = 1.0 }\nreturn_a_year = 0.05\n"
    plain = parse_policy(text, {"v.toml": views}).hash
    assert parse_policy(text, {"v.toml": "# why\n" + views}).hash == plain
    assert parse_policy(text, {"v.toml": views.replace("0.05", "0.06")}).hash != plain
