"""Definitions: adding files, publishing versions, and the compiled ones that are in use."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from procession.bpmn import read_bpmn
from procession.definition import Form, MessageTrigger, ProcessDefinition, StartEvent, TimerTrigger
from procession.definition.forms import FormError, read_form, valid
from procession.engine.access import Principal, granted, require_role
from procession.engine.triggers.timer import schedule
from procession.errors import CommandRejected, InvalidDefinition, Problem, VersionConflict
from procession.runtime.files import Shelf, is_form
from procession.storage import AuditRow, DefinitionRow, FormRow, StartSubscriptionRow, StartTimerRow, Storage

DRAFT, PUBLISHED, DEPRECATED = "draft", "published", "deprecated"


class Deployed(NamedTuple):
    """A version of a process with its compiled form."""

    id: int
    name: str
    version: int
    state: str
    process: ProcessDefinition


class Parsed(NamedTuple):
    """A process of a file that was read, with its forms."""

    file: str
    data: bytes
    process: ProcessDefinition

    @property
    def forms(self) -> dict[str, bytes]:
        """The files of the forms, by what the process calls them."""
        return {key: form.data for key, form in self.process.forms.items()}


class Definitions:
    """The definitions of one store. Compiled ones are kept for as long as the process runs."""

    def __init__(self, storage: Storage, new_id: Callable[[], int], now: Callable[[], int]) -> None:
        self._storage, self._new_id, self._now = storage, new_id, now
        self._compiled: dict[int, ProcessDefinition] = {}
        self._published: dict[str, Deployed | None] = {}
        self._seen = -1
        self._watchers: tuple[int, frozenset[str] | None] = -1, frozenset()  # and the number of changes that it is of

    async def compiled(self, definition: int) -> ProcessDefinition:
        """The compiled definition of a version by its id."""
        found = self._compiled.get(definition)
        if found is None:
            row = await self._storage.definition(definition)
            if row is None:
                raise LookupError(f"definition {definition} is not in the store")
            found = await self._compile(row)
        return found

    async def row(self, definition: int) -> DefinitionRow:
        """Name, version and state of a version by its id."""
        row = await self._storage.definition(definition)
        if row is None:
            raise LookupError(f"definition {definition} is not in the store")
        return row

    async def refresh(self) -> None:
        """Notice what was published since, here or by another process. Once for each batch is enough."""
        seen = await self._storage.definitions_changed()
        if seen != self._seen:
            self._published.clear()
            self._seen = seen

    async def published(self, name: str) -> Deployed | None:
        """The published version of a process, as of the last `refresh`."""
        if name not in self._published:
            rows = await self._storage.definitions(name, (PUBLISHED,))
            found = None
            if rows:
                row = rows[0]
                found = Deployed(row.id, row.name, row.version, row.state, await self.compiled(row.id))
            self._published[name] = found
        return self._published[name]

    async def watchers(self) -> frozenset[str] | None:
        """The roles that have any right in some published process; None: there is one that is open to everybody."""
        seen, roles = self._watchers
        changed = await self._storage.definitions_changed()
        if seen != changed:
            roles = await self._granted()
            self._watchers = changed, roles
        return roles

    async def _granted(self) -> frozenset[str] | None:
        found: set[str] = set()
        for row in await self._storage.definitions(None, (PUBLISHED,)):
            roles = granted(await self.compiled(row.id))
            if roles is None:
                return None
            found |= roles
        return frozenset(found)

    async def require(self, name: str, version: int | None = None) -> DefinitionRow:
        """A version of a process, the newest one if none is named; 404 if there is none."""
        rows = await self._storage.definitions(name)
        for row in rows:
            if version is None or row.version == version:
                return row
        raise not_found(name, version if rows else None)

    async def deploy(
        self, files: Sequence[tuple[str, bytes]], principal: Principal, *, publish: bool = False
    ) -> list[DefinitionRow]:
        """Add files, all or none; a process whose file and forms have not changed keeps its version."""
        require_editor(principal)
        return await self.add(read(files), principal, publish=publish)

    async def add(
        self, parsed: Sequence[Parsed], principal: Principal, *, publish: bool = False
    ) -> list[DefinitionRow]:
        """The same with files that were read before: large ones take seconds, in which others may write."""
        require_editor(principal)
        result: list[DefinitionRow] = []
        for attempt in range(10):
            result, new, forms = await self._versions(parsed, principal)
            try:
                if new:
                    await self._storage.add_definitions(
                        new, [self._audit(principal, "Create", f"{row.name} v{row.version}") for row in new], forms
                    )
                break
            except VersionConflict:
                if attempt == 9:
                    raise
        if publish:
            for row in result:
                if row.state != PUBLISHED:
                    await self._publish(row, principal)
            result = [row._replace(state=PUBLISHED) for row in result]
        return result

    async def _versions(
        self, parsed: Sequence[Parsed], principal: Principal
    ) -> tuple[list[DefinitionRow], list[DefinitionRow], list[FormRow]]:
        """The row of each process, which of them are new, and the forms of those."""
        result: list[DefinitionRow] = []
        new: list[DefinitionRow] = []
        forms: list[FormRow] = []
        for each in parsed:
            file, data, process = each
            digest = digest_of(data, each.forms)
            rows = await self._storage.definitions(process.name)
            same = next((row for row in rows if row.digest == digest), None)
            if same is not None:
                result.append(same)
                continue
            version = max((row.version for row in (*rows, *new) if row.name == process.name), default=0) + 1
            row = DefinitionRow(
                self._new_id(),
                process.name,
                version,
                process.title,
                DRAFT,
                digest,
                file.rpartition("/")[2],
                data,
                self._now(),
                principal.name,
            )
            self._compiled[row.id] = process
            result.append(row)
            new.append(row)
            forms += [FormRow(row.id, key, form) for key, form in each.forms.items()]
        return result, new, forms

    async def publish(self, name: str, version: int | None, principal: Principal) -> DefinitionRow:
        """Make a version the one that is started; the one before is deprecated."""
        require_editor(principal)
        row = await self.require(name, version)
        if row.state != PUBLISHED:
            await self._publish(row, principal)
        return row._replace(state=PUBLISHED)

    async def deprecate(self, name: str, version: int | None, principal: Principal) -> DefinitionRow:
        """No new instances of this version; running ones go on."""
        require_editor(principal)
        row = await self.require(name, version)
        if row.state != DEPRECATED:
            await self._storage.deprecate(
                row.id, [self._audit(principal, "Update state", f"{row.name} v{row.version}", DEPRECATED)]
            )
        return row._replace(state=DEPRECATED)

    async def _publish(self, row: DefinitionRow, principal: Principal) -> None:
        process = await self.compiled(row.id)
        timers: list[StartTimerRow] = []
        subscriptions: list[StartSubscriptionRow] = []
        for number in process.starts:
            node = process.nodes[number]
            assert isinstance(node, StartEvent)
            if isinstance(node.trigger, TimerTrigger):
                timers.extend(self._start_timer(row.id, node, node.trigger))
            elif isinstance(node.trigger, MessageTrigger):
                subscriptions.append(StartSubscriptionRow(row.id, row.name, node.id, str(node.trigger.name)))
        await self._storage.publish(
            row.id,
            timers,
            subscriptions,
            [self._audit(principal, "Update state", f"{row.name} v{row.version}", PUBLISHED)],
        )

    def _start_timer(self, definition: int, node: StartEvent, trigger: TimerTrigger) -> list[StartTimerRow]:
        rule = str(trigger.value)
        first = schedule(trigger.kind, rule, trigger.zone).first(self._now())
        if first is None:
            return []
        return [
            StartTimerRow(
                self._new_id(),
                definition,
                node.id,
                first.due,
                trigger.kind,
                rule,
                trigger.zone,
                first.number,
                first.anchor,
            )
        ]

    async def _compile(self, row: DefinitionRow) -> ProcessDefinition:
        (process,) = (each for each in read_bpmn(row.data, row.file).processes if each.name == row.name)
        if process.references:
            forms = [read_form(form.key, form.data) for form in await self._storage.forms(row.id)]
            process = replace(process, forms={form.key: form for form in forms})
        return self._compiled.setdefault(row.id, process)

    def _audit(self, principal: Principal, event: str, identifier: str, detail: str = "") -> AuditRow:
        return AuditRow(
            self._new_id(), self._now(), principal.name, "Process definition", event, identifier, "success", detail
        )


def read(files: Sequence[tuple[str, bytes]]) -> list[Parsed]:
    """The processes of a bundle with their forms, or everything that is wrong with the files."""
    problems: list[Problem] = []
    parsed: list[Parsed] = []
    forms: dict[str, bytes] = {}
    for file, data in files:
        if is_form(file):
            if forms.setdefault(file, data) != data:
                problems.append(
                    _form_problem(file, "Two different forms have this name.", "Add them with their folders.")
                )
            continue
        try:
            found = read_bpmn(data, file)
        except InvalidDefinition as error:
            problems.extend(error.problems)
            continue
        parsed.extend(Parsed(file, data, process) for process in found.processes)
    understood = not problems
    if forms:
        parsed = _with_forms(parsed, forms, problems, understood)
    if problems:
        raise InvalidDefinition(problems)
    return parsed


def _with_forms(
    parsed: Sequence[Parsed], files: Mapping[str, bytes], problems: list[Problem], understood: bool
) -> list[Parsed]:
    """The processes, each with the forms that it refers to. `understood`: all of them could be read."""
    shelf, result = Shelf(files), []
    used: set[str] = set()
    wrong: set[str] = set()
    for each in parsed:
        forms: dict[str, Form] = {}
        for key in each.process.references:
            name = shelf.find(key, each.file)
            if name is None or name in wrong:
                continue
            used.add(name)
            try:
                forms[key] = valid(read_form(key, files[name]))
            except FormError as error:
                wrong.add(name)
                problems.append(_form_problem(name, error.message, error.hint))
        result.append(each._replace(process=replace(each.process, forms=forms)))
    for name in sorted(files.keys() - used) if understood else ():
        hint = 'Refer to it by <zeebe:formDefinition externalReference="…"/> of a user task or start event, or leave it out.'
        problems.append(_form_problem(name, "No process of the bundle refers to this form.", hint))
    return result


def _form_problem(file: str, message: str, hint: str) -> Problem:
    return Problem(file, None, None, message, hint)


def digest_of(data: bytes, forms: Mapping[str, bytes]) -> str:
    """The SHA-256 of a file, in hex; where it has forms, of the digests of the file and of its forms with their keys."""
    digest = hashlib.sha256(data)
    if forms:
        parts = [digest.digest()]
        for key in sorted(forms):
            parts += [hashlib.sha256(key.encode()).digest(), hashlib.sha256(forms[key]).digest()]
        digest = hashlib.sha256(b"".join(parts))
    return digest.hexdigest()


def require_editor(principal: Principal) -> None:
    """Adding and publishing definitions needs the role editor or admin."""
    require_role(principal, "change definitions", "editor")


def not_found(name: str, version: int | None = None) -> CommandRejected:
    """There is none, or none that may be seen."""
    detail = f"There is no process {name[:100]!r}" + (f" in version {version}." if version is not None else ".")
    return CommandRejected(404, "Process definition not found.", detail, key="error.definition_not_found")
