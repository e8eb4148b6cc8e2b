"""Reads one TOML table key by key, and refuses by name whatever nobody asked for."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from portfolio.errors import WrongUse


class Section:
    """One table of the file. Each getter takes a key once; `done` refuses the keys that nobody took."""

    def __init__(self, path: str, table: Mapping[str, Any]) -> None:
        if not isinstance(table, Mapping):
            raise WrongUse(f"[{path}] must be a table.", f"Write `[{path}]` and its keys below it.", section=path)
        self.path = path
        self.table = table
        self.asked: list[str] = []

    def _take(self, key: str, default: Any) -> Any:
        self.asked.append(key)
        value = self.table.get(key, default)
        if value is ...:
            raise self._lacking(key)
        return value

    def _lacking(self, key: str) -> WrongUse:
        for near in difflib.get_close_matches(key, self.table, n=1, cutoff=0.7):
            return WrongUse(f"{self._unknown(near)}.", f"Did you mean `{key}`?", key=near)
        if not self.path:
            return WrongUse(f"The policy lacks the table [{key}].", f"Add `[{key}]` and its keys below it.", key=key)
        return WrongUse(f"[{self.path}] lacks `{key}`.", f"Add `{key} = …` under [{self.path}].", key=key)

    def _unknown(self, key: str) -> str:
        return f"[{self.path}] has an unknown key `{key}`" if self.path else f"The policy has an unknown table [{key}]"

    def wrong(self, key: str, need: str) -> WrongUse:
        value = self.table.get(key)
        return WrongUse(f"[{self.path}] {key} = {value!r} is not {need}.", f"Set `{key}` to {need}.", key=key, value=value)

    def word(self, key: str, allowed: tuple[str, ...], default: Any = ..., later: tuple[str, ...] = ()) -> str:
        """One of `allowed`; a word of `later` is known but not built yet and says so."""
        value = self._take(key, default)
        if value in later:
            raise WrongUse(
                f"[{self.path}] {key} = {value!r} is not built yet.", f"Built today: {', '.join(allowed)}.", key=key, value=value
            )
        if value not in allowed:
            raise WrongUse(f"[{self.path}] {key} = {value!r} is unknown.", f"Use one of: {', '.join(allowed)}.", key=key)
        return str(value)

    def text(self, key: str, default: Any = ...) -> str:
        value = self._take(key, default)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, "a text")
        return value

    def number(self, key: str, low: float, high: float, default: Any = ...) -> float:
        """A finite number in [low, high]."""
        value = self._take(key, default)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not low <= value <= high:  # NaN is in no range
            raise self.wrong(key, f"a number from {low:g} to {high:g}")
        return float(value)

    def count(self, key: str, low: int, high: int, default: Any = ...) -> int:
        value = self._take(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.wrong(key, f"a whole number from {low} to {high}")
        return value

    def flag(self, key: str, default: Any = ...) -> bool:
        value = self._take(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def words(self, key: str, default: Any = ...) -> tuple[str, ...]:
        value = self._take(key, default)
        if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) and item.strip() for item in value):
            raise self.wrong(key, "a list of texts")
        if len(set(value)) != len(value):
            raise self.wrong(key, "a list without repetitions")
        return tuple(value)

    def weights(self, key: str) -> dict[str, float]:
        value = self._take(key, ...)
        if not isinstance(value, Mapping) or not value:
            raise self.wrong(key, "a table of symbol = weight")
        inner = Section(f"{self.path}.{key}", value)
        return {symbol: inner.number(symbol, 0.0, 1.0) for symbol in value}

    def absent(self, key: str, default: Any = None) -> Any:
        """The default of a key that the file does not name; from now on the key is known here."""
        return self._take(key, default)

    def section(self, key: str, default: Any = ...) -> Section | None:
        value = self._take(key, default)
        return None if value is None else Section(f"{self.path}.{key}" if self.path else key, value)

    def tables(self, key: str, default: Any = ...) -> tuple[Section, ...]:
        """A list of tables (`[[strategy.rule]]`), each as a section that says its number."""
        value = self._take(key, default)
        if not isinstance(value, (list, tuple)) or not all(isinstance(item, Mapping) for item in value):
            raise self.wrong(key, f"a list of tables, each under its own `[[{self.path}.{key}]]`")
        path = f"{self.path}.{key}" if self.path else key
        return tuple(Section(f"{path} {i}", item) for i, item in enumerate(value, start=1))

    def done(self) -> None:
        for key in self.table:
            if key not in self.asked:
                near = difflib.get_close_matches(key, self.asked, n=1, cutoff=0.7)
                meant = f"Did you mean `{near[0]}`? " if near else ""
                raise WrongUse(f"{self._unknown(key)}.", f"{meant}Known here: {', '.join(sorted(set(self.asked)))}.", key=key)
