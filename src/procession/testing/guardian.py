"""What must be true of every instance after every command, whatever the process: the rules that a scenario watches.

Each rule protects a promise. History is the instance: folded again it gives the same state. The rows are the instance: read
back they give the same state. Parents know their children. Whoever does not move can say what it waits for. What ended
leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from procession.engine.apply import fold
from procession.engine.events import Event
from procession.engine.state import GOING, Call, Incident, ProcessInstance, Token

COMPARED = (
    "id",
    "definition",
    "name",
    "version",
    "status",
    "position",
    "business_key",
    "started_by",
    "started",
    "ended",
    "parent",
    "parent_token",
    "root",
    "variables",
    "kept",
    "next_token",
    "next_order",
    "incidents",
    "steps",
    "joins",
)


def folded(instance: int, history: Iterable[tuple[int, list[Event]]]) -> ProcessInstance:
    """The state that a history stands for, from nothing: (time, events) of each transaction."""
    state = ProcessInstance(instance)
    for at, events in history:
        fold(state, events, at)
    return state


def differences(one: ProcessInstance, other: ProcessInstance) -> list[str]:
    """Where two states of an instance are not the same; what is derived is compared too."""
    found = []
    for name in COMPARED:
        a, b = getattr(one, name), getattr(other, name)
        if a != b:
            found.append(f"{name}: {a!r} is not {b!r}")
    for name in ("locals", "loops", "waits", "scopes"):
        a, b = getattr(one, name), getattr(other, name)
        for key in sorted(a.keys() | b.keys()) if a != b else ():
            if _plain(a.get(key)) != _plain(b.get(key)):
                found.append(f"{name}[{key}]: {a.get(key)!r} is not {b.get(key)!r}")
    for number in sorted(one.tokens.keys() | other.tokens.keys()) if one.tokens != other.tokens else ():
        a, b = one.tokens.get(number), other.tokens.get(number)
        if a is None or b is None:
            found.append(f"token {number}: {a!r} is not {b!r}")
            continue
        for name in Token.__struct_fields__:
            left, right = getattr(a, name), getattr(b, name)
            if left != right:
                found.append(f"token {number}.{name}: {left!r} is not {right!r}")
    return found


def _plain(value: Any) -> Any:
    """A scope without variables is no scope."""
    return None if value == {} else value


def broken_rules(state: ProcessInstance) -> list[str]:
    """What a state breaks of the rules of tokens, scopes and waits; nothing where all is well."""
    if not state.live:
        return _left_behind(state)
    found = [] if state.tokens else ["the instance is live without a token"]
    for token in state.tokens.values():
        found += _placed(state, token)
        found += _held(state, token) if token.holding else _waiting(state, token)
    for number, wait in state.waits.items():
        if wait.token and wait.token not in state.tokens:
            found.append(f"{type(wait).__name__} {number} belongs to token {wait.token}, which is not live")
    found += [f"the variables of token {n} outlive it" for n in state.locals if n not in state.tokens]
    found += [f"the loop of token {n} outlives it" for n in state.loops if n not in state.tokens]
    held = {number for number, token in state.tokens.items() if token.holding == "loop"}
    found += [f"token {number} has a loop, but is not held for it" for number in state.loops.keys() - held]
    found += [f"token {number} is held for a loop that is not there" for number in held - state.loops.keys()]
    return found


def _left_behind(state: ProcessInstance) -> list[str]:
    found = []
    for name in ("tokens", "waits", "locals", "loops", "joins", "scopes"):
        if value := getattr(state, name):
            found.append(f"{state.status}, and {name} are left: {value!r}")
    return found


def _placed(state: ProcessInstance, token: Token) -> list[str]:
    found = []
    if token.parent is not None and token.parent not in state.tokens:
        found.append(f"token {token.id} has lost its parent {token.parent}")
    if token.scope and token.scope not in state.tokens:
        found.append(f"token {token.id} is in the scope of token {token.scope}, which is not live")
    if token.parent is not None and (parent := state.tokens.get(token.parent)):
        if token.id not in parent.children:
            found.append(f"token {token.id} is not known to its parent {parent.id}")
        wanted = parent.id if parent.holding in ("scope", "loop") else parent.scope
        if token.scope != wanted:
            found.append(f"token {token.id} is in scope {token.scope}, its parent {parent.id} wants {wanted}")
    return found


def _held(state: ProcessInstance, token: Token) -> list[str]:
    """A parent: it has children, and counts them."""
    found = []
    if token.state != "ON_HOLD":
        found.append(f"token {token.id} is held for a {token.holding}, but is {token.state}")
    if token.holding == "call":
        if not any(isinstance(state.waits[number], Call) for number in token.waits):
            found.append(f"token {token.id} is held for a call that is not there")
        return found
    children = [number for number in token.children if number in state.tokens]
    if len(children) != len(token.children):
        found.append(f"token {token.id} knows the children {list(token.children)}; live are only {children}")
    if not children:
        found.append(f"token {token.id} is held for a {token.holding} without children")
    open_ = token.count - token.finished
    one_by_one = token.holding == "loop" and len(children) == 1 and open_ >= 1
    if open_ != len(children) and not one_by_one:
        found.append(
            f"token {token.id} counts {token.finished} of {token.count} children finished, but has {len(children)} live"
        )
    return found


def _waiting(state: ProcessInstance, token: Token) -> list[str]:
    """A token that is not held moves, or says what it waits for."""
    if token.state != "ACTIVE":
        return [f"token {token.id} is {token.state}, but held for nothing"]
    if token.joined or state.steps:
        return []
    kinds = [type(state.waits[number]) for number in token.waits]
    if Incident in kinds:
        return []
    own = [number for number in token.waits if state.waits[number].node == token.node]
    behind = token.status == "WAITING_MESSAGE_EVENT" and token.waits
    if token.status in GOING:
        if state.status == "ON_HOLD":
            return []
        return [f"token {token.id} on {token.node} is {token.status} and waits for nothing"]
    if not own and not behind:
        return [f"token {token.id} on {token.node} is {token.status}, but waits for nothing of that node"]
    return []
