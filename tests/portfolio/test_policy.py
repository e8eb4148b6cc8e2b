"""The policy file: what is accepted, and that everything else is refused by name."""

import re
import tomllib
from dataclasses import fields, is_dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from mind import DEMO, FIXED, OPTIMIZED, changed

from portfolio.errors import WrongUse
from portfolio.policy import parse_policy
from portfolio.policy.gates import PAPER, STRICT
from portfolio.types import GatePolicy

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
    assert core.strategy.weights == {"SPY": 0.6, "IEF": 0.3, "GLD": 0.1}
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


@pytest.mark.parametrize("table", ["portfolio", "universe", "strategy", "rebalance", "risk", "execution"])
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
        ("when", 'when = "drift"\n'),
        ("max_weight", "max_weight = 0.65\n"),
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
        ('objective = "allocation"', 'objective = "smart_beta"', "smart_beta"),
        ('objective = "allocation"', 'objective = "learned"', "learned"),
        ('kind = "fixed"', 'kind = "equal"', "equal"),
        ('kind = "fixed"', 'kind = "predicted"', "predicted"),
        ('when = "drift"', 'when = "cost_aware"', "cost_aware"),
        ('when = "drift"', 'when = "signal"', "signal"),
        ('mode = "paper"', 'mode = "shadow"', "shadow"),
        ('approval = "automatic"', 'approval = "approve"', "approve"),
        ('base_currency = "USD"', 'base_currency = "EUR"', "EUR"),
        ('symbols = ["SPY", "IEF", "GLD"]', 'index = "sp500"', "index"),
        ("[gate]", "[gate]\nallow_short = true", "not built yet"),
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
        ("monthly_drawdown = { reduce = 0.06, halt = 0.10 }\n", ""), ("days = 1, limit = 0.02", "days = 1, limit = 0.03"),
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
