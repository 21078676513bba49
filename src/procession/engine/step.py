"""One decision being made: the verbs with which behaviors and handlers record events. Recording applies at once.

Two rules keep a decision sound. Whatever can fail (expressions, access) is evaluated before the first verb, so that a
behavior that raises `Stuck` has recorded nothing. And only verbs change anything.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NoReturn

from procession.definition import Expression, FlowNode, ProcessDefinition, SequenceFlow, Value
from procession.engine import events as e
from procession.engine.apply import APPLIERS, token_advanced, variables_set
from procession.engine.events import OUTWARD
from procession.engine.state import (
    INACTIVE,
    Call,
    Incident,
    Job,
    ProcessInstance,
    Subscription,
    Timer,
    Token,
    UserTaskItem,
    Wait,
    merge,
)
from procession.feel import Environment, describe, to_json

KINDS: dict[type, str] = {
    Job: "job",
    UserTaskItem: "task",
    Timer: "timer",
    Subscription: "subscription",
    Incident: "incident",
    Call: "call",
}


class Stuck(Exception):
    """The process's problem: becomes an incident on the token, which stays. Types are those of the exception list."""

    def __init__(self, type: str, message: str, *, source: str = "Node", cause: str = "", details: str = "") -> None:
        super().__init__(message)
        self.type, self.message, self.source, self.cause, self.details = type, message, source, cause, details


class View(Mapping[str, Any]):
    """The variables that a token sees: its scopes from the inside out."""

    __slots__ = ("chain",)

    def __init__(self, chain: list[dict[str, Any]]) -> None:
        self.chain = chain

    def get(self, name: str, default: Any = None) -> Any:
        for scope in self.chain:
            if name in scope:
                return scope[name]
        return default

    def __getitem__(self, name: str) -> Any:
        for scope in self.chain:
            if name in scope:
                return scope[name]
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return any(name in scope for scope in self.chain)

    def __iter__(self) -> Iterator[str]:
        return iter({name: None for scope in self.chain for name in scope})

    def __len__(self) -> int:
        return len({name for scope in self.chain for name in scope})


class Step:
    """A definition, a state, and what has been recorded of one decision so far."""

    __slots__ = ("actor", "at", "definition", "env", "events", "new_id", "nodes", "outward", "ready", "state")

    def __init__(
        self,
        definition: ProcessDefinition,
        state: ProcessInstance,
        at: int,
        new_id: Callable[[], int],
        actor: str,
        outward: list[e.Event],
    ) -> None:
        self.definition, self.state, self.at, self.new_id, self.actor = definition, state, at, new_id, actor
        self.nodes = definition.nodes
        self.env = Environment(at, definition.settings.zone)
        self.events: list[e.Event] = []
        self.outward = outward
        self.ready: deque[Token] = deque()
        state.at = at
        state.touched.clear()

    def record(self, event: e.Event) -> None:
        """The only way in which anything changes."""
        kind = event.__class__
        self.events.append(event)
        if kind in OUTWARD:
            self.outward.append(event)
        APPLIERS[kind](self.state, event)

    # -- reading ------------------------------------------------------------------------------------------------------

    def view(self, token: Token, inner: dict[str, Any] | None = None, *, own: bool = True) -> Mapping[str, Any]:
        """The variables that a token sees, behind `inner`; without `own` not those of the scope it owns itself."""
        state = self.state
        if not state.locals:
            return View([inner, state.variables]) if inner else state.variables
        chain: list[dict[str, Any]] = [inner] if inner else []
        if own and (mine := state.locals.get(token.id)):
            chain.append(mine)
        scope = token.scope
        while scope:
            if declared := state.locals.get(scope):
                chain.append(declared)
            scope = state.tokens[scope].scope
        chain.append(state.variables)
        return View(chain) if len(chain) > 1 else chain[0]

    def value(self, value: Value | None, variables: Mapping[str, Any]) -> Any:
        """A static text as it is, an expression evaluated, as JSON."""
        if value is None or value.__class__ is str:
            return value
        return to_json(value.fn(variables, self.env))  # type: ignore[union-attr]

    def text(self, value: Value | None, variables: Mapping[str, Any], what: str) -> str | None:
        """A value that must be a text; null stays null."""
        result = self.value(value, variables)
        if result is None or (result.__class__ is str and "\0" not in result):
            return result
        self.stuck_value(value, variables, result, what, "a string without the character NUL")

    def required(self, value: Value | None, variables: Mapping[str, Any], what: str) -> str:
        """A value that must be a text that is not empty."""
        result = self.text(value, variables, what)
        if not result:
            self.stuck_value(value, variables, result, what, "a string")
        return result

    def stuck_value(
        self, value: Value | None, variables: Mapping[str, Any], result: Any, what: str, wanted: str
    ) -> NoReturn:
        """The incident for a value of the wrong kind: what it is, from which data, and why."""
        raise Stuck("ExpressionEvaluation", f"{what} must be {wanted}: {self.explain(value, variables, result)}")

    def explain(self, value: Value | None, variables: Mapping[str, Any], result: Any) -> str:
        """`amount > 5 is null (variable 'amount' is not there) for amount = null`."""
        if value is None or isinstance(value, str):
            return f"it is {describe(result)}."
        if any(map(self._sensitive, value.names)):
            return f"the result of `{value.text}` and its data are sensitive, and not shown."
        reasons = "; ".join(reason.message for reason in value.explain(variables, self.env).reasons)
        data = self.data(value.names, variables)
        because = f" ({reasons})" if reasons else ""
        return f"`{value.text}` is {describe(result)}{because}" + (f" for {data}." if data else ".")

    def data(self, names: Iterable[str], variables: Mapping[str, Any]) -> str:
        """`amount = 5, iban = ***`: what is sensitive is not shown in any message, but for that it is missing."""
        found = [(name, variables.get(name)) for name in sorted(names)]
        return ", ".join(
            f"{name} = {'***' if value is not None and self._sensitive(name) else describe(value)}"
            for name, value in found
        )

    def _sensitive(self, name: str) -> bool:
        return any(path.partition(".")[0] == name for path in self.definition.sensitive)

    def condition(self, expression: Expression, variables: Mapping[str, Any], source: str, what: str) -> bool:
        """A condition is true or false; anything else keeps the token where it is."""
        result = expression.fn(variables, self.env)
        if result is True or result is False:
            return result
        kind = "GatewayEvaluation" if source == "Gateway" else "ConditionEvaluation"
        raise Stuck(
            kind,
            f"The condition of {what} is neither true nor false: {self.explain(expression, variables, result)} "
            "Correct the variables, or the process, and retry.",
            source=source,
            cause=expression.text,
        )

    # -- data ---------------------------------------------------------------------------------------------------------

    def write(self, token: Token, values: dict[str, Any], *, own: bool = True) -> None:
        """Merge values where their names are declared, from the token's scope outward, else into the root."""
        if not values:
            return
        state = self.state
        if not state.locals:
            self.set_root(values)
            return
        scopes = self._scopes(token, own=own)
        grouped: dict[int, dict[str, Any]] = {}
        for name, value in values.items():
            target = next((s for s in scopes if name in state.locals.get(s, ())), 0)
            grouped.setdefault(target, {})[name] = value
        for target, group in grouped.items():
            self.record(e.VariablesSet(target, group))

    def replace(self, token: Token, name: str, value: Any) -> None:
        """Put a value in the place of what is there: where its name is declared, as `write` does, but never merged."""
        scopes = self._scopes(token) if self.state.locals else []
        scope = next((s for s in scopes if name in self.state.locals.get(s, ())), 0)
        self.record(e.VariablesReplaced(scope, {name: value}))

    def _scopes(self, token: Token, *, own: bool = True) -> list[int]:
        """The scopes that a token is in, but the root, from the inside out."""
        scopes = [token.id] if own else []
        scope = token.scope
        while scope:
            scopes.append(scope)
            scope = self.state.tokens[scope].scope
        return scopes

    def set_root(self, values: dict[str, Any]) -> None:
        """Merge values into the root variables."""
        event = e.VariablesSet(0, values)
        self.events.append(event)
        variables_set(self.state, event)  # as `record` does, without asking the table at every script

    def preview(self, token: Token, values: dict[str, Any], *, own: bool = True) -> Mapping[str, Any]:
        """What the token will see once `values` are written."""
        if not values:
            return self.view(token, own=own)
        base = self.view(token, own=own)
        merged = {name: merge(base.get(name), value) if name in base else value for name, value in values.items()}
        return self.view(token, merged, own=own)

    def close_scope(self, token: Token) -> None:
        if token.id in self.state.locals:
            self.record(e.ScopeClosed(token.id))

    # -- tokens -------------------------------------------------------------------------------------------------------

    def take(self, token: Token, flow: SequenceFlow) -> Token:
        """Leave by a flow; the token stands on the next node and goes on."""
        event = e.TokenAdvanced(token.id, flow.id, flow.target)
        self.events.append(event)
        token_advanced(self.state, event)  # as `record` does, without asking the table at every node
        return token

    def create_token(
        self,
        node: str,
        *,
        parent: int | None,
        scope: int,
        flow: str | None = None,
        added: bool = False,
        item: int | None = None,
    ) -> Token:
        number = self.state.next_token
        self.record(e.TokenCreated(number, parent, scope, node, flow, added, item))
        return self.state.tokens[number]

    def split(self, token: Token, flows: list[SequenceFlow]) -> None:
        """The token becomes the parent of one child on each flow."""
        self.record(e.TokenHeld(token.id, "split", len(flows)))
        for flow in flows:
            self.ready.append(self.create_token(flow.target, parent=token.id, scope=token.scope, flow=flow.id))

    def end(self, token: Token, final: str = INACTIVE) -> None:
        """The token ends; a parent whose children are all done goes on, or ends too, and so on upwards."""
        state = self.state
        parent = state.tokens.get(token.parent) if token.parent is not None else None
        self.record(e.TokenEnded(token.id, final))
        while parent is not None and parent.finished >= parent.count:
            if parent.holding != "split":
                self.resume(parent)
                return
            above = state.tokens.get(parent.parent) if parent.parent is not None else None
            self.record(e.TokenEnded(parent.id, INACTIVE))
            parent = above

    def resume(self, token: Token) -> None:
        """What ran inside the token's activity is done: it goes on from there."""
        if token.holding == "scope":
            self.record(e.TokenResumed(token.id))
            self.ready.append(token)

    def settle_parents(self, numbers: list[int]) -> None:
        """After a join of an unstructured graph: parents that lost their last child end."""
        for number in numbers:
            parent = self.state.tokens.get(number)
            while parent is not None and parent.holding == "split" and parent.finished >= parent.count:
                above = self.state.tokens.get(parent.parent) if parent.parent is not None else None
                self.record(e.TokenEnded(parent.id, INACTIVE))
                if above is not None and above.holding != "split" and above.finished >= above.count:
                    self.resume(above)
                    break
                parent = above

    # -- ending what runs ---------------------------------------------------------------------------------------------

    def cancel_waits(self, token: Token) -> None:
        """Nothing is waited for any more."""
        for number in list(token.waits):
            self.cancel_wait(self.state.waits[number])

    def cancel_wait(self, wait: Wait) -> None:
        self.record(e.WaitCancelled(wait.id, wait.token, KINDS[wait.__class__]))

    def cancel_inside(self, token: Token, final: str) -> None:
        """End everything below a token: children, their waits and scopes; the token itself and its scope stay."""
        below: list[Token] = []
        todo = list(token.children)
        while todo:
            child = self.state.tokens[todo.pop()]
            below.append(child)
            todo.extend(child.children)
        for child in reversed(below):
            self.cancel_token(child, final)
        if token.id in self.state.loops:
            self.record(e.LoopEnded(token.id))

    def cancel_token(self, token: Token, final: str) -> None:
        """End one token whose children are gone, without letting its parent go on."""
        self.cancel_waits(token)
        if token.id in self.state.loops:
            self.record(e.LoopEnded(token.id))
        self.close_scope(token)
        self.record(e.TokenEnded(token.id, final))

    def finish(self, status: str, error: str | None = None, message: str | None = None) -> None:
        """The instance is over: what belongs to no token (its expiry) is given up with it."""
        for wait in list(self.state.waits.values()):
            self.cancel_wait(wait)
        self.record(e.InstanceEnded(status, error, message))

    def raise_incident(self, token: Token, stuck: Stuck, job: int | None = None) -> None:
        self.record(
            e.IncidentRaised(
                self.new_id(),
                token.id,
                token.node,
                f"{stuck.source} ({self.label(token.node)})",
                stuck.type,
                stuck.cause or self.label(token.node),
                stuck.message,
                stuck.details,
                job,
            )
        )

    def label(self, node: str) -> str:
        found: FlowNode | None = self.nodes.get(node)
        return (found.name or found.id) if found is not None else node
