"""Reading: one function per question, for embedders and the edge alike. Rights are checked here."""

from __future__ import annotations

from procession.runtime.queries.bus import BusQueries
from procession.runtime.queries.definitions import DefinitionQueries
from procession.runtime.queries.instances import InstanceQueries
from procession.runtime.queries.logs import LogQueries
from procession.runtime.queries.records import RecordQueries
from procession.runtime.queries.tasks import TaskQueries

__all__ = ["Queries"]


class Queries(InstanceQueries, TaskQueries, DefinitionQueries, LogQueries, RecordQueries, BusQueries):
    """Questions of one principal to one store."""
