"""Random processes: structured ones, whose blocks nest, and graphs in which anything leads anywhere."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from hypothesis import strategies as st

from procession.definition import ProcessDefinition
from procession.testing import ProcessBuilder, process

LEAVES = ("user", "job", "script", "task", "timer", "message", "answer")

Block = tuple[Any, ...]


def blocks() -> st.SearchStrategy[Block]:
    """A block has one way in and one way out."""
    leaf = st.sampled_from(LEAVES).map(lambda kind: (kind,))
    return st.recursive(leaf, _compound, max_leaves=8)


def _compound(inner: st.SearchStrategy[Block]) -> st.SearchStrategy[Block]:
    several = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        st.tuples(st.just("seq"), several),
        st.tuples(st.just("and"), several),
        st.tuples(st.just("xor"), several, st.integers(0, 2)),
        st.tuples(st.just("or"), several, st.lists(st.booleans(), min_size=3, max_size=3)),
        st.tuples(st.just("loop"), inner, st.integers(1, 3)),
        st.tuples(st.just("sub"), inner, st.booleans()),
        st.tuples(st.just("each"), inner, st.integers(0, 3), st.booleans()),
        st.tuples(st.just("items"), st.sampled_from(["user", "job", "script"]), st.integers(0, 3), st.booleans()),
        st.tuples(st.just("watched"), inner, inner, st.booleans()),
    )


class Drawer:
    """Draws blocks, each node with a number of its own."""

    def __init__(self) -> None:
        self.number = count(1)

    def name(self, kind: str) -> str:
        return f"{kind}{next(self.number)}"

    def draw(self, b: ProcessBuilder, block: Block) -> None:
        getattr(self, f"_{block[0]}")(b, *block[1:])

    def _user(self, b: ProcessBuilder) -> None:
        b.user_task(self.name("user"))

    def _job(self, b: ProcessBuilder) -> None:
        name = self.name("job")
        b.service_task(name, inputs={f"in_{name}": "=x"}, outputs={f"out_{name}": f"=in_{name}"})

    def _script(self, b: ProcessBuilder) -> None:
        b.script(self.name("script"), "=if x = null then 1 else x + 1", "x")

    def _task(self, b: ProcessBuilder) -> None:
        b.task(self.name("task"))

    def _timer(self, b: ProcessBuilder) -> None:
        b.catch_timer(self.name("timer"), "PT1H")

    def _message(self, b: ProcessBuilder) -> None:
        b.catch_message(self.name("message"), "m", '="k"', outputs={"x": "=x"})

    def _answer(self, b: ProcessBuilder) -> None:
        b.receive(self.name("answer"), streams={"engine.receive.t": "x"}, response_timeout="PT1H")

    def _seq(self, b: ProcessBuilder, inner: list[Block]) -> None:
        for block in inner:
            self.draw(b, block)

    def _and(self, b: ProcessBuilder, inner: list[Block]) -> None:
        self._fan(b, inner, "parallel", [None] * len(inner))

    def _xor(self, b: ProcessBuilder, inner: list[Block], chosen: int) -> None:
        self._fan(b, inner, "exclusive", [number == chosen for number in range(len(inner))])

    def _or(self, b: ProcessBuilder, inner: list[Block], chosen: list[bool]) -> None:
        self._fan(b, inner, "inclusive", list(chosen[: len(inner)]))

    def _fan(self, b: ProcessBuilder, inner: list[Block], kind: str, chosen: list[bool | None]) -> None:
        split, join = self.name("split"), self.name("join")
        getattr(b, kind)(split)
        for number, block in enumerate(inner):
            b.back_to(split)
            if chosen[number] is not None:
                last = number == len(inner) - 1
                b = b.otherwise() if last else b.when(f"={str(chosen[number]).lower()}")
            self.draw(b, block)
            if number == 0:
                getattr(b, kind)(join)
            else:
                b.to(join)
        b.back_to(join)

    def _loop(self, b: ProcessBuilder, inner: Block, times: int) -> None:
        turn, merge, enough = self.name("turn"), self.name("merge"), self.name("enough")
        b.script(f"zero_{turn}", "=0", turn).exclusive(merge)
        self.draw(b, inner)
        b.script(f"next_{turn}", f"={turn} + 1", turn).exclusive(enough)
        b.when(f"={turn} < {times}").to(merge).back_to(enough).otherwise()
        b.task(self.name("out"))

    def _sub(self, b: ProcessBuilder, inner: Block, scoped: bool) -> None:
        b.sub_process(self.name("sub"), self.inside(inner), inputs={"x": "=1"} if scoped else None)

    def _each(self, b: ProcessBuilder, inner: Block, items: int, sequential: bool) -> None:
        name = self.name("each")
        b.sub_process(name, self.inside(inner))
        b.multi_instance(
            f"={list(range(items))}",
            element="item",
            output_collection=f"out_{name}",
            output_element="=item",
            sequential=sequential,
        )

    def _items(self, b: ProcessBuilder, kind: str, items: int, sequential: bool) -> None:
        self.draw(b, (kind,))
        b.multi_instance(f"={list(range(items))}", element="item", sequential=sequential)

    def _watched(self, b: ProcessBuilder, inner: Block, after: Block, interrupting: bool) -> None:
        name, merge = self.name("watched"), self.name("merge")
        b.sub_process(name, self.inside(inner)).exclusive(merge)
        b.boundary_timer(name, duration="PT30M", interrupting=interrupting)
        self.draw(b, after)
        if interrupting:
            b.to(merge)
        else:
            b.end()
        b.back_to(merge)

    def inside(self, block: Block) -> ProcessBuilder:
        inner = process("inner").start()
        self.draw(inner, block)
        return inner.end()


def structured(block: Block) -> ProcessDefinition:
    """The process of one block: it always comes to its end."""
    builder = process("structured").start()
    Drawer().draw(builder, block)
    return builder.end().definition()


# -- anything leads anywhere ----------------------------------------------------------------------------------------------

KINDS = ("user", "job", "task", "exclusive", "parallel", "inclusive", "end", "watched")

Graph = tuple[list[str], list[tuple[int, int, int]]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Nodes by kind, and flows between them: source, target, and a number for the condition."""
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=3, max_size=9))
    node = st.integers(0, len(kinds) - 1)
    flows = draw(st.lists(st.tuples(node, node, st.integers(0, 3)), min_size=2, max_size=14, unique_by=lambda f: f[:2]))
    return kinds, flows


def unstructured(graph: Graph) -> ProcessDefinition:
    """The process of a graph. It may loop, deadlock, or end early; it must never be wrong about it."""
    kinds, flows = graph
    b = process("graph").start("begin")
    names = [f"{kind}{number}" for number, kind in enumerate(kinds)]
    for name, kind in zip(names, kinds, strict=True):
        b.back_to("begin")
        _DRAW[kind](b, name)
    b._flows.clear()  # the chain drew a flow to every node: only the first one stays
    b.back_to("begin").to(names[0])
    seen: set[int] = set()
    for source, target, condition in flows:
        if kinds[source] == "end":
            continue
        b.back_to(names[source])
        if kinds[source] in ("exclusive", "inclusive"):
            b = b.when(f"=x > {condition}") if source in seen else b.otherwise()
        seen.add(source)
        b.to(names[target])
    for number, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        if kind == "watched":
            b.boundary_timer(name, duration="PT1H", interrupting=number % 2 == 0)
            b.to(names[(number + 1) % len(names)])
    return b.definition()


_DRAW: dict[str, Callable[[ProcessBuilder, str], ProcessBuilder]] = {
    "user": lambda b, name: b.user_task(name),
    "watched": lambda b, name: b.user_task(name),
    "job": lambda b, name: b.service_task(name),
    "task": lambda b, name: b.task(name),
    "exclusive": lambda b, name: b.exclusive(name),
    "parallel": lambda b, name: b.parallel(name),
    "inclusive": lambda b, name: b.inclusive(name),
    "end": lambda b, name: b.end(name),
}
