"""The kinds of trouble. Each message is one sentence that names the thing, then the way out."""

from __future__ import annotations

from typing import ClassVar


class Trouble(Exception):
    """What a person must hear about: `what` happened, the `way_out`, and the facts as attributes.

    `exit_code` is the exit status of a command that ends with it.
    """

    exit_code: ClassVar[int] = 4
    kind: ClassVar[str] = "broken"

    def __init__(self, what: str, way_out: str = "", **facts: object) -> None:
        super().__init__(what, way_out)
        self.what = what
        self.way_out = way_out
        self.facts = facts

    def __str__(self) -> str:
        return f"{self.what} {self.way_out}".strip()


class Refused(Trouble):
    """The data, a limit, the broker or a person said no. Never retried: a person decides."""

    exit_code = 1
    kind = "refused"


class WrongUse(Trouble):
    """The command, the policy file or a setting is wrong. Never retried."""

    exit_code = 2
    kind = "wrong use"


class Outage(Trouble):
    """Something outside did not answer (a gateway, a disk, a database). The only kind that is retried."""

    exit_code = 3
    kind = "outage"


class Broken(Trouble):
    """Our own bug, or a vendor's word that nobody has taught us yet. Stop."""

    exit_code = 4
    kind = "broken"
