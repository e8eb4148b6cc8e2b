"""What the broker answers to "what if": margins, equity and commission after an order that is not sent."""

from __future__ import annotations

import asyncio
import contextlib
from decimal import Decimal
from typing import Any

from brokers.ib import states
from brokers.ib.client import Line
from portfolio.errors import Refused
from portfolio.types import Preview

PATIENCE = 10.0  # seconds


async def heard(line: Line, request: int, what: str) -> Preview:
    """The first answer with figures: IB may send one without any before it.

    `Refused` where the broker would not take the order, and where it tells nothing, or only absurd figures (an unset one is
    1.797e308), for `PATIENCE` seconds: these carry the fact `silent`.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + min(line.timeout, PATIENCE)
    while True:
        line.check()
        line.heard.changed.clear()
        for state in line.heard.previews.get(request, ()):
            if (preview := _preview(state)) is not None:
                return preview
        if request in line.heard.errors:
            code, sentence = line.heard.errors[request]
            raise Refused(f"The broker refused {what}: {code}, {sentence}", "Correct the order, or its size.", code=code)
        if (left := deadline - loop.time()) <= 0:
            absurd = "told no figures that can be reckoned with for" if request in line.heard.previews else "left unanswered"
            raise Refused(f"The broker {absurd} {what}.", "Without its margin nothing is sent; ask again later.", silent=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(line.heard.changed.wait(), min(left, 1.0))


def _preview(state: Any) -> Preview | None:
    """None while one of the three figures is missing or absurd."""
    figures = [states.money_of(getattr(state, name)) for name in ("initMarginAfter", "maintMarginAfter", "equityWithLoanAfter")]
    initial, maintenance, equity = figures
    if initial is None or maintenance is None or equity is None or initial < 0 or maintenance < 0:
        return None
    told = getattr(state, "commission", None), getattr(state, "maxCommission", None)
    fees = (states.commission_of(fee) for fee in told if fee not in {None, ""})
    fee: Decimal | None = next((one for one in fees if one is not None), None)
    return Preview(initial, maintenance, equity, fee, state.commissionCurrency or "")
