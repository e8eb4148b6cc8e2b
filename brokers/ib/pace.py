"""When historical bars may be asked for. Interactive Brokers' three rules; who breaks one is refused everything for a while.

- at most 60 requests in any 10 minutes;
- no identical request within 15 seconds;
- fewer than 6 requests for one contract within 2 seconds.
"""

from __future__ import annotations

import threading
from collections import deque

WINDOW, MOST = 600.0, 60
AGAIN = 15.0
BURST, SAME = 2.0, 5
MARGIN = 0.05  # seconds; the gateway's clock is not ours


class Pace:
    """The requests of one gateway, over all threads. Instants are seconds of any clock that does not go back."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._turns: deque[tuple[float, str, str]] = deque()  # instant, contract, request; ascending

    def wait(self, now: float, contract: str, request: str) -> float:
        """Seconds until this request may go out; its turn is taken by asking. Turns never overtake one another."""
        with self._guard:
            while self._turns and self._turns[0][0] <= now - WINDOW - MARGIN:
                self._turns.popleft()
            turn = max(now, *self._free(contract, request))
            self._turns.append((turn, contract, request))
        return turn - now

    def _free(self, contract: str, request: str) -> list[float]:
        """From when on each rule, and the turn before, lets this one go."""
        turns = list(self._turns)
        last = [turns[-1][0]] if turns else []
        full = [turns[-MOST][0] + WINDOW + MARGIN] if len(turns) >= MOST else []
        again = [at + AGAIN + MARGIN for at, _, asked in turns if asked == request][-1:]
        mine = [at for at, of, _ in turns if of == contract]
        burst = [mine[-SAME] + BURST + MARGIN] if len(mine) >= SAME else []
        return [0.0, *last, *full, *again, *burst]


_paces: dict[tuple[str, int], Pace] = {}
_door = threading.Lock()


def pace_of(host: str, port: int) -> Pace:
    """The one pace of a gateway in this process, whoever asks it."""
    with _door:
        return _paces.setdefault((host, port), Pace())
