"""Views of work: for people, and for workers."""

from __future__ import annotations

from typing import Any

from procession.definition import ProcessDefinition, UserTask
from procession.definition.iso8601 import format_instant
from procession.engine.access import Principal, permission
from procession.engine.codec import decode
from procession.engine.state import ProcessInstance, UserTaskItem, visible
from procession.runtime.views import allowed
from procession.runtime.views.asked import task_schema
from procession.runtime.views.instances import instant
from procession.runtime.views.masking import mask
from procession.runtime.views.shapes import JobView, TaskFormView, TaskView
from procession.storage import DraftRow, JobRow, Lease, SeenTask, TaskRow


def task_item(row: TaskRow) -> UserTaskItem:
    """What the rules about a task look at."""
    groups, users = tuple(decode(row.groups)), tuple(decode(row.users))
    return UserTaskItem(row.id, row.token, row.node, row.name, row.lane, row.created, row.assignee, groups, users)


def task_view(seen: SeenTask, item: UserTaskItem, definition: ProcessDefinition, principal: Principal) -> TaskView:
    """An open task, with what of its instance the principal may know."""
    row, node = seen.task, definition.nodes.get(seen.task.node)
    knows = permission(principal, definition, "view", owner=seen.started_by) is None
    lane = definition.lanes.get(row.lane) if row.lane is not None else None
    roles = list(item.groups) or sorted(lane.access.get("execute", ()) if lane is not None else ())
    return TaskView(
        id=str(row.id),
        instance=str(row.instance),
        process_definition_name=row.process,
        process_title=definition.label,
        version=seen.version,
        business_key=seen.business_key if knows else None,
        started_by=seen.started_by if knows else None,
        date_started=format_instant(seen.started),
        node=row.node,
        stage=node.stage if node is not None else None,
        name=row.name,
        lane=lane.name if lane is not None else row.lane,
        state="CREATED" if row.assignee is None else "ASSIGNED",
        assignee=row.assignee,
        candidate_roles=roles,
        candidate_users=list(item.users),
        date_created=format_instant(row.created),
        due=instant(row.due),
        follow_up=instant(row.follow_up),
        priority=row.priority,
        form=row.form,
        seq=seen.position,
        allowed=allowed.on_task(principal, definition, item, status=seen.status),
    )


def task_form_view(
    view: TaskView,
    item: UserTaskItem,
    state: ProcessInstance,
    definition: ProcessDefinition,
    principal: Principal,
    draft: DraftRow | None,
) -> TaskFormView:
    """What a screen of an open task needs; the draft is the principal's own."""
    node = definition.nodes[item.node]
    assert isinstance(node, UserTask)
    source, schema = task_schema(definition, node)
    return TaskFormView(
        task=view,
        source=source,
        schema=schema,
        data=mask(visible(state, item.token), definition, principal),
        instructions=node.documentation,
        draft=None if draft is None else decode(draft.data),
        draft_date=None if draft is None else format_instant(draft.saved),
    )


def job_view(row: JobRow, lease: Lease, variables: dict[str, Any]) -> JobView:
    """A job with what its worker may see: everything that it asked for."""
    return JobView(
        id=str(row.id),
        token=lease.fence,
        type=row.type,
        instance=str(row.instance),
        node=row.node,
        variables=variables,
        headers=decode(row.headers),
        retries=row.retries,
        deadline=format_instant(lease.deadline),
        worker=lease.worker,
    )
