"""Cash that came in or was taken out is dealt with at once: towards the target, and no further."""

from __future__ import annotations

from portfolio.types import RebalancePolicy, Timing, Weights


def flowed(policy: RebalancePolicy, wish: Weights, current: Weights) -> Timing | None:
    """The trade that brings cash back to what the wish leaves of it, or None where it is within `cash_band`.

    Too much cash buys what is below its target, too little sells what is above it, each in proportion to its distance: so
    a contribution or a withdrawal also brings the book closer to the target, and nothing is sold to buy something else.
    """
    excess = sum(wish.values()) - sum(current.values())  # of cash, as a fraction of equity
    if abs(excess) <= policy.cash_band:
        return None
    towards = {s: wish.get(s, 0.0) - current.get(s, 0.0) for s in {*wish, *current}}
    gaps = {s: gap for s, gap in sorted(towards.items()) if gap * excess > 0}
    room = sum(gaps.values())
    share = min(excess / room, 1.0)
    moved = {s: current.get(s, 0.0) + gaps.get(s, 0.0) * share for s in sorted(towards)}
    verb = "above" if excess > 0 else "below"
    deal = "buys what is under" if excess > 0 else "sells what is over"
    return Timing(
        True, moved, f"cash is {abs(excess):.2%} of equity {verb} its target: it {deal} its own, nothing else", "cash flow"
    )
