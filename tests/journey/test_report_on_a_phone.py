"""The report of a leveraged, hedged account in a browser, at the width of a desk and of a phone."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from terminal import ROOT

from tasks import decide, doors, fetch, ingest, report, trade
from tasks.gateway import running_gateway
from tasks.settings import settings

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NOW = datetime(2023, 1, 2, tzinfo=UTC)
TODAY = date(2022, 12, 28)
LOOK = """
for (const one of document.querySelectorAll("details")) one.open = true;
const tables = [...document.querySelectorAll("table.fold")].map(table => ({
  heads: [...table.querySelectorAll("th")].map(head => head.textContent),
  rows: [...table.querySelectorAll("tbody tr")].map(row => [...row.children].map(cell => ({
    label: getComputedStyle(cell, "::before").content, text: cell.innerText.trim(), bar: cell.className === "bar",
    right: cell.getBoundingClientRect().right }))),
}));
const wide = [...document.querySelectorAll(".wide")].filter(one => one.scrollWidth > one.clientWidth).map(one => one.innerText);
const told = { width: innerWidth, page: document.documentElement.scrollWidth, wide: wide, tables: tables };
parent.postMessage("LOOKED" + JSON.stringify(told) + "LOOKED", "*");
"""
FRAME = """<body><iframe src="{name}" style="border: 0; width: {width}px; height: 2000px"></iframe>
<script>onmessage = told => document.body.append(told.data)</script></body>"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a day on which the policy was decided and traded at the simulated gateway."""
    where = settings({"TRIMTAB_HOME": str(tmp_path_factory.mktemp("phone") / "home")})
    ingest.ingest(where, fetch.Batch("prices", "sample"), NOW)
    text = (ROOT / "examples" / "leveraged-hedged.toml").read_text(encoding="utf-8")
    (where.home / "policy.toml").write_text(text.replace('mode = "paper"', 'mode = "paper"\nquiet_seconds = 1'), encoding="utf-8")
    policy = doors.read_policy(where.home / "policy.toml")
    with running_gateway(where, TODAY) as port:
        here = replace(where, ib_port=port)
        proposal = decide.propose(here, policy, TODAY, NOW)
        trade.trade(here, proposal.plan)
        trade.close_books(here, policy, NOW)
    return report.write(where, proposal.decision)


def looked(page: Path, width: int, folder: Path) -> dict:
    """What a browser shows in a frame of that width (its window has a least one). The copy may run a script, which the report
    itself forbids.
    """
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
    (folder / "copy.html").write_text(text.replace("</body>", f"<script>{LOOK}</script></body>"), encoding="utf-8")
    frame = folder / "frame.html"
    frame.write_text(FRAME.format(name="copy.html", width=width), encoding="utf-8")
    words = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
    words += ["--disable-component-update", f"--user-data-dir={folder / 'profile'}", "--window-size=1400,2200", "--dump-dom"]
    words += ["--virtual-time-budget=5000", frame.as_uri()]
    done = subprocess.run([str(CHROMIUM), *words], capture_output=True, text=True, timeout=120, check=False)
    found = done.stdout.split("LOOKED")
    assert len(found) == 3, done.stderr[-2000:]
    told: dict = json.loads(html.unescape(found[1]))
    return told


def test_on_a_phone_every_figure_has_its_label_and_nothing_is_cut_off(page: Path, tmp_path: Path) -> None:
    seen = looked(page, 390, tmp_path)
    assert seen["width"] == 390
    assert seen["page"] <= 390
    assert seen["wide"] == [], "no table is wider than the phone"
    assert {"Figure", "Hedge", "Order", "Rule", "Scenario", "Symbol"} <= {table["heads"][0] for table in seen["tables"]}
    for table in seen["tables"]:
        for row in table["rows"]:
            for head, cell in zip(table["heads"], row, strict=True):
                assert cell["bar"] or not cell["text"] or cell["label"].strip('"').removesuffix(": ") == head, (head, cell)
                assert cell["right"] <= 390, (head, cell)


def test_on_a_desk_the_heads_of_the_columns_are_enough(page: Path, tmp_path: Path) -> None:
    seen = looked(page, 1280, tmp_path)
    assert (seen["width"], seen["wide"]) == (1280, [])
    labels = {cell["label"] for table in seen["tables"] for row in table["rows"] for cell in row}
    assert labels <= {"none", "normal"}


def test_the_stresses_name_their_worst_lines_and_unfold_their_proxies(page: Path, tmp_path: Path) -> None:
    seen = looked(page, 1280, tmp_path)
    (table,) = [table for table in seen["tables"] if table["heads"][0] == "Scenario"]
    told = {row[0]["text"]: [cell["text"] for cell in row] for row in table["rows"]}
    assert re.search(r"worst lines: \w+ \d+\.\d\d%, \w+ \d+\.\d\d%, \w+ \d+\.\d\d%; best: QUAL gains", told["equities-20"][-1])
    assert re.search(r"\w+, \w+, \w+ and \d+ others by the worse of beta and own 2022", told["rates-up"][-1])
    unfolded = told["rates-up"][-1].split("All that are proxied", 1)[1]
    assert unfolded.count(",") >= 8
