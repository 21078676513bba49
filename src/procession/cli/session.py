"""What every command has: the settings, the engine, and how it answers.

`@command` gives a command the options that all have (`--store`, `--bus`, `--config`, `--json`), and with `acting=True` those
of who acts (`--user`, `--role`); it turns every refusal into one line on stderr and an exit code.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from procession.cli.failures import INTERRUPTED, Usage, exit_code, tell
from procession.cli.settings import FLAG, KNOWN, SETTINGS, Settings, settings
from procession.errors import CommandRejected

if TYPE_CHECKING:
    from procession.app import Engine
    from procession.storage.migrations import Migration

Store = Annotated[
    str | None,
    typer.Option("--store", metavar="URL", help="Where the data is [env PROCESSION_STORE; sqlite:///procession.db]."),
]
Bus = Annotated[
    str | None, typer.Option("--bus", metavar="URL", help="Where records go [env PROCESSION_BUS; memory:].")
]
Config = Annotated[
    str | None, typer.Option("--config", metavar="FILE", help="Settings as TOML [env PROCESSION_CONFIG].")
]
Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON document, for machines.")]
User = Annotated[str | None, typer.Option("--user", metavar="NAME", help="Act as this user, not as administrator.")]
Roles = Annotated[
    list[str] | None,
    typer.Option("--role", metavar="ROLE", help="A role of that user, if the store does not know them."),
]

EVERY = {"store": Store, "bus": Bus, "config": Config, "json_": Json}
ACTING = {"user": User, "role": Roles}


def _option(name: str) -> Any:
    """A setting as an option of `serve`."""
    setting = KNOWN[name]
    usual = ",".join(setting.usual) if isinstance(setting.usual, tuple) else setting.usual
    usual = "true" if usual is True else usual
    where = f"[env {setting.variable}" + (f"; {usual}]." if usual not in (None, "", False) else "].")
    text = f"{setting.help.rstrip('.')} {where}"
    if setting.kind == FLAG:
        return Annotated[bool | None, typer.Option(f"{setting.option}/--no{setting.option[1:]}", help=text)]
    return Annotated[str | None, typer.Option(setting.option, metavar=setting.metavar, help=text)]


SERVING = {
    setting.name: _option(setting.name) for setting in SETTINGS if not setting.secret and setting.name not in EVERY
}


@dataclass
class Session:
    """One run of one command."""

    settings: Settings
    json: bool = False
    user: str | None = None
    roles: tuple[str, ...] = ()
    creates: bool = False
    given_store: str | None = None  # by an option; None: the settings say
    _root: Engine | None = field(default=None, repr=False)

    def engine(self) -> Engine:
        """The engine on the store, acting as who was asked for. Closed with the session."""
        from procession.app import Engine

        if self._root is None:
            path = self.settings.path
            if path is not None and not self.creates and not path.exists():
                raise Usage(f"There is no store '{path}'.", "Deploy a process first, or name another with --store.")
            if path is not None and not path.absolute().parent.is_dir():
                raise Usage(f"There is no folder '{path.parent}' for the store '{path}'.")
            self._root = Engine(self.settings.store)
        if self.user is None:
            return self._root
        return self._root.as_user(self.user, self.roles or _roles_of(self._root, self.user))

    def migrate(self, dry_run: bool) -> list[Migration]:
        """What was or would be done to the schema of the store."""
        from procession.app import open_storage
        from procession.runtime.drive import drive

        storage = open_storage(self.settings.store)
        try:
            return drive(storage.migrate(dry_run=dry_run))
        finally:
            drive(storage.close())

    def close(self) -> None:
        """Close what was opened."""
        root, self._root = self._root, None
        if root is not None:
            root.close()

    def document(self, value: Any) -> None:
        """One JSON document on stdout."""
        typer.echo(readable(value))

    def items(self, items: Any, following: str | None = None) -> None:
        """A list as a JSON document."""
        self.document({"items": list(items), "next": following})


def readable(value: Any) -> str:
    """A view (or plain data) as JSON for people to read, with the field names of the contract; decimals as they are."""
    from msgspec import json

    from procession.engine.codec import encode

    return json.format(encode(value), indent=2).decode()


def command(
    *, acting: bool = False, creates: bool = False, serving: Sequence[str] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command of the command line. Its first parameter is the session. `serving`: names of settings that are options of it."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(function, eval_str=True)
        own = list(signature.parameters.values())[1:]
        chosen = {name: SERVING[name] for name in serving}
        extra = {**chosen, **(ACTING if acting else {}), **EVERY}

        @functools.wraps(function)
        def run(ctx: typer.Context, **given: Any) -> None:
            before: dict[str, Any] = ctx.obj or {}
            common = {name: _given(given.pop(name, None), before.get(name)) for name in extra}
            machine = bool(common["json_"])
            try:
                session = Session(
                    settings({name: common[name] for name in ("store", "bus", *serving)}, common["config"]),
                    json=machine,
                    user=common.get("user"),
                    roles=tuple(common.get("role") or ()),
                    creates=creates,
                    given_store=common["store"],
                )
                with closing(session):
                    function(session, **given)
            except (typer.Exit, typer.Abort, BrokenPipeError):
                raise
            except KeyboardInterrupt:
                raise typer.Exit(INTERRUPTED) from None
            except Exception as error:
                tell(error, machine=machine)
                raise typer.Exit(exit_code(error)) from error

        keyword = inspect.Parameter.KEYWORD_ONLY
        context = inspect.Parameter("ctx", keyword, annotation=typer.Context)
        own = [parameter.replace(kind=keyword) for parameter in own]
        common_parameters = [
            inspect.Parameter(name, keyword, annotation=kind, default=False if kind is Json else None)
            for name, kind in extra.items()
        ]
        run.__signature__ = signature.replace(parameters=[context, *own, *common_parameters])  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in (context, *own, *common_parameters)}
        return run

    return decorate


def _given(after: Any, before: Any) -> Any:
    """An option may stand before or after the command."""
    return after if after or before is None else before


def _roles_of(engine: Engine, name: str) -> tuple[str, ...]:
    for user in engine.users.list():
        if user.name == name:
            return tuple(user.roles)
    raise CommandRejected(404, "User not found.", f"The store does not know '{name}'. Add the user, or give --role.")


__all__ = ["Session", "command", "readable"]
