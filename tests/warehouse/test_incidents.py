"""Incidents: one a breach, never two; back when the breach is back, gone when the law holds again or a person has settled it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portfolio.errors import Refused, WrongUse
from portfolio.types import IncidentState, Judged, LawResult, Resolution
from warehouse.ledger import open_ledger

T0 = datetime(2026, 1, 5, 22, tzinfo=UTC)
DAY = date(2026, 1, 5)
YEAR = (date(2025, 1, 2), date(2026, 1, 30))  # the days of a batch, where a test does not say otherwise


def result(status="failed", symbols=("KO",), bad=1, law="no_slip", severity="critical", on_breach="quarantine", day=DAY, **more):
    days = dict.fromkeys(symbols, (day, day)) if status == "failed" else {}
    values = {
        "bad": bad if status == "failed" else 0,
        "rows": 100,
        "symbols": symbols if status == "failed" else (),
        "days": days,
    }
    return LawResult("prices", law, "A sentence.", severity, on_breach, status, **(values | more))


class Checks:
    """A ledger, and checks that come one after the other, an hour apart."""

    def __init__(self, ledger):
        self.ledger, self.number = ledger, 0

    def __call__(self, *results, judged=("KO", "PG", "XOM"), source="yahoo", span=YEAR, aside=()):
        self.number += 1
        looked = Judged(dict.fromkeys(judged, span), frozenset(aside))
        changed = self.ledger.record_validation(f"run-{self.number}", results, self.number, self.now, source, looked)
        return [(i.scope, i.state.value, i.resolution.value if i.resolution else None) for i in changed]

    @property
    def now(self):
        return T0 + timedelta(hours=self.number)

    @property
    def only(self):
        (incident,) = self.ledger.incidents(live=False)
        return incident

    def kinds(self):
        return [event.kind for event in self.ledger.incident_history(self.only.incident)]


@pytest.fixture
def check(ledger):
    return Checks(ledger)


def test_the_same_breach_opens_once(check):
    assert check(result()) == [("KO", "open", None)]
    assert check(result()) == []
    assert check.kinds() == ["opened"]
    assert (check.only.run, check.only.seen_at, check.only.opened_at) == (
        "run-2",
        T0 + timedelta(hours=2),
        T0 + timedelta(hours=1),
    )


def test_it_gets_worse_when_it_doubles(check):
    check(result(bad=2))
    assert check(result(bad=4)) == []
    assert check(result(bad=9)) == [("KO", "open", None)]
    assert check.kinds() == ["opened", "worse"]


def test_a_law_that_holds_again_resolves_it_and_a_breach_opens_it_again(check):
    check(result())
    assert check(result("passed")) == [("KO", "resolved", "passed")]
    assert check(result("passed")) == []
    assert check(result()) == [("KO", "open", None)]
    assert check.kinds() == ["opened", "resolved", "reopened"]
    assert check.only.resolution is None


def test_a_check_that_did_not_look_says_nothing(check):
    check(result())
    assert check(result("passed"), judged=("PG",)) == []
    assert check(result("unknown")) == []
    assert check(result("passed"), source="stooq") == []
    assert check(result("failed", symbols=("PG",))) == [("PG", "open", None), ("KO", "resolved", "passed")]


def days(first, last=None):
    """The span between two days of January 2026."""
    return (date(2026, 1, first), date(2026, 1, last or first))


def test_only_a_batch_that_holds_the_day_again_heals_it(check):
    check(result(on_breach="block", day=DAY))
    assert check(result("passed"), span=days(6, 9)) == [], "the days after say nothing of the fifth"
    assert check(result("passed"), span=days(1, 2)) == [], "nor do the days before"
    assert check(result("passed"), span=None) == [], "nor does a batch in which the symbol has no row"
    assert check.only.live and check.only.symbols == ("KO",)
    assert check(result("passed"), span=days(2, 6)) == [("KO", "resolved", "passed")]


def test_days_may_be_judged_again_piece_by_piece(check):
    check(result(bad=2, days={"KO": days(5, 20)}))
    assert check(result("passed"), span=days(1, 12)) == []
    assert check(result("passed"), span=days(14, 18)) == [], "the thirteenth has not been judged"
    assert check(result("passed"), span=days(10, 15)) == []
    assert check(result("passed"), span=days(16, 25)) == [("KO", "resolved", "passed")]


def test_of_many_each_is_healed_by_its_own_days(check):
    six = tuple("ABCDEF")
    check(result(symbols=six, bad=6, days={s: days(number) for number, s in enumerate(six, 5)}), judged=six)
    check(result("passed"), judged=six, span=days(1, 7))
    assert check.only.symbols == ("D", "E", "F")
    assert check(result("passed"), judged=six, span=days(8, 12)) == [("", "resolved", "passed")]


def test_a_breach_of_another_day_keeps_the_first_in_mind(check):
    check(result(day=days(5)[0]))
    check(result(day=days(9)[0]), span=days(8, 9))
    assert check(result("passed"), span=days(8, 12)) == [], "the ninth is well, the fifth is not"
    assert check(result("passed"), span=days(2, 7)) == [("KO", "resolved", "passed")]


def test_what_lies_in_quarantine_is_not_judged_by_what_the_warehouse_holds(check):
    check(result())
    assert check(result("passed"), aside=[("no_slip", "KO")]) == []
    assert check(result("passed"), aside=[("no_slip", "PG"), ("other", "KO")]) == [("KO", "resolved", "passed")]


def test_what_a_law_could_not_be_asked_of_must_be_asked_again(check):
    check(result("error", symbols=(), note="no such column"), span=days(5, 9))
    assert check(result("passed"), span=days(12, 16)) == []
    assert check(result("passed"), span=days(2, 16)) == [("", "resolved", "passed")]


def test_an_incident_of_before_days_were_kept_waits_for_its_newest_day(ledger_url):
    """A ledger as the second migration left it."""
    import sqlalchemy as sa

    with open_ledger(ledger_url) as opened:
        Checks(opened)(result())
    with sa.create_engine(ledger_url.replace("postgresql:", "postgresql+psycopg:")).begin() as con:
        con.execute(sa.text("ALTER TABLE incidents DROP COLUMN days"))
        con.execute(sa.text("ALTER TABLE executions DROP COLUMN commission_currency"))
        con.execute(sa.text("ALTER TABLE adjustments DROP COLUMN currency"))
        for table in ("openings", "equity"):
            con.execute(sa.text(f"ALTER TABLE {table} DROP COLUMN foreign_cash"))
        con.execute(sa.text("DROP TABLE resumes"))
        con.execute(sa.text("UPDATE trimtab_version SET version_num = '0002'"))
    with open_ledger(ledger_url) as again:
        check = Checks(again)
        check.number = 1
        assert (check.only.live, check.only.days) == (True, {"KO": days(5)})
        assert check(result("passed"), span=days(6, 9)) == []
        assert check(result("passed"), span=days(5, 9)) == [("KO", "resolved", "passed")]


def test_what_was_waived_stays_so_when_other_days_pass(check):
    check(result(bad=2))
    check.ledger.resolve(check.only.incident, Resolution.ACCEPTED, "ada", "we live with it", check.now)
    check(result("passed"), span=days(6, 9))
    assert check(result(bad=2)) == [], "it is the same breach still"


def test_many_at_once_are_one_incident_that_shrinks_as_they_heal(check):
    six = tuple("ABCDEF")
    assert check(result(symbols=six, bad=6), judged=six) == [("", "open", None)]
    assert check.only.symbols == six
    check(result("passed"), judged=("A", "B"))
    assert check.only.symbols == ("C", "D", "E", "F")
    assert check(result("passed"), judged=six) == [("", "resolved", "passed")]


def test_a_breach_of_the_whole_batch_concerns_everybody_in_it(check):
    check(result(symbols=(), law="mostly_good", on_breach="block", whole=True))
    assert (check.only.scope, check.only.symbols) == ("", ("KO", "PG", "XOM"))


def test_a_law_that_could_not_be_asked_is_critical_and_blocks(check):
    check(result("error", symbols=(), severity="info", on_breach="warn", note="no such column"))
    assert (check.only.severity, check.only.on_breach, check.only.symbols) == ("critical", "block", ("KO", "PG", "XOM"))
    assert "no such column" in check.only.sentence


def test_information_opens_nothing(check):
    assert check(result(severity="info")) == []
    assert check.ledger.incidents(live=False) == []


@pytest.mark.parametrize("how", [Resolution.EXPECTED, Resolution.ACCEPTED, Resolution.FALSE_POSITIVE])
def test_what_a_person_waived_stays_settled_until_it_is_another_breach(check, how):
    check(result(bad=2))
    check.ledger.resolve(check.only.incident, how, "ada", "a real fall, see the filing", check.now)
    assert check(result(bad=2)) == [], "the same rows are no news"
    assert not check.only.live
    assert check(result(bad=2, day=DAY + timedelta(days=1))) == [("KO", "open", None)], "a later day is"
    check.ledger.resolve(check.only.incident, how, "ada", "again", check.now)
    assert check(result(bad=3, day=DAY + timedelta(days=1))) == [("KO", "open", None)], "and so are more rows"


def test_what_was_fixed_opens_again_even_if_it_looks_the_same(check):
    check(result())
    check.ledger.resolve(check.only.incident, Resolution.FIXED, "ada", "vendor mended it", check.now)
    assert check(result()) == [("KO", "open", None)]


def test_a_person_takes_it_hands_it_on_and_settles_it(check):
    check(result())
    incident = check.only.incident
    assert check.ledger.acknowledge(incident, "ada", "looking", check.now).owner == "ada"
    assert check.ledger.acknowledge(incident[:5], "bob", "", check.now).owner == "bob"
    assert check(result()) == [], "acknowledged is not reopened"
    assert check.ledger.snooze(incident, date(2026, 2, 1), "bob", "", check.now).snoozed_until == date(2026, 2, 1)
    settled = check.ledger.resolve(incident, Resolution.FIXED, "bob", "loaded again", check.now)
    assert (settled.state, settled.resolution, settled.snoozed_until) == (IncidentState.RESOLVED, Resolution.FIXED, None)
    history = check.ledger.incident_history(incident)
    assert [(e.kind, e.by) for e in history] == [
        ("opened", "trimtab"), ("acknowledged", "ada"), ("acknowledged", "bob"), ("snoozed", "bob"), ("resolved", "bob"),
    ]  # fmt: skip
    assert history[-1].note == "fixed: loaded again"


def test_what_is_not_allowed_is_said(check):
    check(result())
    incident = check.only.incident
    with pytest.raises(WrongUse, match="without a note"):
        check.ledger.resolve(incident, Resolution.FIXED, "ada", "  ", check.now)
    with pytest.raises(WrongUse, match="Only a check that passes"):
        check.ledger.resolve(incident, Resolution.PASSED, "ada", "x", check.now)
    with pytest.raises(WrongUse, match="not after today"):
        check.ledger.snooze(incident, DAY, "ada", "", check.now)
    for wrong in ("ffffffffffff", incident[:2], "%", ""):
        with pytest.raises(Refused, match="names"):
            check.ledger.incident(wrong)
    check.ledger.resolve(incident, Resolution.FIXED, "ada", "x", check.now)
    with pytest.raises(Refused, match="is resolved"):
        check.ledger.acknowledge(incident, "ada", "", check.now)


def test_every_step_stands_in_the_journal(check):
    check(result())
    check.ledger.acknowledge(check.only.incident, "ada", "", check.now)
    check(result("passed"))
    kinds = [row.kind for row in check.ledger._rows()]
    assert kinds == ["validation", "incident", "incident", "validation", "incident"]
    assert check.ledger.verify().rows == 5


STEPS = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from("ABCDEFGH"), st.sets(st.integers(5, 9), min_size=1)),  # who breaks the law, on which days
        st.sets(st.sampled_from("ABCDEFGH"), min_size=1),  # who is judged
        st.tuples(st.integers(5, 9), st.integers(5, 9)).map(sorted),  # from which day to which
        st.sampled_from(["", "", Resolution.FIXED, Resolution.ACCEPTED]),
    ),
    max_size=6,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whoever_broke_the_law_when_last_judged_is_in_a_live_incident_or_waived(tmp_path_factory, steps):
    """The law of the whole: nobody sick is forgotten, nobody of whom each day was judged well at once is held."""
    ledger = open_ledger(f"sqlite:///{tmp_path_factory.mktemp('laws')}/ledger.sqlite")
    sick: dict[str, set[int]] = {}  # symbol -> days that were bad when last judged
    found: dict[str, set[int]] = {}  # symbol -> days that were ever bad since it was well as a whole
    waived: set[str] = set()
    for number, (bad, judged, (first, last), settle) in enumerate(steps):
        at, span = T0 + timedelta(hours=number), set(range(first, last + 1))
        failing = {s: bad[s] & span for s in judged if bad.get(s, set()) & span}
        told = {s: days(min(d), max(d)) for s, d in failing.items()}
        said = result(symbols=tuple(sorted(failing)), bad=len(failing), days=told) if failing else result("passed")
        ledger.record_validation(f"run-{number}", [said], number, at, "yahoo", Judged(dict.fromkeys(judged, days(first, last))))
        for s in judged:
            found[s] = found.get(s, set()) | failing.get(s, set())
            if s not in failing and found[s] <= span:
                found[s] = set()
            sick[s] = sick.get(s, set()) - span | failing.get(s, set())
        held = {s for i in ledger.incidents() for s in i.symbols}
        assert held <= {s for s, d in found.items() if d}, "nobody well is held"
        assert {s for s, d in sick.items() if d} - waived <= held, "nobody sick is forgotten"
        waived &= {s for s, d in sick.items() if d}
        if settle:
            for incident in ledger.incidents():
                ledger.resolve(incident.incident, settle, "ada", "settled", at)
                waived |= set(incident.symbols)
    ledger.close()
