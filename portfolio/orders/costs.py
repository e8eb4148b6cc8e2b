"""What a trade is expected to cost, before it is made."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


def ib_fixed_commission(quantity: Decimal, price: Decimal) -> Decimal:
    """IB Pro fixed pricing for US shares: 0.005 a share, at least 1.00, at most 1 % of the value; to the cent.

    Source: Interactive Brokers, "Commissions - Stocks - Fixed" (United States).
    """
    fee = max(quantity * Decimal("0.005"), Decimal(1))
    return min(fee, quantity * price / 100).quantize(CENT, ROUND_HALF_UP)
