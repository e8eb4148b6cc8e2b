"""What is dealt at now: a quote of each symbol, who gave it, of what kind it is, and how old."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from cli.output import Json, emit, grid, guarded, say, table
from portfolio.errors import Outage, Refused

COLUMNS = ("symbol", "bid", "ask", "last", "close", "volume", "age", "from")


def register(app: typer.Typer) -> None:
    app.command("quotes")(quotes)


@guarded
def quotes(
    symbols: Annotated[list[str], typer.Argument(help="As AAPL or BRK.B; at Yahoo also ^GSPC or OCDO.L.")],
    source: Annotated[str | None, typer.Option(help="ib or yahoo; else ib, and yahoo for what it lacks.")] = None,
    watching: Annotated[bool, typer.Option("--watch", help="Go on with every change until Ctrl-C.")] = False,
    json: Json = False,
) -> None:
    """The newest quote of each symbol: from Interactive Brokers where its gateway answers, else from Yahoo, delayed."""
    from tasks.doors import SystemClock
    from tasks.quotes import Question, ask
    from tasks.settings import settings

    question = Question(tuple(symbols), source)
    if watching:
        _watch(question, json)
        return
    answer = ask(settings(), question, SystemClock())
    _check(answer)
    if json:
        emit({"status": "partly" if answer.missing else "done", **_document(answer)})
    else:
        table("Quotes", COLUMNS, map(_row, answer.shown))
        _remarks(answer)
    if answer.missing:
        raise typer.Exit(1)


def _check(answer: Any) -> None:
    """One sentence where there is nothing at all to show."""
    if answer.shown:
        return
    what = " ".join(dict.fromkeys(answer.missing.values()))
    if answer.late:
        raise Outage(" ".join(filter(None, (answer.note, answer.late))), "Try again, or start the gateway.")
    raise Refused(what, "Look the symbols up." if len(answer.missing) > 1 else "Look the symbol up.")


def _watch(question: Any, json: bool) -> None:
    """Until Ctrl-C, which is how it is meant to end."""
    from tasks.doors import SystemClock
    from tasks.quotes import watch
    from tasks.settings import settings

    begin, change, leave = _lines() if json else _screen() if sys.stdout.isatty() else _words()
    try:
        watch(settings(), question, SystemClock(), begin, change)
    except KeyboardInterrupt:
        return
    finally:
        leave()


Face = tuple[Callable[[Any], None], Callable[[Any], None], Callable[[], None]]


def _lines() -> Face:
    """A JSON document a line: first `ready`, then one a quote."""

    def begin(answer: Any) -> None:
        _check(answer)
        emit({"ready": {"missing": answer.missing, "note": answer.note}})
        for one in answer.shown:
            emit(_one(one))

    return begin, lambda one: emit(_one(one)), lambda: None


def _words() -> Face:
    """A line a quote, for a file or a pipe."""

    def begin(answer: Any) -> None:
        _check(answer)
        _remarks(answer)
        for one in answer.shown:
            say(_sentence(one))

    return begin, lambda one: say(_sentence(one)), lambda: None


def _screen() -> Face:
    """A table that is drawn anew at each change."""
    from rich.live import Live

    latest: dict[str, Any] = {}
    live = Live(auto_refresh=False)

    def change(one: Any) -> None:
        latest[one.quote.symbol] = one
        live.update(grid("Quotes; Ctrl-C ends", COLUMNS, map(_row, latest.values())), refresh=True)

    def begin(answer: Any) -> None:
        _check(answer)
        _remarks(answer)
        live.start()
        for one in answer.shown:
            change(one)

    return begin, change, live.stop


def _remarks(answer: Any) -> None:
    if answer.note:
        say(answer.note if answer.of("ib") else f"Interactive Brokers was not heard: {answer.note}")
    for sentence in dict.fromkeys(answer.missing.values()):
        say(sentence)


def _document(answer: Any) -> dict[str, Any]:
    return {"quotes": [_one(one) for one in answer.shown], "missing": answer.missing, "note": answer.note}


def _one(one: Any) -> dict[str, Any]:
    """age: seconds, on the clock of the source. volume: as the source counts it."""
    quote = one.quote
    names = ("symbol", "bid", "ask", "last", "close", "volume", "currency", "time", "market_data")
    return {name: getattr(quote, name) for name in names} | {"age": one.age, "source": one.source}


def _row(one: Any) -> tuple[Any, ...]:
    quote = one.quote
    volume = None if quote.volume is None else f"{quote.volume:,}"
    about = f"{one.source}, {quote.market_data}, {quote.currency}"
    return (quote.symbol, quote.bid, quote.ask, quote.last, quote.close, volume, old(one.age), about)


def _sentence(one: Any) -> str:
    quote = one.quote
    told = ((name, getattr(quote, name)) for name in ("bid", "ask", "last", "close", "volume"))
    figures = ", ".join(f"{name} {value}" for name, value in told if value is not None)
    about = f"{one.source}, {quote.market_data}, {old(one.age)} old"
    return f"{quote.time:%H:%M:%SZ} {quote.symbol}: {figures} {quote.currency} ({about})"


def old(seconds: float) -> str:
    """An age in the unit that a person would say.

    >>> old(3.4), old(900), old(90_000), old(400_000)
    ('3 s', '15 min', '25 h', '5 d')
    """
    for unit, length, most in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172_800)):
        if seconds < most:
            return f"{round(seconds / length)} {unit}"
    return f"{round(seconds / 86_400)} d"
