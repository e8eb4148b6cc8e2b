"""Whether mode, port and account agree. A paper order must never reach a live account."""

from __future__ import annotations

from portfolio.errors import Refused, WrongUse

LIVE_PORTS = (7496, 4001)  # TWS, Gateway
PAPER_PORTS = (7497, 4002)
PAPER_PREFIXES = ("DU", "DF")


def check(mode: str, port: int, account: str) -> None:
    """`Refused` unless a paper mode has a paper account and no live port, and a live mode the reverse.

    >>> check("paper", 4002, "DU1000001")
    """
    if mode not in {"paper", "live"}:
        raise WrongUse(f"There is no mode {mode!r} for a broker.", "Use paper or live.")
    is_paper = account.startswith(PAPER_PREFIXES)
    facts = {"mode": mode, "port": port, "account": account}
    if (mode == "paper") != is_paper:
        kind = "a paper" if is_paper else "a live"
        raise Refused(f"The mode is {mode} but {account} is {kind} account.", "Make the policy and the account agree.", **facts)
    if port in (LIVE_PORTS if mode == "paper" else PAPER_PORTS):
        raise Refused(
            f"The mode is {mode} but port {port} is that of the other kind of gateway.", "Correct one of them.", **facts
        )
