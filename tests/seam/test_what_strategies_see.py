"""Macro series, watched symbols and ratios come to a strategy out of the warehouse as they were known, and staleness is said."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from portfolio.errors import Refused
from portfolio.policy import parse_policy
from portfolio.strategies.shown import shown
from portfolio.types import Action
from tasks import decide, doors, fetch, ingest
from tasks.calendar import hours
from tasks.market import market_at
from tasks.settings import Settings, settings

SHARED = Path(os.environ.get("TRIMTAB_SHARED_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
NOW = datetime(2026, 6, 15, tzinfo=UTC)
HEAD = """
[portfolio]
name = "seen"
objective = "{objective}"
base_currency = "USD"
benchmark = "SP500"
[universe]
symbols = [{symbols}]
[strategy]
{strategy}
[risk]
max_weight = 1.0
[gate]
profile = "paper"
[execution]
mode = "paper"
"""
VIX = """kind = "signal"
base = { KO = 0.5, PG = 0.5 }
[[strategy.rule]]
symbols = ["KO", "PG"]
series = "VIX"
measure = "level"
enter = "< 20"
exit = "> 25"
"""


def policy(strategy: str, symbols: str = '"KO", "PG"', objective: str = "allocation"):
    return parse_policy(HEAD.format(objective=objective, symbols=symbols, strategy=strategy))


@pytest.fixture(scope="module")
def where(tmp_path_factory) -> Settings:
    home = settings({"TRIMTAB_HOME": str(tmp_path_factory.mktemp("seen") / "home")})
    for dataset in ("prices", "macro"):
        ingest.ingest(home, fetch.Batch(dataset, "sample"), NOW)
    return home


def seen(where: Settings, rules, session: date):
    with doors.open_lake(where) as lake:
        times = hours(session)
        return market_at(lake, rules, times, times.moment(30), lake.snapshot())


def test_a_series_stands_beside_the_sessions_as_it_was_known(where):
    market = seen(where, policy(VIX), date(2018, 12, 27))
    vix = market.macro["VIX"]
    day = {str(d): v for d, v in zip(market.sessions, vix, strict=True)}
    assert day["2018-12-24"] == 36.07  # the close of Christmas Eve, by the CBOE's own table
    assert np.isnan(day["2013-12-31"]), "before the first value nothing is known"
    assert day["2018-02-05"] == 37.32, "told at 16:15, after the close: the decision of the next day knows it"
    assert len(vix) == len(market.sessions)
    assert market.stale == {}


def test_the_level_of_the_vix_decides(where):
    calm, wild = (decide.trial(where, policy(VIX), day) for day in (date(2017, 11, 15), date(2018, 12, 27)))
    assert sum(calm.targets.values()) > 0.9
    assert sum(wild.targets.values()) == 0.0
    assert "level VIX" in calm.plan.lines[0].reason or "VIX" in calm.plan.lines[0].reason


def test_a_series_that_ended_years_ago_is_stale_and_the_policy_says_what_that_means(where):
    rules = policy(VIX)
    decision = decide.trial(where, rules, date(2022, 6, 1))
    said = [v for v in decision.verdicts if v.rule == "freshness"]
    assert [v.action for v in said] == [Action.WARN]
    assert "stale macro VIX: its newest value is of 2019-01-03" in said[0].reason
    blocking = parse_policy(rules.text.replace("max_weight = 1.0", 'max_weight = 1.0\nunknown = "block"'))
    stopped = decide.trial(where, blocking, date(2022, 6, 1))
    assert stopped.status == "refused"
    assert "stale macro VIX" in stopped.reasons[0]


def test_a_monthly_series_is_fresh_until_its_next_value_is_late(where):
    monthly = policy(VIX.replace('"VIX"', '"BAA_AAA"').replace("< 20", "< 1.0").replace("> 25", "> 1.2"))
    assert seen(where, monthly, date(2019, 1, 15)).stale == {}
    assert "macro BAA_AAA" in seen(where, monthly, date(2019, 6, 14)).stale


def test_a_revision_leaves_the_past_as_it_was_known(where):
    """Six months, then one restatement of them all: before it, each session still sees its own first print."""
    from datetime import timedelta

    import polars as pl

    firsts = [date(2022, m, 1) for m in range(1, 7)]
    rows = [{"series": "CPIX", "date": d, "value": float(n), "unit": "index", "source": "test", "known_at": told + timedelta(days=12)}
            for n, d in enumerate(firsts, 1) for told in [datetime(d.year, d.month + 1, 1, 13, tzinfo=UTC)]]  # fmt: skip
    again = [{**row, "value": row["value"] + 0.1, "known_at": datetime(2022, 8, 10, 13, tzinfo=UTC)} for row in rows]
    with doors.open_lake(where) as lake:
        for number, batch in enumerate((rows, again)):
            with lake.transaction(run=f"cpix {number}", at=NOW + timedelta(minutes=number)) as tx:
                tx.merge("macro", tx.stage("macro", pl.DataFrame(batch, schema_overrides={"known_at": pl.Datetime("us", "UTC")})))
    rules = policy(VIX.replace('"VIX"', '"CPIX"').replace("< 20", "< 3.5").replace("> 25", "> 5.5"))
    market = seen(where, rules, date(2022, 8, 15))
    day = {str(d): v for d, v in zip(market.sessions, market.macro["CPIX"], strict=True)}
    assert [day[d] for d in ("2022-02-14", "2022-03-14", "2022-07-14", "2022-08-08", "2022-08-09")] == [1.0, 2.0, 6.0, 6.0, 6.1]
    assert market.stale == {}
    assert "macro CPIX" in seen(where, rules, date(2022, 12, 1)).stale, "a late restatement does not make it look fresh for long"


def test_a_series_that_nobody_ingested_is_refused_by_name(where):
    with pytest.raises(Refused, match="knows no value of MOVE"):
        seen(where, policy(VIX.replace('"VIX"', '"MOVE"')), date(2018, 12, 27))


def test_a_symbol_that_is_only_watched_is_seen_and_never_traded(where):
    watching = VIX.replace('series = "VIX"\nmeasure = "level"', 'of = "XOM"\nmeasure = "moving_average"\nwindow = 200')
    rules = policy(watching.replace("< 20", "> 0.0").replace("> 25", "< -0.02"))
    market = seen(where, rules, date(2018, 12, 27))
    own = seen(where, policy('kind = "equal"', '"XOM"'), date(2018, 12, 27))
    kept = {str(d): c for d, c in zip(market.sessions, market.watched["XOM"], strict=True)}
    assert all(kept[str(d)] == c for d, c in zip(own.sessions, own.closes[:, 0], strict=True))
    decision = decide.trial(where, rules, date(2018, 12, 27))
    assert set(decision.weights) == {"KO", "PG"}


FACTOR = 'kind = "factor"\nfactors = { quality = 1.0 }\nminimum_names = 2\nselect = 0.5'


@pytest.fixture(scope="module")
def filed(where) -> Settings:
    if not (SHARED / "edgar").is_dir():
        pytest.skip(f"no recordings at {SHARED} (TRIMTAB_SHARED_DATA)")
    file = SHARED / "edgar" / "companyfacts_CIK0000320193_AAPL.json.gz"
    ingest.ingest(where, fetch.Batch("fundamentals", "edgar", file, symbols=("AAPL",)), NOW)
    return where


@pytest.mark.shared
def test_ratios_are_the_newest_known_and_a_missing_filing_is_said(filed):
    rules = policy(FACTOR, '"AAPL", "KO"', "smart_beta")
    market = seen(filed, rules, date(2018, 6, 1))
    apple = market.ratio("return_on_equity")[0]
    assert 0.35 < apple < 0.45  # twelve months to March 2018 on the mean of two years' equity, by the 10-Q of May 2, 2018
    assert np.isnan(market.ratio("return_on_equity")[1])
    assert np.isnan(market.ratios["return_on_equity"][:-15]).all(), "only the newest sessions are read where no more is needed"
    assert market.stale["fundamentals"].endswith("is known of KO")
    later = seen(filed, rules, date(2018, 12, 27)).ratio("return_on_equity")[0]
    assert later != apple
    with doors.open_lake(filed) as lake:
        times = hours(date(2018, 6, 1))
        again = market_at(lake, rules, times, times.moment(30), lake.snapshot())
    assert again.ratio("return_on_equity")[0] == apple, "what was filed later changes nothing that was known then"


VALUED = """kind = "signal"
base = { AAPL = 0.5, KO = 0.3 }
[[strategy.rule]]
symbols = ["AAPL", "KO"]
ratio = "return_on_equity"
measure = "z_score"
window = 252
"""


def of_apple(where: Settings, session: date) -> pd.Series:
    """return_on_equity at each of Apple's bars before the session, as the warehouse tells it."""
    times = hours(session)
    with doors.open_lake(where) as lake, lake.at(lake.snapshot()) as reader:
        found = reader.indicators(["AAPL"], ["return_on_equity"], times.moment(30), until=times.previous)
    return pd.Series(found.values["return_on_equity"], index=pd.DatetimeIndex(found.session))


@pytest.mark.shared
@pytest.mark.parametrize("session", [date(2018, 6, 1), date(2018, 12, 27)])
def test_a_ratio_beside_its_own_past_is_that_of_the_warehouse(filed, session):
    told = of_apple(filed, session).dropna()
    z = ((told - told.rolling(252).mean()) / told.rolling(252).std()).iloc[-1]
    assert abs(z) > 0.1
    rules = policy(VALUED + "slope = 0.1", '"AAPL", "KO"')
    market = seen(filed, rules, session)
    wish = rules.strategy.rule.wish(shown(rules, market, {}, rules.constraints, capped=False))
    assert wish.weights["AAPL"] == pytest.approx(0.5 * (1 + 0.1 * z), rel=1e-9)
    assert wish.weights["KO"] == 0.3
    assert "z_score return_on_equity is unknown, so left as it is" in wish.reasons["KO"]
    decision = decide.trial(filed, rules, session)
    assert f"z_score return_on_equity is {z:.4g}" in " ".join(line.reason for line in decision.plan.lines)


@pytest.mark.shared
def test_the_past_of_a_ratio_is_as_it_was_known_then(filed):
    """Each earlier market saw what the later one shows of that day, restated since or not."""
    replayed = policy(VALUED + 'enter = "> 1"\nexit = "< -1"', '"AAPL", "KO"')
    late = seen(filed, replayed, date(2018, 12, 27))
    whole = late.ratios["return_on_equity"][:, 0]
    assert len(np.unique(whole[np.isfinite(whole)])) > 12, "quarters of several years"
    for session in (date(2015, 4, 28), date(2017, 11, 6), date(2018, 6, 1)):
        early = seen(filed, replayed, session).ratios["return_on_equity"][:, 0]
        np.testing.assert_array_equal(early, whole[: len(early)])
        assert np.isfinite(early[-1])
    told = of_apple(filed, date(2018, 12, 27))
    np.testing.assert_array_equal(whole, told.reindex(pd.DatetimeIndex(late.sessions)))


@pytest.mark.shared
def test_no_more_of_a_ratio_is_read_than_is_looked_at(filed):
    whole = seen(filed, policy(VALUED + 'enter = "> 1"\nexit = "< -1"', '"AAPL", "KO"'), date(2018, 12, 27))
    part = seen(filed, policy(VALUED + "slope = 0.1", '"AAPL", "KO"'), date(2018, 12, 27))
    asked = policy(VALUED + "slope = 0.1", '"AAPL", "KO"').strategy.rule.needs().ratio_sessions
    panels = [market.ratios["return_on_equity"][:, 0] for market in (whole, part)]
    np.testing.assert_array_equal(panels[1][-asked - 1 :], panels[0][-asked - 1 :])
    assert np.isfinite(panels[0]).sum() > np.isfinite(panels[1]).sum() + 252
