"""What follows from the shape of the drawing alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


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


def in_order(starts: Iterable[str], following: Mapping[str, Sequence[str]]) -> list[str]:
    """The nodes that can be reached from the starts: each behind those that lead to it, but for flows that go back.

    `following` has what comes after a node, in the order in which it is to come.
    """
    order: list[str] = []
    seen: set[str] = set()
    for start in reversed([*starts]):
        if start in seen:
            continue
        seen.add(start)
        trail = [(start, [*following.get(start, ())])]
        while trail:
            node, after = trail[-1]
            if not after:
                order.append(node)
                trail.pop()
            elif (target := after.pop()) not in seen:
                seen.add(target)
                trail.append((target, [*following.get(target, ())]))
    return order[::-1]
