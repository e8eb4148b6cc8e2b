"""The figures of docs/data-quality.md are those that the benchmark prints, and they are what is promised."""

from pathlib import Path

import pytest

from benchmarks.quality import NAMED_RIGHTLY, table, verdicts
from benchmarks.recordings import FAULTS, bad_names, folder
from expectations.contract import contract

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "data-quality.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def found():
    if not folder().is_dir():
        pytest.skip(f"the recordings are not at {folder()} (TRIMTAB_SHARED_DATA)")
    return verdicts()


@pytest.mark.shared
def test_at_least_nineteen_of_twenty_faulty_series_are_found_and_no_control_is_named(found):
    faulty = [v for v in found if v.name in FAULTS]
    controls = [v for v in found if v.name not in FAULTS]
    assert (len(faulty), len(controls)) == (27, 6)
    assert sum(v.found for v in faulty) >= 0.95 * len(faulty)
    laws = {law for _, law in FAULTS.values()}
    assert [v.name for v in controls if set(v.faulty) & laws or v.other] == []


@pytest.mark.shared
def test_no_twin_is_named_by_the_law_that_found_its_fault_and_four_by_another_for_a_fault_that_they_keep(found):
    assert [v.name for v in found if v.kept] == []
    assert {v.name: v.other for v in found if v.name in FAULTS and v.other} == NAMED_RIGHTLY


@pytest.mark.shared
def test_every_repair_that_is_proposed_is_the_twins_bar(found):
    assert sum(v.proposed for v in found) == sum(v.equal for v in found) == 63
    assert sum(v.wrong for v in found) == 108


@pytest.mark.shared
def test_the_table_in_the_docs_is_the_one_that_is_printed(found):
    assert table(found) in DOCS


@pytest.mark.shared
def test_the_set_has_sixty_files_and_a_kind_for_each_faulty_one():
    if not folder().is_dir():
        pytest.skip(f"the recordings are not at {folder()} (TRIMTAB_SHARED_DATA)")
    assert (len(bad_names(False)), len(bad_names(True))) == (33, 27)
    assert set(FAULTS) == set(bad_names(True)) <= set(bad_names(False))


def test_the_docs_explain_every_law_of_prices():
    assert [law.name for law in contract("prices").laws if f"`{law.name}`" not in DOCS] == []
