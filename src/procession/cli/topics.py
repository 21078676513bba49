"""procession topics"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from procession.cli.serve import naming_of
from procession.cli.session import Session, command
from procession.cli.settings import without_password
from procession.cli.tables import table
from procession.errors import ProcessionError

if TYPE_CHECKING:
    from procession.bus import TopicSpec, TopicState

DAY = 86_400_000
SETTINGS = ("topic_package", "topic_environment", "topic_version", "topic_partitions", "topic_replication", "bus_jobs")


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("topics")(topics)


@command(serving=SETTINGS)
def topics(
    session: Session,
    create: Annotated[bool, typer.Option("--create", help="Make those that are missing.")] = False,
) -> None:
    """Say which topics the engine needs on its bus, and whether they are there and as they should be; 1: one is not."""
    from contextlib import closing

    from procession.app import open_bus
    from procession.runtime.exchange.exchange import topic_specs

    settings = session.settings
    specs = topic_specs(
        naming_of(settings), settings.bus_jobs, settings.topic_partitions, settings.topic_replication or -1
    )
    with closing(open_bus(settings.bus)) as bus:
        made = bus.ensure(specs) if create else []
        there = {state.name: state for state in bus.describe()}
    found = [_told(spec, there.get(spec.name), made=spec.name in made) for spec in specs]
    if session.json:
        session.items(found)
    else:
        rows = [(each["name"], each["partitions"], each["retention"], each["state"]) for each in found]
        table(("topic", "partitions", "retention", "state"), rows, "")
    wrong = [each["name"] for each in found if each["state"] not in ("ok", "made")]
    if wrong:
        raise ProcessionError(
            f"{len(wrong)} of {len(found)} topics on {without_password(settings.bus)} are not as they should be. "
            "Add --create to make those that are missing; change the others with the tools of your broker."
        )


def _told(spec: TopicSpec, state: TopicState | None, *, made: bool) -> dict[str, Any]:
    """One topic, for people and machines."""
    what = "ok"
    if made:
        what = "made"
    elif state is None:
        what = "missing"
    elif state.partitions < spec.partitions:
        what = f"fewer than {spec.partitions} partitions"
    elif state.retention is not None and spec.retention is not None and 0 <= state.retention < spec.retention:
        what = f"kept for less than {_days(spec.retention)}"
    kept = state.retention if state is not None else spec.retention
    return {
        "name": spec.name,
        "partitions": "" if state is None else str(state.partitions),
        "retention": "" if kept is None else "for ever" if kept < 0 else _days(kept),
        "state": what,
    }


def _days(milliseconds: int) -> str:
    days = milliseconds / DAY
    return f"{days:g} day" + ("" if days == 1 else "s")
