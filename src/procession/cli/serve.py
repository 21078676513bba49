"""procession serve"""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from procession.cli.failures import Usage
from procession.cli.secret import secret_of
from procession.cli.session import SERVING, Session, command
from procession.cli.settings import FILE_VARIABLE, Settings, unknown_variables
from procession.cli.tracing import tracing
from procession.cli.workers import Workers, share

if TYPE_CHECKING:
    from procession.api.edge import Edge
    from procession.api.server import Server
    from procession.api.tracing import Tracing
    from procession.bus.topics import Naming
    from procession.runtime.exchange.exchange import Exchange
    from procession.runtime.exchange.orders import Identify
    from procession.runtime.machine import Machine

log = logging.getLogger("procession.server")

NOT_BUILT = "The web application is not built, so there is only the API. In a checkout, `make ui` builds it."


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(serve)


@command(creates=True, serving=tuple(SERVING))
def serve(
    session: Session,
    watch: Annotated[
        list[str] | None,
        typer.Option("--watch", metavar="DIR", help="Publish the BPMN files of a folder, now and when they change."),
    ] = None,
    reload: Annotated[
        bool, typer.Option("--reload", help="For developers: start again when the program or its settings change.")
    ] = False,
) -> None:
    """Serve HTTP: the web application, the API, the live channel, health and metrics. Until SIGTERM or Ctrl-C."""
    settings = session.settings
    folders = [Path(folder) for folder in watch or ()]
    for folder in folders:
        if not folder.is_dir():
            raise Usage(f"There is no folder '{folder}' to watch.")
    if reload:
        raise typer.Exit(_reload(settings))
    secret = secret_of(settings)
    begin_logging(settings)
    for name in unknown_variables():
        log.warning("%s is not a setting", name)
    if not is_local(settings.host) and not settings.forwarded_allow_ips:
        log.warning(
            "%s can be reached from elsewhere without TLS: let a proxy speak https, and name it in forwarded_allow_ips",
            settings.host,
        )
    if settings.ui and not web_is_built():
        log.warning("%s", NOT_BUILT)
    number, sockets = share()
    if settings.workers > 1 and not sockets:
        raise typer.Exit(_work_together(settings))
    if settings.worker_ports and not sockets:
        raise Usage("worker_ports are for several workers, and there is one.", "Leave it out, or set workers.")
    if settings.worker_ports and sockets:
        from procession.api.server import listening_sockets

        sockets += listening_sockets(settings.host, settings.worker_ports + number)
    with tracing(settings.otlp_endpoint) as traces:
        server_of(settings, secret, say_address, folders if number == 0 else (), traces, sockets).run()


def _work_together(settings: Settings) -> int:
    """Several nodes; this process only looks after them."""
    from procession.api.server import address_of, listening_sockets

    if not settings.store.startswith("postgres"):
        raise Usage(
            f"{settings.workers} workers need a store that processes share.",
            "Name one: --store postgresql://USER@HOST/DATABASE",
        )
    if settings.worker_ports and settings.worker_ports + settings.workers > 65_536:
        raise Usage(
            f"There are no {settings.workers} ports from {settings.worker_ports} on.", "Choose a smaller first one."
        )
    if settings.virtual_clock:
        raise Usage("A clock that is moved by hand is one process's.", "Leave out --virtual-clock or --workers.")
    sockets = listening_sockets(settings.host, settings.port)
    return Workers(settings.workers, sockets, sys.argv[1:]).run(address_of(settings.host, sockets[0]))


def web_is_built() -> bool:
    """Whether there is a web application to serve."""
    from procession.web import is_built

    return is_built()


def say_address(address: str) -> None:
    """The line that whoever started the server waits for."""
    print(f"listening on {address}", flush=True)


def begin_logging(settings: Settings) -> None:
    """Log as the settings say."""
    from procession.api.logs import configure

    configure(settings.log_level, settings.log_format)


def server_of(
    settings: Settings,
    secret: str,
    ready: Callable[[str], None],
    folders: Sequence[Path] = (),
    traces: Tracing | None = None,
    sockets: Sequence[socket.socket] = (),
) -> Server:
    """A server with these settings, which tells its address to `ready`, and keeps the processes of folders published.

    `sockets` that listen already stand for its address.
    """
    from procession.api.application import Options, build
    from procession.api.edge import Limits
    from procession.api.logs import AccessLog
    from procession.api.server import Server
    from procession.app import open_storage
    from procession.cli.watch import Watch
    from procession.runtime.clock import SystemClock, VirtualClock
    from procession.runtime.machine import Machine
    from procession.web import STATIC

    _check_folder(settings)

    def open_machine() -> Machine:
        return Machine(open_storage(settings.store), VirtualClock() if settings.virtual_clock else SystemClock())

    options = Options(
        secret=secret,
        token_lifetime=settings.token_lifetime,
        session_lifetime=settings.session_lifetime,
        origins=settings.origins,
        metrics_token=settings.metrics_token,
        limits=Limits(listeners=settings.max_listeners),
        web=STATIC if settings.ui else None,
        tracing=traces,
        exchange=exchanging(settings),
    )
    return Server(
        build(open_machine, options),
        host=settings.host,
        port=settings.port,
        sockets=sockets,
        grace=settings.grace,
        max_connections=settings.max_connections,
        forwarded_allow_ips=settings.forwarded_allow_ips,
        ready=ready,
        wrap=AccessLog if settings.access_log else None,
        beside=[_say_who, *(Watch(folder).keep_published for folder in folders)],
    )


def naming_of(settings: Settings) -> Naming:
    """What topics are called."""
    from procession.bus.topics import Naming

    return Naming(settings.topic_package, settings.topic_environment, settings.topic_version)


def exchanging(settings: Settings) -> Callable[[Machine, Identify], Exchange]:
    """What puts a machine on the bus of these settings."""
    from procession.app import open_bus
    from procession.runtime.exchange.exchange import Exchange

    def exchange(machine: Machine, identify: Identify) -> Exchange:
        return Exchange(
            machine,
            open_bus(settings.bus),
            url=settings.bus,
            naming=naming_of(settings),
            identify=identify,
            jobs=settings.bus_jobs,
            partitions=settings.topic_partitions,
            replication=settings.topic_replication or -1,
            create=settings.create_topics,
        )

    return exchange


async def _say_who(edge: Edge) -> None:
    """A server that nobody can log in to is easily made, and hard to understand."""
    if not await edge.node.read(edge.node.storage.users()):
        log.warning("there is no user who could log in; add one: procession users add NAME --roles admin")


def _reload(settings: Settings) -> int:
    from procession.cli.reload import run_again_and_again

    config = os.environ.get(FILE_VARIABLE)
    named = [argument for argument in (*sys.argv, config or "") if argument.endswith(".toml")]
    arguments = [argument for argument in sys.argv[1:] if argument != "--reload"]
    files = [Path(name.removeprefix("--config=")) for name in named]
    if settings.secret_file is not None:
        files.append(Path(settings.secret_file))
    return run_again_and_again(arguments, files)


def is_local(host: str) -> bool:
    """Whether only this machine can reach it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_folder(settings: Settings) -> None:
    path = settings.path
    if path is not None and not path.absolute().parent.is_dir():
        raise Usage(f"There is no folder '{path.parent}' for the store '{path}'.")
