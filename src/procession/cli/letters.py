"""procession letters"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from procession.cli.failures import Usage
from procession.cli.session import Session, command, readable
from procession.cli.tables import table
from procession.cli.waits import moment

if TYPE_CHECKING:
    from procession.runtime.views import LetterView


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("letters")(letters)


@command(acting=True)
def letters(
    session: Session,
    letter: Annotated[str | None, typer.Argument(metavar="[ID]", help="Only this letter, with what is in it.")] = None,
    replay: Annotated[bool, typer.Option("--replay", help="Publish its record anew, after the repair.")] = False,
    dismiss: Annotated[bool, typer.Option("--dismiss", help="Leave it at that; it is kept.")] = False,
    state: Annotated[
        list[str] | None, typer.Option("--state", metavar="STATE", help="waiting, dead, replayed or dismissed.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", help="So many at most.")] = 50,
    cursor: Annotated[str | None, typer.Option("--cursor", help="Go on after the last list ('next').")] = None,
) -> None:
    """List records that could not be handled, newest first; show one, publish it anew or dismiss it."""
    if (replay or dismiss) and letter is None:
        raise Usage("Which letter?", "Say its ID: procession letters ID --replay")
    if replay and dismiss:
        raise Usage("A letter is replayed or dismissed, not both.")
    if letter is None:
        _list(session, tuple(state or ()), limit, cursor)
        return
    engine = session.engine()
    act = engine.replay_letter if replay else engine.dismiss_letter if dismiss else engine.letter
    _show(session, act(letter))


def _list(session: Session, states: tuple[str, ...], limit: int, cursor: str | None) -> None:
    page = session.engine().letters(states, limit, cursor)
    if session.json:
        session.items(page.items, page.next)
        return
    table(
        ("id", "topic", "state", "date", "attempts", "title"),
        [(x.id, x.topic, x.state, moment(x.at), str(x.attempts), x.title) for x in page.items],
        "There is no letter.",
    )
    if page.next:
        typer.echo(f"There are more: --cursor {page.next}")


def _show(session: Session, view: LetterView) -> None:
    if session.json:
        session.document(view)
        return
    where = "" if view.partition is None else f", partition {view.partition}, offset {view.offset}"
    typer.echo(f"{view.id}  {view.state}  {view.topic}{where}")
    typer.echo(f"{view.title} {view.detail}")
    tries = "once" if view.attempts == 1 else f"{view.attempts} times"
    typer.echo(f"Published {moment(view.published)}, tried {tries}, last {moment(view.at)}")
    if view.due:
        typer.echo(f"It is tried again {moment(view.due)}")
    if view.closed:
        typer.echo(f"{view.state.capitalize()} {moment(view.closed)} by {view.closed_by}")
    if view.instance:
        typer.echo(f"About instance {view.instance}")
    if view.key is not None:
        typer.echo(f"Key {view.key}")
    for header in view.headers:
        typer.echo(f"Header {header.name}: {header.value}")
    typer.echo("Value " + readable(view.value))
