"""The topics of the platform: what each is called, which way it goes, and what it carries.

A full name is package, environment, name and version: `procession.` `dev.` `core.notify.task` `.v1`. Process files say the name
alone, so that they are the same in every environment. A name that begins in one of the ways of the platform (`core.`, `engine.`,
`job.`, `plugin.`, `ui.`) gets the other parts; every other topic is taken as it is written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

from procession.definition import topics
from procession.errors import ProcessionError

START, START_CONFIRM = "core.trigger.start.process", "core.confirm.start.process"
OPERATIONS = "core.trigger.operations.process"
MESSAGES = "core.message.event.process"
RECEIVE, RECEIVE_JOB = topics.RECEIVE, topics.RECEIVE_JOB
RECEIVE_PLUGIN = "engine.receive.plugin."
NOTIFY_PROCESS, NOTIFY_TOKEN = "core.notify.process", "core.notify.token"
NOTIFY_TASK, NOTIFY_EXCEPTION = "core.notify.task", "core.notify.exception"
AUDIT = "core.save.audit"
INDEX = "core.index.process"
UI = "ui.notify"
JOB = "job."
PLUGIN = "plugin."
DEAD_LETTER = "dead-letter"

OURS = ("core.", "engine.", "job.", "plugin.", "ui.")
"""How names begin that get the other parts; `dead-letter` does, too."""

legal = topics.legal
"""Whether Kafka takes it for the name of a topic."""

FOREIGN = re.compile(r"\\[A-Za-z0-9]|\(\?|[*+?}][?+]")
"""What Python's regular expressions have and POSIX's have not, which are those of Kafka: \\d, (?:…), .*?"""

DAY = 86_400_000  # milliseconds


class Kind(NamedTuple):
    """A topic of the platform. A `name` that ends in a dot is the beginning of many; `retention` in milliseconds."""

    name: str
    direction: Literal["in", "out"]
    title: str
    retention: int


KINDS = (
    Kind(START, "in", "Requests to start a process", 7 * DAY),
    Kind(START_CONFIRM, "out", "What came of requests to start a process: the instance, or why not", 7 * DAY),
    Kind(OPERATIONS, "in", "Operations on instances and tasks, single or many", 7 * DAY),
    Kind(MESSAGES, "in", "BPMN messages", 7 * DAY),
    Kind(RECEIVE, "in", "Answers of integrations and plugins", 7 * DAY),
    Kind(RECEIVE_JOB, "in", "Results of jobs", 7 * DAY),
    Kind(RECEIVE_PLUGIN, "in", "Answers of a plugin", 7 * DAY),
    Kind(NOTIFY_PROCESS, "out", "Instances that started, ended, were held or resumed", 7 * DAY),
    Kind(NOTIFY_TOKEN, "out", "What tokens do", 2 * DAY),
    Kind(NOTIFY_TASK, "out", "User tasks: created, assigned, completed, cancelled", 7 * DAY),
    Kind(NOTIFY_EXCEPTION, "out", "Exceptions: raised, resolved", 7 * DAY),
    Kind(AUDIT, "out", "Who did what", 30 * DAY),
    Kind(INDEX, "out", "Data for search, of processes that ask for it", 7 * DAY),
    Kind(UI, "out", "What screens are told", DAY),
    Kind(JOB, "out", "Jobs for workers that read them here, a topic for each type", 7 * DAY),
    Kind(PLUGIN, "out", "Requests to a plugin", 7 * DAY),
    Kind(DEAD_LETTER, "out", "Records that could not be handled, with the reason", 30 * DAY),
)


@dataclass(frozen=True, slots=True)
class Naming:
    """The parts of a full name that an installation chooses."""

    package: str = "procession."
    environment: str = "dev."
    version: str = ".v1"

    def full(self, name: str) -> str:
        """procession.dev.core.notify.task.v1; a full name stays as it is."""
        if _is_ours(name) and self.short(name) == name:
            return f"{self.package}{self.environment}{name}{self.version}"
        return name

    def short(self, topic: str) -> str:
        """The name in a full one; a topic that is not one of ours stays as it is."""
        before = self.package + self.environment
        if topic.startswith(before) and topic.endswith(self.version):
            name = topic[len(before) : len(topic) - len(self.version)]
            if _is_ours(name):
                return name
        return topic

    @property
    def source(self) -> str:
        """Who publishes, as CloudEvents say it: /procession.dev"""
        return f"/{self.package}{self.environment}".rstrip(".")

    @property
    def received(self) -> str:
        """The regular expression of the topics with answers, `engine.receive.*`."""
        return f"{re.escape(self.package + self.environment + RECEIVE)}.*{re.escape(self.version)}"


def kind_of(name: str) -> Kind | None:
    """What a topic is, by its short name; None: it is none of the platform's."""
    fits = [kind for kind in KINDS if name == kind.name or (kind.name.endswith(".") and name.startswith(kind.name))]
    return max(fits, key=lambda kind: len(kind.name), default=None)


def _is_ours(name: str) -> bool:
    return name.startswith(OURS) or name == DEAD_LETTER


def portable(pattern: str) -> re.Pattern[str]:
    """A pattern for names of topics that means the same on every bus."""
    if found := FOREIGN.search(pattern):
        raise ProcessionError(
            f"The pattern {pattern!r} for names of topics has {found[0]!r}, which Kafka does not know. "
            "Write it as an extended regular expression of POSIX: [0-9], (…), .*"
        )
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ProcessionError(
            f"The pattern {pattern!r} for names of topics is no regular expression: {error}"
        ) from None
