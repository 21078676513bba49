"""All commands, put together."""

from __future__ import annotations

import typer

from procession.cli import (
    definitions,
    demo,
    deploy,
    exceptions,
    export,
    import_,
    instances,
    later,
    letters,
    lint,
    message,
    migrate,
    operations,
    repair,
    serve,
    start,
    status,
    tasks,
    topics,
    users,
    version,
)
from procession.cli.session import Bus, Config, Json, Store

COMMANDS = (
    *(demo, serve, deploy, definitions, start, status, instances, tasks, message, operations, repair, exceptions),
    *(letters, lint, export, import_, users, topics, migrate, later, version),
)


def build() -> typer.Typer:
    """The application."""
    app = typer.Typer(
        name="procession",
        help="Runs business processes drawn in BPMN: adds them, starts them, shows them, repairs them.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,  # quick: no rich where plain text does
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def common(
        ctx: typer.Context, store: Store = None, bus: Bus = None, config: Config = None, json_: Json = False
    ) -> None:
        ctx.obj = {"store": store, "bus": bus, "config": config, "json_": json_}

    for module in COMMANDS:
        module.add_to(app)
    return app
