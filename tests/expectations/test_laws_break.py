"""Every law's bad samples go through the real Great Expectations on the real DuckDB, and that law must fail."""

import pytest
from clean import LAST, NOWS, VENDOR, stage, stage_beside

from expectations.check import check
from expectations.context import Context
from expectations.contract import contract

DATASETS = ("prices", "fundamentals", "macro", "news", "universe", "corporate_actions")
WANTED = {
    "prices": ("AAA", "BBB", "CCC"),
    "fundamentals": ("AAA", "BBB"),
    "macro": ("VIX", "DGS10", "CORE_CPI", "GOLD"),
    "universe": ("AAA", "BBB"),
}
VINTAGES = {"universe"}  # of which a clean batch holds several versions of a fact
CASES = [
    pytest.param(dataset, law, sample, id=f"{dataset}-{law.name}-{i}")
    for dataset in DATASETS
    for law in contract(dataset).laws
    for i, sample in enumerate(law.samples)
]


def judged(cursor, dataset, spoil=None, **more):
    """The report on the clean batch, spoilt by one statement, with everything the laws can ask for at hand."""
    stage(cursor, dataset)
    stage(cursor, dataset, "clean_history")
    if dataset == "prices":
        cursor.execute("delete from clean_history where session >= '2022-10-17'")
        cursor.execute("delete from rows where session < '2022-10-17'")
        stage_beside(cursor)
        beside = {"actions": "clean_actions", "others": "clean_others", "declarations": (VENDOR,)}
        more = {"expected_session": LAST, **beside, **more}
    else:
        cursor.execute("delete from clean_history")
    if dataset == "corporate_actions":
        a_bar = "date '2019-12-31' as session, 100.0 as close"
        cursor.execute(f"create or replace temp table a_bar_each as select distinct instrument, source, {a_bar} from rows")
        more = {"prices": "a_bar_each", **more}
    more = {"symbols": WANTED.get(dataset, ()), "vintages": dataset in VINTAGES, **more}
    if spoil:
        cursor.execute(spoil.replace("{day}", contract(dataset).day))
    return check(cursor, dataset, "rows", run="test", context=Context(now=NOWS[dataset], history="clean_history", **more))


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_clean_batch_breaks_nothing(cursor, dataset):
    report = judged(cursor, dataset)
    assert {r.law: (r.status, r.note) for r in report.results if r.status != "passed"} == {}
    assert report.bad_rows == 0
    assert report.blocked == {}
    assert set(report.health.values()) == {"sound"}


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_law_has_a_sample(dataset):
    assert [law.name for law in contract(dataset).laws if not law.samples] == []


@pytest.mark.parametrize(("dataset", "law", "sample"), CASES)
def test_a_bad_sample_breaks_its_law_and_no_other(cursor, dataset, law, sample):
    report = judged(cursor, dataset, sample)
    broken = {r.law for r in report.results if r.status in {"failed", "error"}}
    assert law.name in broken
    assert broken <= {law.name, *law.also}
    mine = next(r for r in report.results if r.law == law.name)
    assert mine.status == "failed"
    assert mine.bad > 0
    taken = {name for (laws,) in cursor.execute(f"select laws from {report.bad}").fetchall() for name in laws}
    row_law = law in contract(dataset).rows
    assert (law.name in taken) == (law.takes_out and (row_law or law.name == "schema"))
    frozen = {name for laws in report.blocked.values() for name in laws}
    assert (law.name in frozen) == (law.on_breach == "block")
