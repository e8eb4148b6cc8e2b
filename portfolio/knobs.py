"""A setting is a field: a frozen dataclass says its keys, their ranges and defaults once, and the policy file is read by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, field, fields
from typing import Any, TypeVar

from portfolio.section import Section

Value = TypeVar("Value")
Read = Callable[[Section, str, Any], Any]  # (section, key, default or ...) -> the checked value


def knob(read: Read, default: Any = ...) -> Any:
    """A field that `read` takes from the policy file. Without a default the file must name it."""
    told = {"read": read}
    if default is ...:
        return field(metadata=told)
    if isinstance(default, dict):
        return field(metadata=told, default_factory=lambda: dict(default))
    return field(metadata=told, default=default)


def number(low: float, high: float, default: Any = ...) -> Any:
    """A finite number in [low, high]."""
    return knob(lambda section, key, fallback: section.number(key, low, high, fallback), default)


def optional_number(low: float, high: float) -> Any:
    """A finite number in [low, high], or None where the file does not name it."""
    return knob(lambda section, key, _: section.number(key, low, high) if key in section.table else section.absent(key), None)


def whole(low: int, high: int, default: Any = ...) -> Any:
    """A whole number in [low, high]."""
    return knob(lambda section, key, fallback: section.count(key, low, high, fallback), default)


def word(allowed: tuple[str, ...], default: Any = ..., later: tuple[str, ...] = ()) -> Any:
    """One of `allowed`."""
    return knob(lambda section, key, fallback: section.word(key, allowed, fallback, later), default)


def text(default: Any = ...) -> Any:
    """Any text that is not empty."""
    return knob(
        lambda section, key, fallback: section.text(key, fallback) if key in section.table else section.absent(key, fallback),
        default,
    )


def flag(default: Any = ...) -> Any:
    """true or false."""
    return knob(lambda section, key, fallback: section.flag(key, fallback), default)


def words(allowed: tuple[str, ...] | None = None, default: Any = ...) -> Any:
    """A list of texts without repetitions, each one of `allowed` where that is given."""

    def read(section: Section, key: str, fallback: Any) -> tuple[str, ...]:
        found = section.words(key, fallback)
        if allowed is not None and not set(found) <= set(allowed):
            raise section.wrong(key, f"a list of: {', '.join(allowed)}")
        return found

    return knob(read, default)


def shares(default: Any = ...) -> Any:
    """A table of symbol = weight, each from 0 to 1."""
    return knob(
        lambda section, key, fallback: (
            section.weights(key) if key in section.table or fallback is ... else section.absent(key, fallback)
        ),
        default,
    )


def read_knobs(kind: type[Value], section: Section) -> Value:
    """A `kind` (a dataclass of knobs) with the values of the section. `WrongUse` names the first key that is wrong.

    Fields without a reader keep their defaults. Who reads the section says when it is `done`.
    """
    found = {}
    for each in fields(kind):  # type: ignore[arg-type]
        read = each.metadata.get("read")
        if read is not None:
            found[each.name] = read(section, each.name, _default(each))
    return kind(**found)


def _default(each: Any) -> Any:
    if each.default is not MISSING:
        return each.default
    return each.default_factory() if each.default_factory is not MISSING else ...
