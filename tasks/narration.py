"""What is happening now, told to whoever listens (the terminal). Nobody listening costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[str, int, int], None]
_listeners: list[Listener] = []


def tell(what: str, done: int = 0, of: int = 0) -> None:
    """Say what has begun, or that `done` of `of` parts of it are done."""
    for listener in _listeners:
        listener(what, done, of)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Hear everything that is told inside the block."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
