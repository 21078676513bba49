"""procession users"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from procession.cli.failures import Usage
from procession.cli.secret import secret_of, token_for
from procession.cli.session import Session, command
from procession.cli.settings import seconds
from procession.cli.tables import table


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Add, list and remove the users of the store; give programs access tokens.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("add")(add)
    group.command("list")(list_)
    group.command("remove")(remove)
    group.command("token")(token)
    app.add_typer(group, name="users")


@command(creates=True)
def add(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    roles: Annotated[str, typer.Option("--roles", metavar="A,B", help="What they are; admin may do everything.")],
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")] = False,
) -> None:
    """Add a user, or give an existing one a new password and roles."""
    names = [role.strip() for role in roles.split(",") if role.strip()]
    if not names:
        raise Usage("--roles names no role.", "Write --roles clerk,manager.")
    session.engine().users.add(name, _password(password_stdin), names)
    if session.json:
        session.document({"name": name, "roles": sorted(set(names))})
    else:
        typer.echo(f"User {name}: {', '.join(sorted(set(names)))}")


@command()
def list_(session: Session) -> None:
    """List the users."""
    found = sorted(session.engine().users.list(), key=lambda user: user.name)
    if session.json:
        session.items([{"name": user.name, "roles": sorted(user.roles)} for user in found])
        return
    table(("name", "roles"), [(user.name, ", ".join(sorted(user.roles))) for user in found], "There is no user.")


@command()
def remove(session: Session, name: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Remove a user."""
    session.engine().users.remove(name)
    if session.json:
        session.document({"name": name, "removed": True})
    else:
        typer.echo(f"User {name} is removed.")


@command()
def token(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    valid: Annotated[
        str | None, typer.Option("--valid", metavar="PT…", help="How long it is good; usual: token_lifetime.")
    ] = None,
) -> None:
    """Make an access token for a program, with the secret of the server. It ends earlier if the user is changed or removed."""
    lifetime = session.settings.token_lifetime if valid is None else seconds(valid, "--valid")
    text, length = token_for(session.engine(), name, secret_of(session.settings), lifetime)
    if session.json:
        session.document({"access_token": text, "token_type": "Bearer", "expires_in": length})
    else:
        typer.echo(text)


def _password(stdin: bool) -> str:
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise Usage("There is no terminal to ask for the password.", "Use --password-stdin.")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
