"""The gallery: every policy in examples/ decides on real prices, obeys what it says, and can be read."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime
from decimal import Decimal as D
from pathlib import Path

import numpy as np
import pytest
from terminal import ROOT, trimtab

from portfolio.types import Action, Side
from tasks import decide, doors, fetch, ingest
from tasks.settings import Settings, settings

SHARED = Path(os.environ.get("TRIMTAB_SHARED_DATA", ROOT / ".." / "shared" / "data"))
ETFS = SHARED / "etf_yfinance_multiheader" / "yfinance_2025-09-26.zip"
NOW = datetime(2026, 6, 15, tzinfo=UTC)
BUNDLED = {
    "demo": ["minimum_cvar"],
    "hierarchical": ["hrp"],
    "minimum-cvar": ["minimum_cvar"],
    "multifactor": ["factor"],
    "momentum": ["signal"],
    "volatility-target": ["target_volatility"],
    "black-litterman": ["maximum_sharpe"],
    "core-satellite": ["core: inverse_volatility", "satellite: factor"],
}
OWN = ("leveraged-hedged", "two-currencies")  # each with a test of its own
FUNDS = {"sixty-forty": ["fixed"], "permanent": ["fixed"], "all-weather": ["risk_parity"]}


@pytest.fixture(scope="module")
def bundled(tmp_path_factory) -> Settings:
    home = settings({"TRIMTAB_HOME": str(tmp_path_factory.mktemp("gallery") / "home")})
    ingest.ingest(home, fetch.Batch("prices", "sample"), NOW)
    return home


@pytest.fixture(scope="module")
def funds(tmp_path_factory) -> Settings:
    if not ETFS.is_file():
        pytest.skip(f"no recordings at {SHARED} (TRIMTAB_SHARED_DATA)")
    home = settings({"TRIMTAB_HOME": str(tmp_path_factory.mktemp("funds") / "home")})
    ingest.ingest(home, fetch.Batch("prices", "files", ETFS, layout="yfinance", adjustment="adjusted"), NOW)
    return home


def test_the_gallery_is_whole():
    """A policy that is added to examples/ is added here."""
    policies = {file.stem for file in (ROOT / "examples").glob("*.toml")} - {"views"}
    assert policies == set(BUNDLED) | set(FUNDS) | set(OWN)


def decided(home: Settings, name: str, session: date):
    policy = doors.read_policy(ROOT / "examples" / f"{name}.toml")
    decision = decide.trial(home, policy, session)
    assert decision.status == "trade"
    assert not [v for v in decision.verdicts if v.action not in {Action.PASS, Action.WARN}], decision.verdicts
    assert set(decision.why) == set(policy.symbols), "every weight is explained"
    assert all(decision.why.values())
    total, reserve = sum(decision.weights.values()), policy.risk.cash_reserve
    assert total <= 1.0 - reserve + 1e-9
    assert all(-1e-12 <= w <= policy.risk.max_weight + 1e-9 for w in decision.weights.values())
    return policy, decision


@pytest.mark.parametrize("name", BUNDLED)
def test_a_policy_on_bundled_prices(bundled, name):
    policy, decision = decided(bundled, name, date(2022, 12, 28))
    assert list(decision.road) == BUNDLED[name]
    if policy.strategy.kind == "optimized":
        assert decision.certificate.worst_violation <= 1e-9


def test_the_leveraged_policy_borrows_hedges_and_says_what_it_costs(bundled):
    policy = doors.read_policy(ROOT / "examples" / "leveraged-hedged.toml")
    found = decide.trial(bundled, policy, date(2022, 12, 28))
    assert found.status == "trade"
    lines = {line.symbol: line for line in found.plan.lines}
    assert lines["QUAL"].side is Side.SELL
    assert lines["QUAL"].parts["hedge"] < 0
    assert found.plan.lines[0] is lines["QUAL"]
    assert found.risk_after["beta"] == pytest.approx(policy.hedges[0].target, abs=0.05)
    assert sum(w for w in found.weights.values() if w > 0) == pytest.approx(1.29, abs=1e-6)
    assert found.hedges[0].cost <= policy.hedges[0].ceiling
    capped = {s: told for s, told in found.why.items() if "held at its cap" in told}
    assert capped
    assert all(f"held at its cap of {found.weights[s]:.2%} of equity" in told for s, told in capped.items())
    after = found.margin_after
    assert after.interest > 0
    assert after.excess_liquidity > after.equity * D(repr(policy.margin.cushion))
    assert 0.3 < after.call_distance < 1
    limited = {s.name: s for s in found.stresses if s.limit is not None}
    assert set(limited) == {"equities-20", "2020"}
    assert all(s.after <= s.limit for s in limited.values())


def test_the_policy_of_two_currencies_buys_the_dollars_it_spends(bundled):
    ingest.ingest(bundled, fetch.Batch("macro", "sample"), NOW)
    policy = doors.read_policy(ROOT / "examples" / "two-currencies.toml")
    found = decide.trial(bundled, policy, date(2022, 12, 28))
    assert found.status == "trade"
    conversion, *buys = found.plan.lines
    assert (conversion.symbol, conversion.side) == ("EUR.USD", Side.SELL)
    assert {line.symbol for line in buys} == set(policy.symbols)
    assert {line.currency for line in buys} == {"USD"}
    spent = sum(line.notional + line.cost for line in buys)
    assert spent <= conversion.quantity * conversion.price
    assert sum(line.value for line in buys) == pytest.approx(980_000, rel=0.003)  # euros, of a trial of a million
    rate = {line.rate for line in buys}
    assert rate == {1 / conversion.price} or rate.pop() == pytest.approx(1 / conversion.price, rel=1e-5)
    assert [v.action for v in found.verdicts if v.rule == "max_group"] == [Action.PASS]


@pytest.mark.shared
@pytest.mark.parametrize("name", FUNDS)
def test_a_policy_on_the_prices_of_funds(funds, name):
    _, decision = decided(funds, name, date(2025, 9, 26))
    assert list(decision.road) == FUNDS[name]


def test_the_limits_by_name_hold(bundled):
    policy, decision = decided(bundled, "minimum-cvar", date(2022, 12, 28))
    weights = {s: w / (1 - policy.risk.cash_reserve) for s, w in decision.weights.items()}
    sectors: dict[str, float] = {}
    for symbol, sector in policy.classes["sector"].items():
        sectors[sector] = sectors.get(sector, 0.0) + weights[symbol]
    assert sectors["Health Care"] <= 0.30 + 1e-9
    assert sectors["Consumer"] <= 0.45 + 1e-9
    assert sectors["Technology"] >= 0.05 - 1e-9
    assert all(w == 0.0 or w >= 0.01 - 1e-9 for w in weights.values())


def test_the_views_move_the_weights_they_speak_of(bundled):
    """The same policy without the view on Walmart holds less of it, and with the pair reversed less Microsoft."""
    text = (ROOT / "examples" / "black-litterman.toml").read_text()
    views = (ROOT / "examples" / "views.toml").read_text()
    from portfolio.policy import parse_policy

    def weights(told: str):
        return decide.trial(bundled, parse_policy(text, {"views.toml": told}), date(2022, 12, 28)).weights

    plain = weights(views)
    assert weights(views.replace("return_a_year = 0.06", "return_a_year = 0.30"))["WMT"] > plain["WMT"]
    other = weights(views.replace("MSFT = 1.0, AAPL = -1.0", "MSFT = -1.0, AAPL = 1.0"))
    assert other["MSFT"] < plain["MSFT"]


def test_a_volatility_target_is_near_its_mark(bundled):
    """The decided mix, held over the months after the decision, moved about as much as was aimed at."""
    policy, decision = decided(bundled, "volatility-target", date(2019, 6, 3))
    with doors.open_lake(bundled) as lake, lake.at(lake.snapshot()) as reader:
        after = reader.prices(list(policy.symbols), None, until=date(2019, 12, 31))
    closes = {
        s: after.fields["close"][(after.symbol == i) & (after.session >= np.datetime64("2019-06-03"))]
        for i, s in enumerate(after.symbols)
    }
    moves = sum(decision.weights[s] * (closes[s][1:] / closes[s][:-1] - 1) for s in policy.symbols)
    assert 0.05 < moves.std() * np.sqrt(252) < 0.15


def test_the_terminal_shows_a_decision_and_its_json(bundled):
    said = trimtab("decide", str(ROOT / "examples" / "minimum-cvar.toml"), "--as-of", "2022-12-28", "--json", home=bundled.home)
    assert said.code == 0, said.err
    document = json.loads(json.dumps(said.document))
    assert document["road"] == ["minimum_cvar"]
    assert document["certificate"]["worst_violation"] <= 1e-9
    assert document["timing"]["trade"] is True
    assert set(document["why"]) == set(document["weights"])
    shown = trimtab("decide", str(ROOT / "examples" / "minimum-cvar.toml"), "--as-of", "2022-12-28", home=bundled.home)
    assert shown.code == 0, shown.err
    assert "certificate" in shown.out
    assert "first investment" in shown.out
