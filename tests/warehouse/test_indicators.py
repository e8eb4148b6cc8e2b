"""Indicators of prices against pandas, scipy and plain loops, and the laws that every one of them keeps."""

from __future__ import annotations

import math
from datetime import date, timedelta
from itertools import count

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from scipy import stats
from warehouse_rows import NOW, load, price, when

from portfolio.errors import WrongUse
from portfolio.measures import max_drawdown
from warehouse.indicators import INDICATORS

_COUNT = count()
NAMES = list(INDICATORS)
ALONE = [name for name in NAMES if name != "beta_252d"]
UNSCALED = [name for name in ALONE if name not in {"average_dollar_volume_20d", "amihud_21d"}]


def weekdays(first, many):
    return [day for day in (first + timedelta(days=n) for n in range(2 * many)) if day.weekday() < 5][:many]


DAYS = weekdays(date(2018, 1, 1), 420)


def walk(seed, many=420, start=50.0):
    """open, high, low, close, volume of a random walk that gaps over night."""
    rng = np.random.default_rng(seed)
    close = start * np.exp(np.cumsum(rng.normal(0, 0.02, many)))
    opened = close * np.exp(rng.normal(0, 0.01, many))
    high = np.maximum(opened, close) * (1 + rng.uniform(0, 0.01, many))
    low = np.minimum(opened, close) * (1 - rng.uniform(0, 0.01, many))
    return pd.DataFrame({"high": high, "low": low, "close": close, "volume": rng.uniform(1e5, 1e6, many)}, index=DAYS[:many])


def stored(lake, name, bars, **more):
    rows = [price(name, day, bar["close"], **(bar.drop("close").to_dict() | more)) for day, bar in bars.iterrows()]
    load(lake, "prices", rows)


def asked(lake, symbols, names=ALONE, known=NOW, **how):
    """A frame a symbol: sessions by names."""
    with lake.at(lake.snapshot()) as reader:
        found = reader.indicators(symbols, names, known, **how)
    whole = pd.DataFrame(dict(found.values), index=pd.Index(found.session.astype(object), name="session"))
    return {symbol: whole[found.symbol == n] for n, symbol in enumerate(found.symbols)}


# -------------------------------------------------------------------- the same, by others
def corwin_schultz(bars):
    """Corwin and Schultz (2012), equations 8 to 18, two days at a time."""
    out = [math.nan]
    for (_, one), (_, two) in zip(bars.iloc[:-1].iterrows(), bars.iloc[1:].iterrows(), strict=True):
        high, low = two.high, two.low
        if low > one.close:
            high, low = high - (low - one.close), one.close
        elif high < one.close:
            high, low = one.close, low + (one.close - high)
        beta = math.log(one.high / one.low) ** 2 + math.log(high / low) ** 2
        gamma = math.log(max(one.high, high) / min(one.low, low)) ** 2
        k = 3 - 2 * math.sqrt(2)
        alpha = (math.sqrt(2 * beta) - math.sqrt(beta)) / k - math.sqrt(gamma / k)
        out.append(max(0.0, 2 * (math.exp(alpha) - 1) / (1 + math.exp(alpha))))
    return pd.Series(out, index=bars.index)


def theirs(bars, market):
    close, volume, gain = bars.close, bars.volume, bars.close.pct_change(fill_method=None)
    change, dollars, market_gain = close.diff(), bars.close * bars.volume, market.close.pct_change(fill_method=None)
    ups, downs = change.clip(lower=0).rolling(14).mean(), -change.clip(upper=0).rolling(14).mean()
    slopes = [
        stats.linregress(market_gain[n - 251 : n + 1], gain[n - 251 : n + 1]).slope if n >= 252 else math.nan
        for n in range(len(bars))
    ]
    falls = [max_drawdown(gain[n - 250 : n + 1].to_numpy()) if n >= 251 else math.nan for n in range(len(bars))]
    return pd.DataFrame(
        {
            **{f"return_{n}d": close.pct_change(n, fill_method=None) for n in (1, 21, 63, 252)},
            "momentum_12_1": close.shift(21) / close.shift(252) - 1,
            **{f"volatility_{n}d": gain.rolling(n).std(ddof=1) * math.sqrt(252) for n in (21, 63, 252)},
            "beta_252d": slopes,
            "drawdown": 1 - close / close.cummax(),
            "max_drawdown_252d": falls,
            "average_volume_20d": volume.rolling(20).mean(),
            "average_dollar_volume_20d": dollars.rolling(20).mean(),
            "amihud_21d": (gain.abs() / dollars).rolling(21).mean(),
            "spread_corwin_schultz_21d": corwin_schultz(bars).rolling(21).mean(),
            "moving_average_50_200": close.rolling(50).mean() / close.rolling(200).mean(),
            "rsi_14": 100 - 100 / (1 + ups / downs),
        }
    )


@pytest.fixture(scope="module")
def three(shared_lake):
    """Three symbols and a market, of which nothing is missing."""
    bars = {name: walk(seed) for seed, name in enumerate(("X", "Y", "Z", "MARKET"))}
    for name, each in bars.items():
        stored(shared_lake, name, each)
    return bars


def test_every_indicator_is_what_pandas_and_scipy_say(shared_lake, three):
    found = asked(shared_lake, ["Y", "X"], NAMES, benchmark="MARKET")
    for name in ("X", "Y"):
        expected = theirs(three[name], three["MARKET"])
        for column in NAMES:
            ours, other = found[name][column].to_numpy(), expected[column].to_numpy()
            assert np.isfinite(other).sum() > 150, column
            np.testing.assert_allclose(ours, other, rtol=1e-9, atol=1e-13, err_msg=f"{name} {column}")


def test_nothing_depends_on_where_one_begins_to_look(shared_lake, three):
    late = DAYS[-15]
    whole, tail = (asked(shared_lake, ["X"], NAMES, benchmark="MARKET", since=since)["X"] for since in (None, late))
    assert tail.index[0] == late
    assert_frame_equal(whole.loc[late:], tail, rtol=1e-11, atol=1e-15)
    quick = asked(shared_lake, ["X"], ["volatility_252d"], since=late, until=DAYS[-5])["X"]
    assert_frame_equal(whole.loc[late : DAYS[-5], ["volatility_252d"]], quick, rtol=1e-11, atol=1e-15)


def test_the_order_of_symbols_and_who_else_is_asked_change_nothing(shared_lake, three):
    ways = [asked(shared_lake, order) for order in (["X", "Y", "Z"], ["Z", "X", "Y"], ["X"])]
    for way in ways[1:]:
        for name, frame in way.items():
            assert_frame_equal(ways[0][name], frame, rtol=1e-11, atol=1e-15)


def test_the_stored_view_and_the_reader_are_one_definition(shared_lake, three):
    names, rows = shared_lake.query(f"SELECT session, {', '.join(ALONE)} FROM indicators WHERE instrument = 'X' ORDER BY session")
    view = pd.DataFrame(rows, columns=names).set_index("session").astype(float)
    assert_frame_equal(view, asked(shared_lake, ["X"])["X"], rtol=1e-11, atol=1e-15)


# -------------------------------------------------------------------- what is missing
def test_a_bar_without_a_price_makes_every_window_that_holds_it_unknown(lake):
    bars, hole = walk(5), 300
    bars.iloc[hole, bars.columns.get_loc("close")] = np.nan
    stored(lake, "A", bars.astype(object).where(bars.notna(), None))
    found = asked(lake, ["A"])["A"].iloc[hole:]
    unknown = {name: int(np.argmax(np.isfinite(found[name].to_numpy()))) for name in ALONE if np.isfinite(found[name]).any()}
    expected = {"return_1d": 2, "return_21d": 1, "return_63d": 1, "volatility_21d": 22, "volatility_63d": 64, "drawdown": 1}
    assert unknown["momentum_12_1"] == 0, "it is made of the bars 21 and 252 before"
    assert {name: unknown[name] for name in expected} == expected
    assert unknown["average_volume_20d"] == 0, "its volume is known"
    assert (unknown["amihud_21d"], unknown["rsi_14"]) == (22, 15)
    spread = np.isfinite(found["spread_corwin_schultz_21d"])
    assert spread[:23].tolist() == [True] + [False] * 21 + [True], "a spread is of two ranges and the close between them"
    assert not np.isfinite(found[["volatility_252d", "max_drawdown_252d", "moving_average_50_200"]].to_numpy()).any()
    assert math.isnan(found["return_21d"].iloc[21]) and math.isnan(found["return_63d"].iloc[63]), "nor can one count from it"


@pytest.mark.parametrize("bad", [0.0, -5.0, math.inf])
def test_a_price_that_is_none_is_missing(lake, bad):
    stored(lake, "A", walk(5, 40).assign(close=lambda b: b.close.where(b.index != DAYS[30], bad)))
    found = asked(lake, ["A"], ["return_1d", "volatility_21d", "drawdown", "rsi_14"])["A"]
    assert np.isnan(found.iloc[30:32, 0]).all() and np.isnan(found.iloc[30:, 1]).all()
    assert np.isfinite(found.iloc[31, 2]) and np.isnan(found.iloc[30:, 3]).all()


def test_a_session_that_is_not_there_is_seen_with_the_exchanges_calendar_and_a_long_gap_without(lake):
    gone = [*range(40, 41), *range(100, 120)]
    stored(lake, "A", walk(5, 200).drop([DAYS[n] for n in gone]))
    names = ["return_1d", "return_21d", "volatility_21d"]
    blind, seeing = asked(lake, ["A"], names)["A"], asked(lake, ["A"], names, sessions=DAYS)["A"]
    assert blind.index.equals(seeing.index), "no row is made up"
    assert np.isfinite(blind.loc[DAYS[41], "return_1d"]) and np.isnan(seeing.loc[DAYS[41], "return_1d"])
    assert np.isnan(blind.loc[DAYS[120], "return_1d"]), "four weeks are no day"
    assert np.isnan(seeing.loc[DAYS[41] : DAYS[61], "volatility_21d"]).all()
    assert np.isfinite(seeing.loc[DAYS[62], "volatility_21d"])
    assert np.isnan(blind.loc[DAYS[120] : DAYS[130]]["return_21d"]).all()
    assert seeing.loc[DAYS[60], "return_21d"] == pytest.approx(walk(5).close[DAYS[60]] / walk(5).close[DAYS[39]] - 1)


def test_what_was_traded_is_unknown_of_adjusted_prices_and_without_volume(lake):
    stored(lake, "A", walk(5, 40), adjustment="adjusted")
    stored(lake, "B", walk(5, 40).drop(columns=["volume", "high"]))
    names = ["return_21d", "average_volume_20d", "average_dollar_volume_20d", "amihud_21d", "spread_corwin_schultz_21d"]
    known = {name: np.isfinite(frame).any().to_dict() for name, frame in asked(lake, ["A", "B"], names).items()}
    assert known["A"] == dict(zip(names, [True, True, False, False, True], strict=True))
    assert known["B"] == dict(zip(names, [True, False, False, False, False], strict=True))


def test_a_price_that_stands_still_has_no_strength_and_a_market_that_does_no_beta(lake):
    flat = walk(5, 300).assign(close=10.0, high=10.0, low=10.0)
    stored(lake, "A", flat)
    stored(lake, "B", walk(6, 300))
    found = asked(
        lake, ["A", "B"], ["rsi_14", "volatility_21d", "drawdown", "beta_252d", "spread_corwin_schultz_21d"], benchmark="A"
    )
    assert np.isnan(found["A"]["rsi_14"]).all() and np.isnan(found["B"]["beta_252d"]).all()
    assert (
        found["A"]["volatility_21d"].iloc[30],
        found["A"]["drawdown"].iloc[30],
        found["A"]["spread_corwin_schultz_21d"].iloc[30],
    ) == (0, 0, 0)


def test_an_indicator_nobody_knows_is_refused_by_name(lake):
    stored(lake, "A", walk(5, 3))
    for names, how, said in (
        (["beauty"], {}, "no indicator 'beauty'. There are return_1d"),
        (["return_1d", "return_1d"], {}, "asked for twice"),
        (["beta_252d"], {}, "Beta was asked for without a benchmark"),
    ):
        with pytest.raises(WrongUse, match=said):
            asked(lake, ["A"], names, **how)
    assert len(asked(lake, ["A"], [])["A"]) == 3


# -------------------------------------------------------------------- laws
LAWS = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
SHORT = [
    "return_1d",
    "return_21d",
    "volatility_21d",
    "drawdown",
    "average_volume_20d",
    "amihud_21d",
    "spread_corwin_schultz_21d",
    "rsi_14",
]


@LAWS
@given(st.integers(0, 2**32 - 1), st.integers(30, 59))
def test_the_future_cannot_matter(shared_lake, seed, cut):
    """Bars after the cut are scrambled and bars before it revised later; read as known at the cut, nothing moves."""
    names, bars = [f"F{next(_COUNT)}", f"F{next(_COUNT)}"], walk(seed, 60)
    known = when(0) + (DAYS[cut] - date(2020, 1, 1)) + timedelta(hours=23)
    stored(shared_lake, names[0], bars)
    scrambled = bars.copy()
    scrambled.iloc[cut + 1 :] = bars.iloc[cut + 1 :].sample(frac=1, random_state=seed % 1000).to_numpy() * 3
    stored(shared_lake, names[1], scrambled)
    load(shared_lake, "prices", [price(names[1], DAYS[5], 999.0, known + timedelta(seconds=1))], at=NOW)
    one, other = (asked(shared_lake, [name], SHORT, known)[name] for name in names)
    assert len(one) == cut + 1
    assert_frame_equal(one, other, rtol=1e-11, atol=1e-15)
    late = asked(shared_lake, names, SHORT)
    assert not late[names[0]].equals(late[names[1]]), "what is known today does differ"


@LAWS
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3), st.floats(0.1, 10))
def test_scaling_prices_moves_only_what_is_measured_in_money(shared_lake, seed, scale, more):
    names, bars = [f"S{next(_COUNT)}", f"S{next(_COUNT)}"], walk(seed, 80)
    stored(shared_lake, names[0], bars)
    stored(
        shared_lake,
        names[1],
        bars.assign(high=bars.high * scale, low=bars.low * scale, close=bars.close * scale, volume=bars.volume * more),
    )
    found = asked(shared_lake, names)
    one, other = found[names[0]], found[names[1]]
    alike = [name for name in UNSCALED if name != "average_volume_20d"]
    np.testing.assert_allclose(other[alike], one[alike], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(other["average_volume_20d"], one["average_volume_20d"] * more, rtol=1e-9)
    np.testing.assert_allclose(other["average_dollar_volume_20d"], one["average_dollar_volume_20d"] * scale * more, rtol=1e-9)
    np.testing.assert_allclose(other["amihud_21d"], one["amihud_21d"] / (scale * more), rtol=1e-7)


def test_a_split_moves_nothing_but_the_count_of_shares(lake):
    """The same company, once as dealt with its split told, once as if it had always had the new shares."""
    bars = walk(9, 80)
    before = bars.index < DAYS[60]
    dealt = bars.copy()
    dealt.loc[before, ["high", "low", "close"]] *= 4
    dealt.loc[before, "volume"] /= 4
    stored(lake, "A", bars)
    stored(lake, "B", dealt)
    action = {
        "instrument": "B",
        "symbol": "B",
        "ex_session": DAYS[60],
        "kind": "split",
        "ratio": 4.0,
        "source": "test",
        "known_at": when(0),
    }
    load(lake, "corporate_actions", [action])
    found = asked(lake, ["A", "B"])
    np.testing.assert_allclose(found["B"], found["A"], rtol=1e-9, atol=1e-12)
