"""`trimtab`: one command a thing a person does. Exit 0 done, 1 refused, 2 wrong use, 3 outage, 4 broken."""

from __future__ import annotations

import typer

from cli import account, backfill, cash, data, decisions, incidents, journal, quarantine, quotes, run, serve, stress, upkeep

app = typer.Typer(
    name="trimtab",
    help="Keeps a portfolio on its course by small, explained, checked trades.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for room in (run, data, quotes, backfill, incidents, quarantine, decisions, stress, account, cash, journal, upkeep, serve):
    room.register(app)


def main() -> None:
    """The console script."""
    app()


if __name__ == "__main__":
    main()
