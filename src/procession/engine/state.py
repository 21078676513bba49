"""A process instance while it lives: the fold of its events.

Only live things are here. A token that ended, a job that was done, a resolved incident are read from history. The state is
changed in place by `apply` and by nothing else, and thrown away when a decision or a commit fails.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

# -- statuses (values of the contract) --------------------------------------------------------------------------------

CREATED, STARTED, FINISHED, EXPIRED = "CREATED", "STARTED", "FINISHED", "EXPIRED"
FAILED, TERMINATED, ON_HOLD, DISMISSED, ABORTED = "FAILED", "TERMINATED", "ON_HOLD", "DISMISSED", "ABORTED"
LIVE = frozenset({CREATED, STARTED, ON_HOLD})

ACTIVE, INACTIVE = "ACTIVE", "INACTIVE"  # of tokens, beside ON_HOLD, ABORTED, DISMISSED, EXPIRED, TERMINATED

ARRIVED, EXECUTING = "ARRIVED", "EXECUTING"
EXECUTED_PARTIAL, EXECUTED_COMPLETE = "EXECUTED_PARTIAL", "EXECUTED_COMPLETE"
WAITING_MESSAGE, MESSAGE_RECEIVED = "WAITING_MESSAGE", "MESSAGE_RECEIVED"
MESSAGE_RESPONSE_TIMED_OUT = "MESSAGE_RESPONSE_TIMED_OUT"
WAITING_MESSAGE_EVENT, WAITING_TIMER_EVENT = "WAITING_MESSAGE_EVENT", "WAITING_TIMER_EVENT"

GOING = (ARRIVED, EXECUTED_COMPLETE, MESSAGE_RESPONSE_TIMED_OUT)
"""In these a token waits for nothing on its node: its work is still to begin, or is over."""


class Token(Struct, gc=False):
    """A thread of control.

    `scope` is the token that owns the scope it runs in (0: the process itself). `holding` says what a parent is held for:
    "split" (its children run between a fork and a join), "scope" (a sub-process), "loop" (a multi-instance body), "call".
    `joined` orders the tokens that wait at a join (0: it does not wait at one). `item` is its index in a multi-instance loop.
    """

    id: int
    parent: int | None
    scope: int
    node: str
    start_node: str
    flow: str | None = None
    state: str = ACTIVE
    status: str = ARRIVED
    version: int = 1
    updated: int = 0
    holding: str = ""
    count: int = 0
    finished: int = 0
    joined: int = 0
    item: int | None = None
    children: dict[int, None] = field(default_factory=dict)  # ordered set; derived from the children's `parent`
    waits: dict[int, None] = field(default_factory=dict)  # ordered set of ids in `ProcessInstance.waits`; derived


class Loop(Struct):
    """A running multi-instance body: what it runs over (written once) and what came out so far."""

    items: list[Any]
    outputs: dict[int, Any] = field(default_factory=dict)


# -- what a token waits for; ids are global ----------------------------------------------------------------------------


class Job(Struct):
    """Work for a worker. Leases and fencing numbers are the store's, not history's."""

    id: int
    token: int
    node: str
    type: str
    retries: int
    headers: dict[str, str]
    created: int
    due: int = 0  # not handed out before; microseconds since the epoch


class UserTaskItem(Struct):
    """Work for a person."""

    id: int
    token: int
    node: str
    name: str
    lane: str | None
    created: int
    assignee: str | None = None
    groups: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    due: int | None = None
    follow_up: int | None = None
    priority: int = 50
    form: str | None = None


class Timer(Struct):
    """A moment that is waited for. `token` 0: the expiry of the instance. `number` and `anchor` place it in its cycle."""

    id: int
    token: int
    node: str
    due: int
    kind: str
    rule: str
    zone: str
    number: int = 1
    anchor: int = 0


class Subscription(Struct):
    """A message that is waited for."""

    id: int
    token: int
    node: str
    name: str
    key: str


class Incident(Struct):
    """Why a token cannot go on (the UI says: exception)."""

    id: int
    token: int
    node: str
    source: str
    type: str
    cause: str
    message: str
    details: str
    raised: int
    job: int | None = None


class Call(Struct):
    """A child instance that is waited for; its id is the child's."""

    id: int
    token: int
    node: str
    process: str


Wait = Job | UserTaskItem | Timer | Subscription | Incident | Call


class ProcessInstance(Struct, gc=False):
    """One run of a definition. Nothing in it leads back to it, so the collector need not look."""

    id: int
    definition: int = 0
    name: str = ""
    version: int = 0
    status: str = CREATED
    position: int = 0  # history rows written; the version that a commit checks
    business_key: str | None = None
    started_by: str = ""
    started: int = 0
    ended: int | None = None
    parent: int | None = None
    parent_token: int | None = None
    root: int = 0
    variables: dict[str, Any] = field(default_factory=dict)
    locals: dict[int, dict[str, Any]] = field(default_factory=dict)  # by the token that owns the scope
    tokens: dict[int, Token] = field(default_factory=dict)
    loops: dict[int, Loop] = field(default_factory=dict)
    waits: dict[int, Wait] = field(default_factory=dict)
    kept: list[bytes] = field(default_factory=list)  # commands that came while on hold
    next_token: int = 1
    next_order: int = 1  # of arrivals at joins
    incidents: int = 0  # open ones
    steps: int = 0  # nodes visited since the last wait
    at: int = 0  # time of the transaction being applied
    # derived, never stored:
    joins: dict[tuple[int, str], dict[str, list[int]]] = field(default_factory=dict)  # (scope, gateway) → flow → tokens
    scopes: dict[int, dict[int, None]] = field(default_factory=dict)  # scope → live tokens in it
    touched: set[int] = field(default_factory=set)  # scopes in which a token moved or ended, of one decision
    counted: set[int] = field(default_factory=set)  # parents that lost a child, since the last commit

    @property
    def live(self) -> bool:
        return self.status in LIVE


def ready(state: ProcessInstance, token: Token) -> bool:
    """Whether nothing but the engine keeps the token from going on. Events on its boundary may wait beside it."""
    if token.state != ACTIVE or token.joined or token.status not in GOING:
        return False
    return not token.waits or not any(isinstance(state.waits[number], Incident) for number in token.waits)


def enter_scope(state: ProcessInstance, token: Token) -> None:
    """Index a live token: by its scope, its parent, and the join that it waits at."""
    scope = state.scopes.get(token.scope)
    if scope is None:
        state.scopes[token.scope] = {token.id: None}
    else:
        scope[token.id] = None
    if token.parent is not None and (parent := state.tokens.get(token.parent)) is not None:
        parent.children[token.id] = None


def wait_at_join(state: ProcessInstance, token: Token) -> None:
    """Queue a token at the join it stands on, behind those that came by the same flow."""
    assert token.flow is not None
    state.joins.setdefault((token.scope, token.node), {}).setdefault(token.flow, []).append(token.id)


def derive(state: ProcessInstance) -> None:
    """Rebuild what is not stored, after tokens and waits were loaded."""
    for token in state.tokens.values():
        token.children, token.waits = {}, {}
    state.joins, state.scopes = {}, {}
    state.incidents = sum(isinstance(wait, Incident) for wait in state.waits.values())
    for token in sorted(state.tokens.values(), key=lambda t: t.id):
        enter_scope(state, token)
    for token in sorted((t for t in state.tokens.values() if t.joined), key=lambda t: t.joined):
        wait_at_join(state, token)
    for wait in sorted(state.waits.values(), key=lambda w: w.id):
        if wait.token in state.tokens:
            state.tokens[wait.token].waits[wait.id] = None


def visible(state: ProcessInstance, token: int) -> dict[str, Any]:
    """Every variable that a token sees: inner scopes hide outer ones."""
    chain = [state.variables]
    while token and token in state.tokens:
        if token in state.locals:
            chain.insert(1, state.locals[token])
        token = state.tokens[token].scope
    result: dict[str, Any] = {}
    for scope in chain:
        result.update(scope)
    return result


def merge(old: Any, new: Any) -> Any:
    """Objects merge deeply, everything else is replaced; null is a value. Never changes `old`."""
    if isinstance(old, dict) and isinstance(new, dict):
        result = dict(old)
        for key, value in new.items():
            result[key] = merge(result[key], value) if key in result else value
        return result
    return new


def merge_patch(old: Any, patch: Any) -> Any:
    """A JSON merge patch (RFC 7396): null removes. Never changes `old`."""
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result
