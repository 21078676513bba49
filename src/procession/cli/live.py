"""Follows an instance, and the processes that it calls, until it ends or somebody presses Ctrl-C.

On a terminal the steps scroll by above a table of what the tokens do right now; elsewhere they are plain lines.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer

from procession.cli.story import Line, Story
from procession.cli.waits import reason
from procession.engine.state import LIVE

if TYPE_CHECKING:
    from rich.table import Table

    from procession.app import Engine
    from procession.runtime.views import InstanceView

LOOK_EVERY = 0.2


class Followed:
    """One instance that is being told, and how deep it was called."""

    def __init__(self, engine: Engine, instance: str, depth: int) -> None:
        self.id, self.depth = instance, depth
        view = engine.instance(instance)
        self.story = Story(definition_of(engine, view.process_definition_name, view.version))


class Chronicle:
    """The lines of an instance and of everything that it calls, in the order in which they happen."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self._engine = engine
        self._followed = [Followed(engine, instance, 0)]
        self._day = ""

    def news(self) -> Iterator[tuple[int, Line]]:
        """What happened since last time, in order: depth and line."""
        found: list[tuple[int, Line]] = []
        for followed in self._followed:  # grows while children are met
            while rows := self._engine.history(followed.id, followed.story.position):
                for line in followed.story.tell(rows):
                    found.append((followed.depth, line))
                    if line.child is not None:
                        self._followed.append(Followed(self._engine, line.child, followed.depth + 1))
        found.sort(key=lambda item: item[1].at)
        for depth, line in found:
            day = line.at[:10]
            if self._day and day != self._day:
                yield 0, Line(line.at, "·", f"It is {day}")
            self._day = day
            yield depth, line


def definition_of(engine: Engine, name: str, version: int) -> Any:
    """The compiled definition, read from its file."""
    from procession.bpmn import read_bpmn

    return next(d for d in read_bpmn(engine.definition_file(name, version)).processes if d.name == name)


def follow(engine: Engine, instance: str) -> InstanceView:
    """Show what happens until the instance ends; Ctrl-C leaves it running. The instance as it was last seen."""
    if sys.stdout.isatty():
        return _on_a_terminal(engine, instance)
    chronicle = Chronicle(engine, instance)
    view = engine.instance(instance)
    try:
        while True:
            view = engine.instance(instance)
            for depth, line in chronicle.news():
                typer.echo("    " * depth + str(line))
            if view.state not in LIVE:
                return view
            sys.stdout.flush()
            time.sleep(LOOK_EVERY)
    except KeyboardInterrupt:
        return view


def _on_a_terminal(engine: Engine, instance: str) -> InstanceView:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(highlight=False)
    chronicle = Chronicle(engine, instance)
    view = engine.instance(instance)
    with Live(tokens_table(view), console=console, refresh_per_second=8, transient=True) as live:
        try:
            while True:
                view = engine.instance(instance)
                for depth, line in chronicle.news():
                    console.print(Text("    " * depth + str(line), style=style(line)))
                live.update(tokens_table(view))
                if view.state not in LIVE:
                    break
                time.sleep(LOOK_EVERY)
        except KeyboardInterrupt:
            pass
    return view


def style(line: Line) -> str:
    """The colour of a line."""
    return {"!": "red", "✗": "red", "↯": "yellow", "…": "dim", "=": "cyan", "■": "bold"}.get(line.sign, "")


def tokens_table(view: InstanceView) -> Table:
    """Where each token is, and what it waits for."""
    from rich.table import Table

    title = f"{view.process_definition_name} v{view.version}, instance {view.id}: {view.state}"
    table = Table(title=title, title_justify="left", expand=False)
    for column in ("token", "node", "state", "waits for"):
        table.add_column(column, overflow="fold")
    waits: dict[str, list[str]] = {}
    for wait in view.waits:
        waits.setdefault(str(wait.get("token")), []).append(reason(wait))
    for token in view.tokens:
        if token.state == "ON_HOLD" and token.sync_node_tokens_count:
            done, of = token.sync_node_tokens_finished, token.sync_node_tokens_count
            waits.setdefault(token.id, []).append(f"its branches: {done} of {of} are done")
        table.add_row(token.id, token.current_node_name, token.state, "\n".join(waits.get(token.id, [])))
    return table
