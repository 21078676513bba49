"""What one row of history says, before it is known who reads it: each piece of news decides what a reader gets of it.

Nothing is put into words before somebody gets it, and then once for all who see the same of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from msgspec import Struct
from msgspec.structs import replace

from procession.definition import ProcessDefinition
from procession.definition.iso8601 import format_instant
from procession.engine.access import Principal, permission
from procession.engine.codec import encode
from procession.engine.handlers.task import may_claim, may_see
from procession.engine.state import Incident, Token, UserTaskItem
from procession.runtime.live.filters import Filter
from procession.runtime.live.messages import Mark, Message
from procession.runtime.live.shapes import (
    AccessChange,
    DataChange,
    ExceptionChange,
    Progress,
    StatusChange,
    TaskChange,
)
from procession.runtime.views.instances import instant, text
from procession.runtime.views.masking import hidden, masked, reveals
from procession.storage import HistoryRow, InstanceRow


class Report:
    """A row of history with its news, in their order."""

    __slots__ = ("_asked", "_may", "_row", "_told", "definition", "head", "news", "number")

    def __init__(
        self, number: int, row: HistoryRow, head: InstanceRow, definition: ProcessDefinition, news: Sequence[News]
    ) -> None:
        self.number, self.head, self.definition, self.news = number, head, definition, news
        self._row = row
        self._told: dict[str, Any] | None = None
        self._may: dict[Principal, bool] = {}
        self._asked: tuple[Principal | None, bool] = None, False  # who asked last: most ask for all the news
        for index, each in enumerate(news):
            each.index = index

    @property
    def told(self) -> dict[str, Any]:
        """What every message of the row says."""
        if self._told is None:
            self._told = {
                "instance": str(self.head.id),
                "root_instance": str(self.head.root),
                "process_definition_name": self.head.name,
                "version": self.head.version,
                "at": format_instant(self._row.at),
                "seq": self._row.position,
            }
        return self._told

    def visible_to(self, principal: Principal) -> bool:
        """Whether the principal may see the instance."""
        last, may = self._asked
        if principal is not last:
            known = self._may.get(principal)
            if known is None:
                reason = permission(principal, self.definition, "view", owner=self.head.started_by)
                known = self._may[principal] = reason is None
            self._asked = principal, known
            return known
        return may

    def after(self, mark: Mark) -> Sequence[News]:
        """What is left of it for a reader who has read up to a mark."""
        return self.news[mark.index + 1 :] if mark.number == self.number else self.news

    def messages(self, news: Sequence[News], wanted: Filter, principal: Principal) -> list[Message]:
        """What a reader gets of some of its news."""
        found = [each.message(self, wanted, principal) for each in news if each.kind in wanted.kinds]
        return [message for message in found if message is not None]


class News(ABC):
    """Told to everybody who may see the instance, the same to all."""

    __slots__ = ("_message", "index")

    kind: ClassVar[str]
    index: int

    def __init__(self) -> None:
        self._message: Message | None = None

    def message(self, report: Report, wanted: Filter, principal: Principal) -> Message | None:
        """What the principal gets of it; None: nothing."""
        return self._same(report) if report.visible_to(principal) else None

    @abstractmethod
    def _data(self, report: Report) -> Struct: ...

    def _same(self, report: Report) -> Message:
        if self._message is None:
            self._message = self._encode(report, self._data(report))
        return self._message

    def _encode(self, report: Report, data: Struct) -> Message:
        return Message(self.kind, encode(data), f"{report.number}.{self.index}")


class Visit(News):
    """A token on a node, as it was last seen there."""

    __slots__ = ("node", "parent", "state", "status", "token")

    kind = "progress"

    def __init__(self, token: Token) -> None:
        super().__init__()
        self.token, self.node, self.parent = token.id, token.node, token.parent
        self.state, self.status = token.state, token.status

    def see(self, token: Token) -> None:
        """It is further."""
        self.state, self.status = token.state, token.status

    def _data(self, report: Report) -> Progress:
        return Progress(
            **report.told,
            token=str(self.token),
            parent_token=text(self.parent),
            node=self.node,
            state=self.state,
            status_current_node=self.status,
        )


class StatusNews(News):
    """The instance has another status."""

    __slots__ = ("status",)

    kind = "status"

    def __init__(self, status: str) -> None:
        super().__init__()
        self.status = status

    def _data(self, report: Report) -> StatusChange:
        return StatusChange(**report.told, status=self.status)


class ExceptionNews(News):
    """An exception was raised or resolved."""

    __slots__ = ("change", "incident")

    kind = "exception"

    def __init__(self, change: str, incident: Incident) -> None:
        super().__init__()
        self.change, self.incident = change, incident

    def _data(self, report: Report) -> ExceptionChange:
        incident = self.incident
        return ExceptionChange(
            **report.told,
            exception=str(incident.id),
            change=self.change,
            token=str(incident.token),
            node=incident.node,
            type=incident.type,
            message=incident.message,
        )


class DataNews(News):
    """A root variable. What is sensitive in it is masked for all but those who may see that too."""

    __slots__ = ("_masked", "key", "value")

    kind = "data"

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key
        self.value: Any = None
        self._masked: Message | None = None

    def message(self, report: Report, wanted: Filter, principal: Principal) -> Message | None:
        if not report.visible_to(principal):
            return None
        paths = hidden(principal, report.definition)
        if not reveals(self.key, paths):
            return self._same(report)
        if self._masked is None:
            value = masked({self.key: self.value}, paths)[self.key]
            self._masked = self._encode(report, DataChange(**report.told, key=self.key, value=value))
        return self._masked

    def _data(self, report: Report) -> DataChange:
        return DataChange(**report.told, key=self.key, value=self.value)


class TaskNews(News):
    """A user task, perhaps of somebody else before: told to those whose it was or is, or who may see it in its lane.

    Those of them who may not see the instance do not learn its business key.
    """

    __slots__ = ("_keyless", "before", "change", "item")

    kind = "task"

    def __init__(self, change: str, item: UserTaskItem, before: UserTaskItem | None = None) -> None:
        super().__init__()
        self.change, self.item, self.before = change, item, before
        self._keyless: Message | None = None

    @property
    def items(self) -> tuple[UserTaskItem, ...]:
        """The task as it was and as it is."""
        return (self.item,) if self.before is None else (self.before, self.item)

    def message(self, report: Report, wanted: Filter, principal: Principal) -> Message | None:
        rule = concerns if wanted.mine else may_see
        if not any(rule(principal, report.definition, item) for item in self.items):
            return None
        if report.head.business_key is None or report.visible_to(principal):
            return self._same(report)
        if self._keyless is None:
            self._keyless = self._encode(report, replace(self._data(report), business_key=None))
        return self._keyless

    def _data(self, report: Report) -> TaskChange:
        item, lane = self.item, report.definition.lanes.get(self.item.lane or "")
        node = report.definition.nodes.get(item.node)
        return TaskChange(
            **report.told,
            process_title=report.definition.label,
            business_key=report.head.business_key,
            stage=node.stage if node is not None else None,
            task=str(item.id),
            change=self.change,
            token=str(item.token),
            node=item.node,
            name=item.name,
            lane=lane.name if lane is not None else item.lane,
            assignee=item.assignee,
            candidate_roles=list(item.groups) or sorted(lane.access.get("execute", ()) if lane is not None else ()),
            candidate_users=list(item.users),
            date_created=format_instant(item.created),
            due=instant(item.due),
            follow_up=instant(item.follow_up),
            priority=item.priority,
            form=item.form,
        )


class AccessNews(News):
    """A token changed swimlane: told to readers of the one instance whose rights on the token changed with that."""

    __slots__ = ("_messages", "after", "before", "node", "token")

    kind = "access"

    def __init__(self, token: int, node: str, before: str | None, after: str | None) -> None:
        super().__init__()
        self.token, self.node, self.before, self.after = token, node, before, after
        self._messages: dict[tuple[bool, bool], Message] = {}

    def message(self, report: Report, wanted: Filter, principal: Principal) -> Message | None:
        if wanted.instance is None:
            return None
        rights = _rights(principal, report, self.after)
        if rights == _rights(principal, report, self.before):
            return None
        if rights not in self._messages:
            self._messages[rights] = self._encode(report, self._data(report, *rights))
        return self._messages[rights]

    def _data(self, report: Report, execute: bool = False, view: bool = False) -> AccessChange:
        lane = report.definition.lanes.get(self.after or "")
        return AccessChange(
            **report.told,
            token=str(self.token),
            node=self.node,
            lane=lane.name if lane is not None else self.after,
            execute=execute,
            view=view,
        )


def concerns(principal: Principal, definition: ProcessDefinition, item: UserTaskItem) -> bool:
    """Whether a task is assigned to the principal, or theirs to take."""
    if item.assignee is not None:
        return item.assignee == principal.name
    return may_claim(principal, definition, item) is None


def _rights(principal: Principal, report: Report, lane: str | None) -> tuple[bool, bool]:
    """Whether the principal may work, and look, in a lane."""
    definition, owner = report.definition, report.head.started_by
    execute = permission(principal, definition, "execute", lane or "")
    view = permission(principal, definition, "view", lane or "", owner=owner)
    return execute is None, view is None
