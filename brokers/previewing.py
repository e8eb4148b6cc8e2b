"""The broker's own word on what an order would do to the margin, asked before it is sent, and no longer than is bearable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from brokers.reconcile import Desk
from brokers.tickets import priced, ticket
from portfolio.errors import Refused
from portfolio.orders import GateView
from portfolio.orders.gate import wants_preview
from portfolio.types import PlanLine

BEAT = 0.25  # seconds between two looks at the trading state while the broker is waited for


class Previews:
    """Those of one entry into one plan. A broker that was silent once is not asked again: each silence costs ten seconds.

    terms: (account, order type).
    """

    def __init__(self, desk: Desk, terms: tuple[str, str]) -> None:
        self._desk, self._terms = desk, terms
        self._silence = ""  # what was left unanswered

    async def of(self, line: PlanLine, view: GateView, may_go_on: Callable[[], object]) -> GateView:
        """The view with the broker's word on the order's margin, where the policy has a margin account; `may_go_on` is asked all
        the while, and raises where the account may trade no more.
        """
        if not wants_preview(line, view) or line.symbol not in view.contracts or not priced(line, view):
            return view
        if self._silence:
            own = "so it was not asked about the rest of this plan, of which nothing that opens a position is sent"
            return replace(view, no_preview=f"{self._silence.removesuffix('.')}, {own}")
        asked = asyncio.ensure_future(self._desk.broker.what_if(ticket(line, f"{line.ref}#preview", 0, view, self._terms)))
        try:
            while not (await asyncio.wait({asked}, timeout=BEAT))[0]:
                may_go_on()
        finally:
            asked.cancel()
        try:
            return replace(view, preview=asked.result())
        except Refused as no:
            self._silence = no.what if no.facts.get("silent") else ""
            return replace(view, no_preview=no.what)
