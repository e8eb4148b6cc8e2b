"""Charts as inline SVG: text stays text and takes the page's colour, so that they read in light and in dark."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import numpy as np

from portfolio.reports.facts import Hindsight
from portfolio.types import FloatArray

INK = "#010203"  # replaced by currentColor
BLUE, ORANGE, GREY = "#3b82c4", "#d9822b", "#8a8f98"
PALETTE = (BLUE, ORANGE, "#4c9f70", "#b0569b", "#c9a227", "#5bb0ba", "#c2574a", "#7b6fd0", "#7f9c3b", "#a6785a")
REST = {"others": "#4a5663", "cash": GREY}


@contextmanager
def _drawing(height: float) -> Iterator[tuple[Any, list[str]]]:
    """Axes to draw on, and a list that holds the SVG once the block has ended."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    style: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "trimtab", "font.size": 11, "font.family": "sans-serif"}
    style["text.parse_math"] = False  # a dollar sign is a dollar sign
    colours: dict[Any, Any] = dict.fromkeys(
        ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK
    )
    out: list[str] = []
    with rc_context({**style, **colours, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(6.4, height), layout="constrained")
        figure.patch.set_alpha(0.0)
        axes = figure.add_subplot()
        axes.patch.set_alpha(0.0)
        axes.grid(True, alpha=0.25, linewidth=0.6)
        axes.set_axisbelow(True)
        yield axes, out
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        out.append(_inline(buffer.getvalue()))


def _inline(svg: str) -> str:
    """Only the element itself, as wide as its column."""
    body = svg[svg.index("<svg") :].replace(INK, "currentColor")
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    return re.sub(r'<svg ([^>]*?)width="[^"]*" ?', r"<svg \1", re.sub(r'height="[\d.]+pt" ', "", body, count=1), count=1)


def equity_chart(points: Sequence[tuple[str, Decimal]], currency: str) -> str:
    """The account's equity at each session's end."""
    with _drawing(2.6) as (axes, out):
        places = range(len(points))
        axes.plot(places, [float(value) for _, value in points], color=BLUE, marker="o", markersize=4, linewidth=1.8)
        _label(axes, [label for label, _ in points])
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set_ylabel(f"equity, {currency}")
        axes.margins(y=0.3)
    return out[0]


def weights_over_time(points: Sequence[tuple[str, Mapping[str, float]]]) -> str:
    """One stacked bar a session: the ten largest names, all others, cash; what is sold short and a loan stand below zero."""
    parts = _parts([weights for _, weights in points])
    with _drawing(3.4) as (axes, out):
        above, below = np.zeros(len(points)), np.zeros(len(points))
        for number, (name, values) in enumerate(parts):
            colour = REST.get(name.partition(",")[0], PALETTE[number % len(PALETTE)])
            axes.bar(range(len(points)), values, bottom=np.where(values < 0, below, above), color=colour, label=name, width=0.7)
            above, below = above + np.maximum(values, 0.0), below + np.minimum(values, 0.0)
        if below.min(initial=0.0) < -1e-9:
            axes.axhline(0.0, color=INK, linewidth=0.8)
        _label(axes, [label for label, _ in points])
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=10)
    return out[0]


def _parts(books: Sequence[Mapping[str, float]]) -> list[tuple[str, FloatArray]]:
    """(name, weight at each session) of the ten largest of the last book, of all others together, and of cash."""
    last = books[-1] if books else {}
    names = sorted(sorted(last, key=lambda s: -abs(last[s]))[:10], key=lambda s: last[s] < 0)
    parts = [(s, np.array([w.get(s, 0.0) for w in books])) for s in names]
    others = np.array([sum(v for s, v in w.items() if s not in names) for w in books])
    cash = 1.0 - np.array([sum(w.values()) for w in books])
    parts += [("others", others)] if np.abs(others).max(initial=0.0) > 1e-9 else []
    return [*parts, ("cash, below zero owed" if cash.min(initial=0.0) < -1e-9 else "cash", cash)]


def drift_chart(held: Mapping[str, float], wished: Mapping[str, float], after: Mapping[str, float]) -> str:
    """What was held, what was decided and what is held now, name by name."""
    names = [
        s for s in sorted(wished, key=lambda s: -wished[s]) if any(abs(book.get(s, 0.0)) > 1e-6 for book in (held, wished, after))
    ]
    with _drawing(max(1.6, 0.42 * len(names) + 0.8)) as (axes, out):
        places = np.arange(len(names))
        axes.barh(places - 0.27, [held.get(s, 0.0) for s in names], height=0.25, color=GREY, label="held before")
        axes.barh(places, [wished[s] for s in names], height=0.25, color=BLUE, label="decided")
        axes.barh(places + 0.27, [after.get(s, 0.0) for s in names], height=0.25, color=ORANGE, label="held after")
        axes.set_yticks(places, names)
        axes.invert_yaxis()
        axes.xaxis.set_major_formatter(lambda value, _: f"{value * 100:g}%")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12 if len(names) > 8 else -0.3), ncols=3, frameon=False)
    return out[0]


def hindsight_chart(past: Hindsight) -> str:
    """The decided weights over the past beside the benchmark, both from 1."""
    with _drawing(2.8) as (axes, out):
        axes.plot(past.sessions, past.portfolio, color=BLUE, linewidth=1.5, label="decided weights")
        if np.isfinite(past.benchmark).any():
            axes.plot(past.sessions, past.benchmark, color=GREY, linewidth=1.2, label=past.benchmark_name)
        axes.legend(loc="upper left", frameon=False)
        axes.set_ylabel("wealth of 1")
        axes.tick_params(axis="x", labelrotation=30)
    return out[0]


def _label(axes: Any, labels: Sequence[str]) -> None:
    step = max(len(labels) // 6, 1)
    axes.set_xticks(list(range(0, len(labels), step)), list(labels[::step]))
