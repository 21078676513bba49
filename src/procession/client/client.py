"""The calls of a server, with the names, parameters and results that they have on an `Engine`."""

from __future__ import annotations

import io
import os
import weakref
import zipfile
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote
from uuid import uuid4

from msgspec import Struct

from procession.client.connection import Connection, Request, query_string
from procession.client.credentials import credentials
from procession.client.events import Events
from procession.client.refusals import refusal
from procession.definition.iso8601 import format_instant
from procession.engine.codec import encode
from procession.errors import CommandRejected, ProcessionError
from procession.runtime import checks
from procession.runtime import views as v
from procession.runtime.files import gathered, is_form
from procession.runtime.reports import Report

T = TypeVar("T")

Span = float | timedelta
"""Seconds, or a timedelta."""

MOST_REPORTS, LARGEST_REPORTS = 1000, 900_000
"""Reports and bytes of one request: a little less than a server takes."""

START_LIMIT = 1_000_000
"""Bytes of start data, as JSON: more is refused before it is sent."""

RESERVED = ("startCondition", "businessKey", "flowName", "paramsToInherit")
"""Names in the data of a start that mean something to the server."""

ABSENT = {
    "as_user": "Make another Client with the credentials of that user.",
    "as_principal": "Make another Client with the credentials of that user.",
    "users": "Users are managed where the server runs: `procession users`.",
    "submit": "Requests of several threads share a commit by themselves; see also report_jobs.",
    "wait": "Requests of several threads share a commit by themselves; see also report_jobs.",
    "ask_start": "Requests of several threads share a commit by themselves.",
    "ask_complete_task": "Requests of several threads share a commit by themselves.",
    "ask_complete_job": "Requests of several threads share a commit by themselves; see also report_jobs.",
    "run_due": "A server does by itself what comes due.",
    "clean_up": "End instances with `terminate`, or where the server runs.",
    "stuck": "It is looked for where the server runs.",
    "counts": "GET /metrics has the numbers of a server.",
    "storage": "The store is the server's.",
    "clock": "The clock is the server's.",
}
"""What an `Engine` has and a client has not, and what to do instead."""


class _Items(Struct):
    items: list[v.DefinitionView]


class _Done(Struct):
    instance: str


class _Answer(Struct):
    id: str
    status: int
    problem: dict[str, Any] | None = None


class _Listed(Struct, rename="camel"):
    last_event_id: str | None = None


class Client:
    """A server at `url`, asked over HTTP. Thread-safe; the methods are those of `Engine`, and so are the exceptions.

    Who asks: `token`, an access token; or `user` and `password`, with which the client logs in and stays logged in. What is not
    given comes from the environment: PROCESSION_URL, PROCESSION_TOKEN, PROCESSION_USER, PROCESSION_PASSWORD.

    A call takes `timeout` seconds at most. Within them it is sent again when the server was not reached, and when it is safe:
    reading, deploying, starting an instance and publishing a message (they carry a key, so that they take effect once). Of
    anything else whose answer is lost an `AnswerLost` says so: look before you repeat it.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        user: str | None = None,
        password: str | None = None,
        timeout: float = 30.0,
    ) -> None:
        url = url or os.environ.get("PROCESSION_URL") or None
        if url is None:
            raise ProcessionError("There is no server: give its address, or set PROCESSION_URL to it.")
        if timeout <= 0:
            raise ProcessionError(f"A request takes some time, so timeout={timeout} makes no sense.")
        self._connection = Connection(url, credentials(token, user, password), timeout)
        self.url = self._connection.url
        self._following: weakref.WeakSet[Events] = weakref.WeakSet()

    def apart(self, timeout: float) -> Client:
        """The same server and credentials by connections of its own, and nothing is repeated: for those who do that."""
        other = object.__new__(Client)
        other._connection, other.url = self._connection.apart(timeout, patient=False), self.url
        other._following = weakref.WeakSet()
        return other

    def hang_up(self) -> None:
        """Ask nothing more, and let the server end what waits; an answer that is on its way still arrives."""
        self._connection.hang_up()

    def close(self) -> None:
        """End every connection, and what waits in one: events, long polls, requests of other threads."""
        self._connection.close()
        for events in list(self._following):
            events.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            reason = f" {ABSENT[name]}" if name in ABSENT else ""
            raise AttributeError(f"A Client has no {name!r}.{reason}", name=name, obj=self)

    # -- definitions --------------------------------------------------------------------------------------------------

    def deploy(self, *files: str | Path | tuple[str, bytes], publish: bool = False) -> list[v.DefinitionView]:
        """Add BPMN files with their forms, all or none (`InvalidDefinition` lists every problem).

        The forms that lie beside a file are taken along; of names and bytes all are given. The same bytes keep their version.
        """
        contents = [(checks.remark(file.name), file.data) for file in gathered(files)]
        if not contents:
            return []
        file = None
        if len(contents) == 1 and not is_form(contents[0][0]):
            ((file, data),) = contents
            media = "application/xml"
        else:
            data, media = _zipped(contents), "application/zip"
        path = "/api/definitions" + query_string({"publish": publish, "file": file})
        # the same bytes keep their version, so a repetition changes nothing
        answer = self._connection.send(Request("POST", path, data, {"Content-Type": media}, safe=True))
        return self._connection.decoded(answer, _Items).items

    def publish(self, name: str, version: int | None = None) -> v.DefinitionView:
        """Make a version (the newest) the one that is started."""
        return self._call("POST", self._version(name, version) + "/publish", v.DefinitionView, safe=True)

    def deprecate(self, name: str, version: int | None = None) -> v.DefinitionView:
        """Start no more instances of a version."""
        return self._call("POST", self._version(name, version) + "/deprecate", v.DefinitionView, safe=True)

    def definitions(self, name: str | None = None) -> list[v.DefinitionView]:
        """Every version of every process (or of one), newest first."""
        name, found, cursor = checks.maybe_text(name, "The process"), [], None
        while True:
            page = self._call(
                "GET", "/api/definitions", v.Page[v.DefinitionView], {"name": name, "limit": 1000, "cursor": cursor}
            )
            found += page.items
            cursor = page.next
            if cursor is None:
                return found

    def definition(self, name: str, version: int | None = None) -> v.DefinitionDetail:
        """One version (the newest) with its start nodes, lanes, nodes and data model."""
        return self._call("GET", self._version(name, version), v.DefinitionDetail)

    def definition_file(self, name: str, version: int | None = None) -> bytes:
        """The file of a version, byte for byte as it was added."""
        path = self._version(name, version) + "/xml"
        data: bytes = self._connection.send(Request("GET", path, safe=True)).content
        return data

    def definition_form(self, name: str, key: str, version: int | None = None) -> bytes:
        """A form of a version, byte for byte as it was added; `key` is what the process calls it."""
        path = f"{self._version(name, version)}/forms/{_part(checks.text(key, 'The form'))}"
        data: bytes = self._connection.send(Request("GET", path, safe=True)).content
        return data

    # -- instances ----------------------------------------------------------------------------------------------------

    def start(
        self,
        name: str,
        variables: Mapping[str, Any] | None = None,
        *,
        start_condition: str | None = None,
        business_key: str | None = None,
        idempotency_key: str | None = None,
        inherit_from: str | int | None = None,
        params_to_copy: Sequence[str] = (),
        without_params: Sequence[str] = (),
    ) -> v.InstanceView:
        """Start the published version; answers when the instance waits or has ended. Refusals are those of the contract.

        Without an `idempotency_key` it gets one of its own, so that a lost connection never starts two.
        """
        body = checks.document(variables, START_LIMIT)
        for reserved in RESERVED:
            if reserved in body:
                detail = f"'{reserved}' has a meaning of its own in a start over HTTP, and cannot be a variable."
                raise checks.not_valid(detail, f"/{reserved}")
        if start_condition is not None:
            body["startCondition"] = checks.text(start_condition, "The start condition")
        if business_key is not None:
            body["businessKey"] = checks.text(business_key, "The business key")
        path = f"/api/process/{_part(checks.text(name, 'The process'))}/start"
        if inherit_from is not None:
            path += f"/inheritFrom/{checks.identity(inherit_from, 'Process instance')}"
            body["paramsToInherit"] = {"paramsToCopy": list(params_to_copy), "withoutParams": list(without_params)}
        return self._call("POST", path, v.InstanceView, body=body, key=_key(idempotency_key))

    def instance(self, id: str | int) -> v.InstanceView:
        """Everything about an instance."""
        return self._call("GET", _instance(id), v.InstanceView)

    def instances(
        self,
        *,
        definition: str | None = None,
        version: int | None = None,
        status: str | Sequence[str] = (),
        business_key: str | None = None,
        parent: str | int | None = None,
        node: str | None = None,
        text: str | None = None,
        started_by: str | None = None,
        started_after: int | None = None,
        started_before: int | None = None,
        exceptions: bool | None = None,
        variables: Mapping[str, Any] | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> v.Page[v.InstanceSummary]:
        """Search, newest first."""
        query = {
            "definition": checks.maybe_text(definition, "The process"),
            "version": version,
            "status": (status if isinstance(status, str) else ",".join(status)) or None,
            "businessKey": checks.maybe_text(business_key, "The business key"),
            "parent": None if parent is None else checks.identity(parent, "Process instance"),
            "node": checks.maybe_text(node, "The node"),
            "q": checks.maybe_text(text, "The text to look for"),
            "startedBy": checks.maybe_text(started_by, "The user"),
            "startedAfter": None if started_after is None else format_instant(started_after),
            "startedBefore": None if started_before is None else format_instant(started_before),
            "exceptions": exceptions,
            "limit": limit,
            "cursor": cursor,
        }
        for path, value in checks.document(variables).items():
            query[f"var.{path}"] = encode(value).decode()
        return self._call("GET", "/api/instances", v.Page[v.InstanceSummary], query)

    def history(
        self, id: str | int, after: int = 0, limit: int = 1000, kinds: Sequence[str] = ()
    ) -> list[v.HistoryView]:
        """The event log of an instance, oldest first; with `kinds` only the events of these."""
        query = {"after": after, "limit": limit, "kinds": ",".join(kinds) or None}
        return self._call("GET", _instance(id) + "/history", v.Page[v.HistoryView], query).items

    def tokens(self, id: str | int, finished: bool = True) -> list[v.TokenView]:
        """Tokens with the nodes they visited; of those that ended the latest 1,000."""
        return self._call("GET", _instance(id) + "/tokens", v.Page[v.TokenView], {"finished": finished}).items

    def progress(self, id: str | int) -> v.ProgressView:
        """How far an instance is, in stages and steps: for the person who started it."""
        return self._call("GET", _instance(id) + "/progress", v.ProgressView)

    def data(self, id: str | int, node: str) -> v.NodeDataView:
        """What a screen of a node needs: the data that its token sees, and what can be done there."""
        number, node = checks.identity(id, "Process instance"), checks.text(node, "The node")
        return self._call("GET", f"/api/process/{number}/data/{_part(node)}", v.NodeDataView)

    def exceptions(
        self, id: str | int | None = None, open_only: bool = False, limit: int = 100
    ) -> list[v.ExceptionView]:
        """Exceptions of an instance, or of all, newest first."""
        path = "/api/exceptions" if id is None else _instance(id) + "/exceptions"
        return self._call("GET", path, v.Page[v.ExceptionView], {"open": open_only, "limit": limit}).items

    def records(self, id: str | int, limit: int = 50, cursor: str | None = None) -> v.Page[v.RecordView]:
        """What an instance sent and received on topics, and letters about it, oldest first."""
        query = {"limit": limit, "cursor": cursor}
        return self._call("GET", _instance(id) + "/records", v.Page[v.RecordView], query)

    def state_at(self, id: str | int, position: int) -> v.InstanceView:
        """The instance as it was at a position of its history."""
        return self._call("GET", _instance(id) + "/state", v.InstanceView, {"at": position})

    def failed_starts(self, limit: int = 50, cursor: str | None = None) -> v.Page[v.FailedStartView]:
        """Starts that were refused, newest first."""
        query = {"limit": limit, "cursor": cursor}
        return self._call("GET", "/api/failed-starts", v.Page[v.FailedStartView], query)

    def letters(self, states: Sequence[str] = (), limit: int = 50, cursor: str | None = None) -> v.Page[v.LetterView]:
        """Records that could not be handled, newest first: waiting, dead, replayed, dismissed, or all."""
        query = {"state": ",".join(states) or None, "limit": limit, "cursor": cursor}
        return self._call("GET", "/api/dead-letters", v.Page[v.LetterView], query)

    def letter(self, id: str | int) -> v.LetterView:
        """One of them."""
        return self._call("GET", _letter(id), v.LetterView)

    def replay_letter(self, id: str | int) -> v.LetterView:
        """Publish the record of a letter anew on its topic, after the repair."""
        return self._call("POST", _letter(id) + "/replay", v.LetterView)

    def dismiss_letter(self, id: str | int) -> v.LetterView:
        """Leave it at that: the record is kept, and nothing is done with it."""
        return self._call("POST", _letter(id) + "/dismiss", v.LetterView)

    def bus(self) -> v.BusView:
        """The bus: its topics, what waits, what cannot be done now, and which processes take part."""
        return self._call("GET", "/api/bus", v.BusView)

    def audit(self, id: str | int | None = None, limit: int = 50, cursor: str | None = None) -> v.Page[v.AuditView]:
        """Who did what to an instance, or to anything at all, newest first."""
        path = "/api/audit" if id is None else _instance(id) + "/audit"
        return self._call("GET", path, v.Page[v.AuditView], {"limit": limit, "cursor": cursor})

    def hold(self, id: str | int, reason: str = "") -> v.InstanceView:
        """Nothing goes on until it is resumed."""
        return self._operate(id, "HOLD", reason)

    def unhold(self, id: str | int, reason: str = "") -> v.InstanceView:
        """Resume; what came in the meantime takes effect."""
        return self._operate(id, "UNHOLD", reason)

    def terminate(self, id: str | int, reason: str = "") -> v.InstanceView:
        """End an instance and its children."""
        return self._operate(id, "TERMINATE", reason)

    def dismiss(self, id: str | int, reason: str = "") -> v.InstanceView:
        """Give up a child instance; its parent goes on without a result."""
        return self._operate(id, "DISMISS", reason)

    def set_variables(self, id: str | int, patch: Mapping[str, Any], reason: str = "") -> v.InstanceView:
        """Apply a JSON merge patch to the root variables."""
        query = {"reason": checks.remark(reason) or None}
        body = checks.document(patch)
        return self._call("PATCH", _instance(id) + "/variables", v.InstanceView, query, body=body)

    def retry(
        self, id: str | int, token: str | int | None = None, *, retries: int = 1, reason: str = ""
    ) -> v.InstanceView:
        """Let a token with an exception (or every one) go on after the repair."""
        path, body = _instance(id), {"retries": checks.number(retries, "retries", 1), "reason": checks.remark(reason)}
        if token is None:
            view = self.instance(id)
            stuck = sorted({int(exception.token_id) for exception in view.exceptions})
            if not stuck:
                raise CommandRejected(
                    409, "Token has no exception.", "There is nothing to retry.", key="error.state.no_exception"
                )
        else:
            stuck = [checks.identity(token, "Token")]
        for item in stuck:
            view = self._call("POST", f"{path}/tokens/{item}/retry", v.InstanceView, body=body)
        return view

    def preview(
        self,
        id: str | int,
        operation: str,
        *,
        token: str | int | None = None,
        retries: int | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> v.PreviewView:
        """What HOLD, UNHOLD, TERMINATE, DISMISS, RETRY (of a `token`) or SET_VARIABLES would do. Nothing is done."""
        given = {
            "token": None if token is None else str(checks.identity(token, "Token")),
            "retries": retries,
            "variables": None if variables is None else checks.document(variables),
        }
        body = {"operation": operation, **{name: value for name, value in given.items() if value is not None}}
        return self._call("POST", _instance(id) + "/preview", v.PreviewView, body=body, safe=True)

    # -- people -------------------------------------------------------------------------------------------------------

    def me(self) -> v.MeView:
        """Who asks, until when, and what they may do."""
        return self._call("GET", "/api/auth/me", v.MeView)

    def tasks(
        self,
        *,
        scope: str = "all",
        instance: str | int | None = None,
        definition: str | None = None,
        node: str | None = None,
        text: str | None = None,
        sort: str = "newest",
        limit: int = 50,
        cursor: str | None = None,
    ) -> v.Page[v.TaskView]:
        """Open user tasks: mine, free, or all that one may see; newest first, or by `due` date."""
        query = {
            "scope": scope,
            "instance": None if instance is None else checks.identity(instance, "Process instance"),
            "definition": checks.maybe_text(definition, "The process"),
            "node": checks.maybe_text(node, "The node"),
            "q": checks.maybe_text(text, "The text to look for"),
            "sort": sort,
            "limit": limit,
            "cursor": cursor,
        }
        return self._call("GET", "/api/tasks", v.Page[v.TaskView], query)

    def task(self, id: str | int) -> v.TaskView:
        """An open user task."""
        return self._call("GET", _task(id), v.TaskView)

    def task_form(self, task: str | int) -> v.TaskFormView:
        """What a screen of an open task needs: its form, the data that it sees, instructions."""
        return self._call("GET", _task(task) + "/form", v.TaskFormView)

    def claim(self, task: str | int) -> v.TaskView:
        """Take a task."""
        return self._call("POST", _task(task) + "/claim", v.TaskView)

    def release(self, task: str | int) -> v.TaskView:
        """Give a task back."""
        return self._call("POST", _task(task) + "/unclaim", v.TaskView)

    def assign(self, task: str | int, user: str | None) -> v.TaskView:
        """Give a task to somebody (None: to nobody)."""
        body = {"assignee": checks.maybe_text(user, "The user")}
        return self._call("POST", _task(task) + "/assign", v.TaskView, body=body)

    def complete_task(self, task: str | int, variables: Mapping[str, Any] | None = None) -> v.InstanceView:
        """Finish a task with its result; answers when the instance waits again or has ended.

        It is not sent again when its answer is lost (`AnswerLost`): `task` then tells whether the task is still there.
        """
        body = {"variables": checks.document(variables)}
        return self._call("POST", _task(task) + "/complete", v.InstanceView, body=body)

    # -- workers ------------------------------------------------------------------------------------------------------

    def activate_jobs(
        self,
        type: str,
        *,
        worker: str = "worker",
        max_jobs: int = 1,
        lock: Span = 300.0,
        fetch: Sequence[str] | None = None,
        wait: Span = 0.0,
    ) -> list[v.JobView]:
        """Take jobs of a type for as long as `lock`. Each carries a fencing number that its result must carry too.

        `fetch` names the variables that the worker needs; None gives it all that the job sees, however big they are. Where there
        is no job it answers when one appears, or after `wait`. When the answer is lost, nobody has the jobs until `lock` is over.
        """
        limit = checks.number(max_jobs, "max_jobs", 0)
        waiting = checks.span(wait, "wait") / 1_000_000
        body = {
            "type": checks.text(type, "The type of a job"),
            "worker": checks.text(worker, "The name of a worker"),
            "maxJobs": limit,
            "lockMs": _milliseconds(lock, "lock"),
            "waitMs": int(waiting * 1000),
            "fetchVariables": None if fetch is None else list(fetch),
        }
        if not limit:
            return []
        page = self._call("POST", "/api/jobs/activate", v.Page[v.JobView], body=body, wait=waiting)
        return page.items

    def complete_job(self, id: str | int, token: int | None, variables: Mapping[str, Any] | None = None) -> str:
        """Hand in the result of a job; the id of its instance."""
        return self._job(id, "complete", {"token": token, "variables": checks.document(variables)})

    def fail_job(
        self, id: str | int, token: int | None, message: str, *, retries: int | None = None, backoff: Span = 0.0
    ) -> str:
        """A job could not be done: it is handed out again after `backoff`, or needs a repair once no retries are left."""
        pause = _milliseconds(backoff, "backoff")
        body = {"token": token, "message": checks.remark(message), "retries": retries, "backoffMs": pause}
        return self._job(id, "fail", body)

    def throw_error(
        self,
        id: str | int,
        token: int | None,
        code: str,
        message: str = "",
        variables: Mapping[str, Any] | None = None,
    ) -> str:
        """A job ends with a BPMN error, for a boundary event to catch."""
        code, message = checks.text(code, "The code of an error"), checks.remark(message)
        body = {"token": token, "code": code, "message": message, "variables": checks.document(variables)}
        return self._job(id, "error", body)

    def extend_job(self, id: str | int, token: int, lock: Span) -> bool:
        """Keep a job longer; False if it is not the caller's any more."""
        return self._lease(id, "extend", {"token": token, "lockMs": _milliseconds(lock, "lock")})

    def release_job(self, id: str | int, token: int) -> bool:
        """Give a job back untouched; False if it is not the caller's any more."""
        return self._lease(id, "release", {"token": token})

    def report_jobs(self, reports: Sequence[Report]) -> list[Exception | None]:
        """Hand in many reports at once; for each what went wrong, or None. Each takes effect, or not, on its own."""
        outcomes: list[Exception | None] = [None] * len(reports)
        request: list[tuple[int, bytes]] = []
        size = 0
        for place, report in enumerate(reports):
            try:
                checks.identity(report.id, "Job")
                checks.document(report.variables)
                encoded = encode(report)
            except (ProcessionError, TypeError, ValueError) as error:
                outcomes[place] = error
                continue
            if request and (len(request) == MOST_REPORTS or size + len(encoded) > LARGEST_REPORTS):
                self._send_reports(request, outcomes)
                request, size = [], 0
            request.append((place, encoded))
            size += len(encoded)
        if request:
            self._send_reports(request, outcomes)
        return outcomes

    # -- messages, and what happens -----------------------------------------------------------------------------------

    def publish_message(
        self,
        name: str,
        key: str | float | Decimal | None = None,
        variables: Mapping[str, Any] | None = None,
        *,
        message_id: str | None = None,
        ttl: Span = 3600.0,
        idempotency_key: str | None = None,
    ) -> v.MessageView:
        """Publish a BPMN message; nobody waiting, it is kept for `ttl`. One with an id takes effect once.

        An id is the message's, whoever sends it; a key is the request's: a repetition gets the first answer again.
        """
        body = {
            "name": checks.text(name, "The name of a message"),
            "correlationKey": checks.correlation(key),
            "variables": checks.document(variables),
            "messageId": checks.maybe_text(message_id, "The id of a message"),
            "ttl": f"PT{Decimal(checks.span(ttl, 'ttl')) / 1_000_000:f}S",
        }
        return self._call("POST", "/api/messages", v.MessageView, body=body, key=_key(idempotency_key))

    def events(
        self,
        *,
        instance: str | int | None = None,
        definition: str | None = None,
        tasks: str | None = None,
        kinds: Sequence[str] = (),
        after: str | int | None = None,
    ) -> Events:
        """Follow what happens from now on, or from what came `after` an event or (with `instance`) after its `seq`.

        `instance` includes its subprocesses; `tasks` is "mine"; `kinds` are names of events, such as status and task.
        """
        query = {
            "instance": None if instance is None else checks.identity(instance, "Process instance"),
            "definition": checks.maybe_text(definition, "The process"),
            "tasks": tasks,
            "kinds": (kinds if isinstance(kinds, str) else ",".join(kinds)) or None,
        }
        if after is None:  # a place to begin at, so that nothing is missed before the stream is open or opened again
            listed = self._call("GET", "/api/definitions", _Listed, {"limit": 1})
            after = listed.last_event_id
        connection = self._connection.apart(self._connection.timeout, patient=False)
        events = Events(connection, query, None if after is None else str(after))
        self._following.add(events)
        return events

    # -- inside -------------------------------------------------------------------------------------------------------

    def _call(
        self,
        method: str,
        path: str,
        answer: type[T],
        query: Mapping[str, Any] | None = None,
        *,
        body: Any = None,
        key: str | None = None,
        safe: bool = False,
        wait: float = 0.0,
    ) -> T:
        return self._connection.call(method, path, answer, query=query, body=body, key=key, safe=safe, wait=wait)

    def _version(self, name: str, version: int | None) -> str:
        """The path of a version; the newest has to be looked up."""
        name = checks.text(name, "The process")
        if version is None:
            page = self._call("GET", "/api/definitions", v.Page[v.DefinitionView], {"name": name, "limit": 1})
            # of a process that is not there the server says so best itself
            version = page.items[0].version if page.items else 1
        return f"/api/definitions/{_part(name)}/versions/{version}"

    def _operate(self, id: str | int, operation: str, reason: str) -> v.InstanceView:
        body = {"operationType": operation, "reason": checks.remark(reason)}
        return self._call("POST", _instance(id) + "/operations", v.InstanceView, body=body)

    def _job(self, id: str | int, call: str, body: Mapping[str, Any]) -> str:
        done = self._call("POST", f"/api/jobs/{checks.identity(id, 'Job')}/{call}", _Done, body=body)
        return done.instance

    def _lease(self, id: str | int, call: str, body: Mapping[str, Any]) -> bool:
        try:
            self._call("POST", f"/api/jobs/{checks.identity(id, 'Job')}/{call}", dict, body=body)
        except CommandRejected as error:
            if error.status in (404, 409):
                return False
            raise
        return True

    def _send_reports(self, request: Sequence[tuple[int, bytes]], outcomes: list[Exception | None]) -> None:
        body = b'{"reports":[' + b",".join(encoded for _, encoded in request) + b"]}"
        try:
            page = self._call("POST", "/api/jobs/report", v.Page[_Answer], body=body)
        except ProcessionError as error:
            for place, _ in request:
                outcomes[place] = error
            return
        for (place, _), answer in zip(request, page.items, strict=True):
            if answer.status >= 300:
                outcomes[place] = refusal({**(answer.problem or {}), "status": answer.status})


def _instance(id: str | int) -> str:
    return f"/api/instances/{checks.identity(id, 'Process instance')}"


def _letter(id: str | int) -> str:
    return f"/api/dead-letters/{checks.identity(id, 'Letter')}"


def _task(id: str | int) -> str:
    return f"/api/tasks/{checks.identity(id, 'Task')}"


def _part(text: str) -> str:
    """A part of a path, whatever is in it; dots alone would be steps."""
    return text.replace(".", "%2E") if text in (".", "..") else quote(text, safe="")


def _key(given: str | None) -> str:
    """What the caller calls the request, else a key of its own."""
    if given is None:
        return uuid4().hex
    key = checks.text(given, "The idempotency key")
    if not (key and key.isascii() and key.isprintable() and key == key.strip()):
        raise checks.not_valid("Over HTTP an idempotency key has visible ASCII characters, and spaces between them.")
    return key


def _milliseconds(value: Span, what: str) -> int:
    """Rounded up, so that nothing is shorter than it should be."""
    return -(-checks.span(value, what) // 1000)


def _zipped(files: Sequence[tuple[str, bytes]]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, data in files:
            bundle.writestr(name, data)
    return target.getvalue()
