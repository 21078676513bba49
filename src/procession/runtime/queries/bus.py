"""Questions about the bus: what goes over it, what waits, and which processes take part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from procession.bus.topics import KINDS, Naming, kind_of
from procession.definition import Activity, EndEvent, FlowNode, IntermediateThrowEvent, ProcessDefinition, SendTask
from procession.engine.access import require_role
from procession.runtime import views as v
from procession.runtime.definitions import PUBLISHED
from procession.runtime.exchange.rates import Rate
from procession.runtime.exchange.watch import Sight
from procession.runtime.queries.asking import Asking
from procession.storage import DefinitionRow, TopicBacklog

NONE = Rate(0, 0.0)
OF_PROCESSES = "Records of processes"


class BusQueries(Asking):
    """What operators see of the bus."""

    async def bus(self, sight: Sight) -> v.BusView:
        """The bus with its topics, and who takes part."""
        require_role(self._principal, "see the bus", "operator")
        backlog = _by_topic(await self._storage.topic_backlog(), self._naming)
        integrations = await self._integrations()
        since = [each.since for each in backlog.values() if each.since is not None]
        return v.BusView(
            kind=sight.kind,
            url=sight.url,
            group=sight.group,
            errors=dict(sight.errors),
            looked=v.instant(sight.seen.at),
            waiting=sum(each.records for each in backlog.values()),
            waiting_since=v.instant(min(since, default=None)),
            dead_letters=sum(each.letters for each in backlog.values()),
            topics=_topics(sight, backlog, integrations, self._naming),
            integrations=integrations,
        )

    async def _integrations(self) -> list[v.IntegrationView]:
        rows = await self._storage.definitions(None, (PUBLISHED,))
        found = [self._integration(row, await self._definitions.compiled(row.id)) for row in rows]
        taking_part = [each for each in found if each.sends or each.receives]
        return sorted(taking_part, key=lambda each: each.process_definition_name)

    def _integration(self, row: DefinitionRow, definition: ProcessDefinition) -> v.IntegrationView:
        sends = [(node, topic) for node in definition.nodes.values() for topic in _sends(node)]
        receives = [(node, topic) for node in definition.nodes.values() for topic in _receives(node)]
        return v.IntegrationView(
            process_definition_name=row.name,
            process_title=definition.label,
            version=row.version,
            sends=[self._use(node, topic) for node, topic in sends],
            receives=[self._use(node, topic) for node, topic in receives],
        )

    def _use(self, node: FlowNode, topic: str) -> v.TopicUse:
        full = topic if _is_open(topic) else self._naming.full(topic)
        return v.TopicUse(topic=full, name=self._naming.short(topic), node=node.id, node_name=node.name or node.id)


def _sends(node: FlowNode) -> Iterable[str]:
    records = node.records if isinstance(node, SendTask | IntermediateThrowEvent | EndEvent) else ()
    return dict.fromkeys(record.topic for record in records)


def _receives(node: FlowNode) -> Iterable[str]:
    return [stream.topic for stream in node.streams] if isinstance(node, Activity) else ()


def _is_open(topic: str) -> bool:
    """Whether it is only known when it is sent."""
    return "${" in topic


def _by_topic(rows: Sequence[TopicBacklog], naming: Naming) -> dict[str, TopicBacklog]:
    """By full name: a process may have called a topic by either."""
    found: dict[str, TopicBacklog] = {}
    for row in rows:
        name = naming.full(row.topic)
        before = found.get(name, TopicBacklog(name, 0, None, 0))
        since = min((each for each in (before.since, row.since) if each is not None), default=None)
        found[name] = TopicBacklog(name, before.records + row.records, since, before.letters + row.letters)
    return found


def _topics(
    sight: Sight, backlog: dict[str, TopicBacklog], integrations: Sequence[v.IntegrationView], naming: Naming
) -> list[v.TopicView]:
    ours = [naming.full(kind.name) for kind in KINDS if not kind.name.endswith(".")]
    there = [topic for topic in sight.seen.topics if naming.short(topic) != topic]
    named = [use.topic for each in integrations for use in (*each.sends, *each.receives) if not _is_open(use.topic)]
    names = {*ours, *there, *named, *backlog, *sight.received, *sight.sent, *sight.seen.lag}
    found = [_topic(name, sight, backlog.get(name), naming) for name in names]
    return sorted(found, key=lambda each: each.name)


def _topic(topic: str, sight: Sight, backlog: TopicBacklog | None, naming: Naming) -> v.TopicView:
    name, state, lag = naming.short(topic), sight.seen.topics.get(topic), sight.seen.lag.get(topic)
    kind = kind_of(name)
    came = topic in sight.received or lag is not None
    return v.TopicView(
        topic=topic,
        name=name,
        title=OF_PROCESSES if kind is None else kind.title,
        direction=kind.direction if kind is not None else "in" if came else "out",
        partitions=None if state is None else state.partitions,
        lag=lag,
        received=_flow(sight.received.get(topic, NONE)),
        sent=_flow(sight.sent.get(topic, NONE)),
        waiting=0 if backlog is None else backlog.records,
        waiting_since=None if backlog is None else v.instant(backlog.since),
        dead_letters=0 if backlog is None else backlog.letters,
    )


def _flow(rate: Rate) -> v.FlowView:
    return v.FlowView(count=rate.total, per_second=round(rate.a_second, 3))
