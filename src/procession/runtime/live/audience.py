"""Who listens, found by what they listen to: a listener costs nothing where something else happens."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING

from procession.engine.access import Principal
from procession.runtime.live.news import Report, TaskNews, concerns
from procession.runtime.live.reporter import Interest
from procession.storage import InstanceRow

if TYPE_CHECKING:
    from procession.runtime.live.listener import Listener

Group = dict["Listener", None]  # an ordered set
Place = tuple[dict[Hashable, Group], Hashable]


class Audience:
    """Changed in the event loop only; `interest` is asked in other threads meanwhile."""

    def __init__(self) -> None:
        self._everybody: dict[Listener, list[Place]] = {}
        self._instances: dict[Hashable, Group] = {}
        self._definitions: dict[Hashable, Group] = {}
        self._all: dict[Hashable, Group] = {}
        # those who want their own tasks, of a process (None: of any): by their names, and by their roles
        self._names: dict[Hashable, Group] = {}
        self._roles: dict[str | None, dict[Hashable, Group]] = {}

    def __len__(self) -> int:
        return len(self._everybody)

    def __iter__(self) -> Iterator[Listener]:
        return iter(list(self._everybody))

    def put(self, listener: Listener) -> None:
        """Add a listener, or note that it has another principal. There is no moment in which it is not there."""
        before, now = self._everybody.get(listener, ()), self._places(listener)
        self._everybody[listener] = now
        for groups, key in now:
            groups.setdefault(key, {})[listener] = None
        for groups, key in before:
            if not any(groups is other and key == same for other, same in now):
                _leave(groups, key, listener)

    def remove(self, listener: Listener) -> None:
        """Take a listener out, if it is there."""
        for groups, key in self._everybody.pop(listener, ()):
            _leave(groups, key, listener)
        if self._roles.get(listener.filter.definition) == {}:
            del self._roles[listener.filter.definition]

    def _places(self, listener: Listener) -> list[Place]:
        wanted, principal = listener.filter, listener.principal
        if wanted.instance is not None:
            return [(self._instances, wanted.instance)]
        if wanted.mine:
            roles = self._roles.setdefault(wanted.definition, {})
            nobody = Principal("", principal.roles, principal.system)  # no task is assigned to them, or names them
            return [(self._names, (wanted.definition, principal.name)), (roles, nobody)]
        if wanted.definition is not None:
            return [(self._definitions, wanted.definition)]
        return [(self._all, None)]

    def interest(self, head: InstanceRow) -> Interest:
        """How much of an instance somebody wants to know."""
        if self._all or head.id in self._instances or head.root in self._instances or head.name in self._definitions:
            return Interest.ALL
        return Interest.TASKS if None in self._roles or head.name in self._roles else Interest.NONE

    def following(self, head: InstanceRow) -> list[Listener]:
        """Who follows an instance."""
        groups = [self._instances.get(head.id), self._definitions.get(head.name), self._all.get(None)]
        if head.root != head.id:
            groups.append(self._instances.get(head.root))
        return [listener for group in groups if group for listener in group if listener.filter.takes(head)]

    def concerned(self, report: Report, news: TaskNews) -> list[Listener]:
        """Who wants to know their own tasks, and may be one of those whom this one concerns."""
        found: Group = {}
        people = {name for item in news.items for name in (item.assignee, *item.users)}
        for process in (None, report.head.name):
            for name in people:
                found.update(self._names.get((process, name), {}))
            for somebody, group in self._roles.get(process, {}).items():
                assert isinstance(somebody, Principal)
                if any(concerns(somebody, report.definition, item) for item in news.items):
                    found.update(group)
        return list(found)


def _leave(groups: dict[Hashable, Group], key: Hashable, listener: Listener) -> None:
    group = groups[key]
    del group[listener]
    if not group:
        del groups[key]
