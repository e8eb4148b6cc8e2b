"""The laws of two times: what was known stays known, and the order of loading does not matter."""

from __future__ import annotations

from datetime import date
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from warehouse_rows import load, macro, when

from warehouse.extensions import connect
from warehouse.merge import Merged

_NAMES = count()
VALUES = st.sampled_from([1.0, 2.0, 3.0, None])
LOADS = st.lists(st.tuples(st.integers(0, 9), VALUES), min_size=1, max_size=5)  # (known on day, value)
QUICK = settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
DAY = date(2020, 1, 1)


@pytest.fixture(scope="module")
def other(shared_lake):
    """Somebody else's DuckDB with the lake attached under a name of its own."""
    with connect(("ducklake", "sqlite_scanner")) as con:
        shared_lake.attach(con, "theirs", read_only=True)
        yield con


def known(other, series, day):
    """The value as known at the end of a day, None where nothing was; `(None,)` is a known absence."""
    other.execute(f"SET VARIABLE as_known_at = '{when(day, 1).isoformat()}'::TIMESTAMPTZ")
    rows = other.execute("SELECT value FROM theirs.macro WHERE series = ?", [series]).fetchall()
    assert len(rows) <= 1
    return rows[0] if rows else None


@QUICK
@given(LOADS)
def test_a_revision_never_changes_what_was_known_before_it_was_loaded(shared_lake, other, loads):
    series, told = f"S{next(_NAMES)}", {}
    for loaded_on, (known_on, value) in enumerate(loads, 20):
        seen = {day: known(other, series, day) for day in range(0, loaded_on, 4)}
        merged = load(shared_lake, "macro", [macro(series, DAY, value, when(known_on))], at=when(loaded_on))
        for day, before in seen.items():
            now = known(other, series, day)
            later = bool(told) and known_on > max(told)
            assert now == before or merged.added or later, f"day {day} changed"
        if merged.added or merged.revised:  # what was said before and is said again later is known since it was said first
            told[max(known_on, *told) if told else known_on] = value
        assert known(other, series, loaded_on) == (value,), "the newest word is shown"


@QUICK
@given(LOADS)
def test_merging_twice_is_merging_once(shared_lake, loads):
    series = f"S{next(_NAMES)}"
    for loaded_on, (known_on, value) in enumerate(loads, 20):
        load(shared_lake, "macro", [macro(series, DAY, value, when(known_on))], at=when(loaded_on))
        snapshot = shared_lake.snapshot()
        again = load(shared_lake, "macro", [macro(series, DAY, value, when(known_on))], at=when(loaded_on, 5))
        assert again == Merged(0, 0, 1)
        assert shared_lake.snapshot() == snapshot


@QUICK
@given(st.dictionaries(st.integers(0, 9), VALUES, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_vintages_may_come_in_any_order(shared_lake, other, vintages, random):
    pairs = list(vintages.items())
    random.shuffle(pairs)
    ordered, shuffled = f"S{next(_NAMES)}", f"S{next(_NAMES)}"
    load(shared_lake, "macro", [macro(ordered, DAY, v, when(k)) for k, v in vintages.items()], at=when(20), vintages=True)
    for loaded_on, (known_on, value) in enumerate(pairs, 20):
        load(shared_lake, "macro", [macro(shuffled, DAY, value, when(known_on))], at=when(loaded_on), vintages=True)
    for day in (0, 2, 4, 6, 9):
        wanted = [vintages[k] for k in sorted(vintages) if k <= day]
        assert known(other, ordered, day) == ((wanted[-1],) if wanted else None)
        assert known(other, shuffled, day) == known(other, ordered, day)


def test_a_vintage_that_says_the_same_again_is_kept_and_is_no_revision(lake, other):
    """It must stay: an older vintage that comes later may stand between the two."""
    first = load(lake, "macro", [macro("A", DAY, 1.0, when(1)), macro("A", DAY, 1.0, when(3))], at=when(20), vintages=True)
    assert first == Merged(added=1, revised=0, unchanged=1)
    assert load(lake, "macro", [macro("A", DAY, 1.0, when(5))], at=when(21), vintages=True) == Merged(0, 0, 1)
    assert load(lake, "macro", [macro("A", DAY, 2.0, when(2))], at=when(22), vintages=True) == Merged(0, 1, 0)
    assert load(lake, "macro", [macro("A", DAY, 2.0, when(2))], at=when(23), vintages=True) == Merged(0, 0, 1)
    sql = "SELECT value FROM macro WHERE series = 'A'"
    assert [lake.query(sql, when(day))[1] for day in (1, 2, 3, 5)] == [[(1.0,)], [(2.0,)], [(1.0,)], [(1.0,)]]


@QUICK
@given(st.lists(st.tuples(st.integers(0, 5), VALUES), min_size=1, max_size=6, unique_by=lambda pair: pair[0]))
def test_batches_of_increasing_known_at_show_the_last(shared_lake, other, loads):
    series = f"S{next(_NAMES)}"
    for known_on, value in sorted(loads, key=lambda pair: pair[0]):
        load(shared_lake, "macro", [macro(series, DAY, value, when(known_on))], at=when(50))
    assert known(other, series, 60) == (max(loads, key=lambda pair: pair[0])[1],)
