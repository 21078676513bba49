"""What follows from the shape of the drawing alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def upstream(gateway: str, incoming: Mapping[str, str], edges: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    """For each incoming flow of an inclusive join: the nodes from which it can be reached without passing the gateway.

    `incoming` maps the id of each incoming flow to its source; `edges` are (source, target) of every flow of the scope,
    and (activity, boundary event) for every boundary event, since a token on the activity may leave by it.
    Source: BPMN 2.0, 13.4.3.
    """
    sources: dict[str, list[str]] = {}
    for source, target in edges:
        sources.setdefault(target, []).append(source)
    reach: dict[str, frozenset[str]] = {}
    for flow, origin in incoming.items():
        seen: set[str] = set()
        todo = [origin]
        while todo:
            node = todo.pop()
            if node == gateway or node in seen:
                continue
            seen.add(node)
            todo.extend(sources.get(node, ()))
        reach[flow] = frozenset(seen)
    return reach
