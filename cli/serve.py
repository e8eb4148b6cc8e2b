"""What stays up: the simulated gateway, and Prefect with its deployments."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import typer

from cli.output import Json, emit, guarded, say


def register(app: typer.Typer) -> None:
    app.command("gateway")(gateway)
    app.command("serve")(serve)


@guarded
def gateway(
    port: Annotated[int, typer.Option(help="0: any free one.", min=0, max=65535)] = 4002,
    as_of: Annotated[datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="The session it lives in.")] = None,
    cash: Annotated[float, typer.Option(help="Of an account that is opened now.", min=0)] = 1_000_000,
    currency: Annotated[str | None, typer.Option(help="Of an account that is opened now; USD if none is named.")] = None,
    deposit: Annotated[float, typer.Option(help="Paid into the account before it starts; below 0: taken out.")] = 0.0,
    json: Json = False,
) -> None:
    """A simulated gateway that speaks the TWS protocol, in one session of the bundled prices; Ctrl-C stops it."""
    from tasks.gateway import last_session, serve_gateway
    from tasks.settings import settings

    where = settings()
    session = as_of.date() if as_of else last_session()

    def ready(listening: int) -> None:
        about = {"port": listening, "session": session, "account": where.account}
        if json:
            emit({"ready": about})
        else:
            say(f"The simulated gateway lives in {session} and listens on 127.0.0.1:{listening} for {where.account}.")

    serve_gateway(where, session, port, Decimal(str(cash)), ready, currency, Decimal(str(deposit)))


@guarded
def serve(
    port: Annotated[int, typer.Option(help="Of the Prefect UI and API.", min=1, max=65535)] = 4200,
    with_gateway: Annotated[
        bool, typer.Option("--gateway/--no-gateway", help="Start the simulated gateway if none answers.")
    ] = True,
    json: Json = False,
) -> None:
    """Prefect server, worker and deployments on loopback, until Ctrl-C."""
    from flows.serve import serve as serve_all
    from tasks.settings import settings

    def ready(about: dict[str, object]) -> None:
        if json:
            emit({"ready": about})
        else:
            say(f"Prefect is at {about['ui']}: start a deployment there; Ctrl-C stops everything.")

    serve_all(settings(), port, with_gateway, ready)
