"""Who may log in, for administrators; and one's own password, for everybody."""

from __future__ import annotations

import asyncio
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from procession.api.auth import Credentials
from procession.api.fields import Id, Limit, Text
from procession.api.operations import Answer, Body, Call, Many, Query, operation
from procession.engine.access import Principal, require_role
from procession.runtime import checks
from procession.runtime.queries.paging import limited
from procession.runtime.users import Hashed, hash_password
from procession.runtime.views import Page
from procession.runtime.views.shapes import User, View

Password = Annotated[str, Meta(extra_json_schema={"format": "password"})]
USER = "/api/users/{name}"


class UserView(View):
    """Somebody who may log in. To who asks for a task's sake only the name is told."""

    name: User
    roles: Annotated[list[str] | UnsetType, Meta(description="What they are.")] = UNSET


class UserQuery(Query):
    """Which part of the list; and whom a task can be given to."""

    limit: Limit = 50
    cursor: Annotated[Text, Meta(description="The `next` of the part before.")] | None = None
    task: (
        Annotated[Id, Meta(description="Only those who may do this task: their names, for who may assign it.")] | None
    ) = None


class UserBody(Body):
    """What a user is to be."""

    roles: Annotated[list[str], Meta(description="What they are; `admin` may do everything.", min_length=1)]
    password: Annotated[Password | None, Meta(description="A new user needs one; null: it stays.")] = None


class NewPassword(Body):
    """The password that one has, and the one to have."""

    old: Annotated[Password, Meta(description="The one that one has.")]
    new: Annotated[Password, Meta(description="The one to have: eight characters at least.", min_length=8)]


@operation("GET", "/api/users", tag="users", answers=Many(UserView), query=UserQuery, refusals=(403, 404))
async def list_users(call: Call) -> Page[UserView]:
    """Users by name. Needs the role `admin`.

    With `task`: the names of those who may do that task, for who may assign it.
    """
    query: UserQuery = call.query
    if query.task is None:
        require_role(call.principal, "manage users")
        found = await _everybody(call)
    else:
        task = checks.identity(query.task, "Task")
        found = await call.read(call.queries.assignees(task, await _everybody(call)))
    size, after = limited(query.limit), checks.maybe_text(query.cursor, "cursor")
    found = [each for each in found if after is None or each.name > after]
    items = [UserView(name=each.name, roles=_roles(each, query)) for each in found[:size]]
    return Page(items=items, next=items[-1].name if len(found) > size else None)


@operation(
    "PUT", USER, tag="users", body=UserBody, answers=UserView, also=(201,), refusals=(403, 404, 409), limit=10_000
)
async def put_user(call: Call) -> Answer:
    """Add a user (201), or change one. Needs the role `admin`.

    A new password ends everything that was logged in with the old one; other roles count from the next request on. The last
    user with the role `admin` keeps it.
    """
    require_role(call.principal, "manage users")
    name, body = checks.text(call.path["name"], "The name of a user"), call.body
    users, fresh = call.edge.identity.users, False
    if body.password is None:
        await call.node.alone(users.set_roles(name, body.roles, call.principal))
    else:
        password = await _hashed(body.password)
        fresh = await call.node.alone(users.add(name, password, body.roles, call.principal))
    call.edge.identity.forget()
    return Answer(UserView(name=name, roles=sorted(set(body.roles))), 201 if fresh else 200)


@operation("DELETE", USER, tag="users", status=204, refusals=(403, 404, 409))
async def remove_user(call: Call) -> Answer:
    """Remove a user, who is logged out everywhere. Needs the role `admin`."""
    require_role(call.principal, "manage users")
    await call.node.alone(call.edge.identity.users.remove(call.path["name"], call.principal))
    call.edge.identity.forget()
    return Answer(None, 204)


@operation(
    "POST",
    "/api/auth/password",
    tag="auth",
    body=NewPassword,
    answers=Credentials,
    refusals=(403, 409, 429),
    limit=10_000,
)
async def change_password(call: Call) -> Answer:
    """Change one's own password.

    Whatever was logged in with the old one is logged out, this too: the answer is what a log-in answers. Wrong passwords count
    as failed log-ins.
    """
    assert call.who is not None
    body: NewPassword = call.body
    password = await _hashed(body.new)
    opened = await call.edge.identity.change_password(call.who, body.old, password, call.address)
    cookies = opened.cookies(secure=call.secure)
    answer = Credentials(
        opened.access_token, "Bearer", opened.expires_in, UNSET if opened.csrf is None else opened.csrf
    )
    return Answer(answer, headers=tuple(("set-cookie", cookie) for cookie in cookies))


async def _everybody(call: Call) -> list[Principal]:
    return await call.read(call.edge.identity.users.list())


async def _hashed(password: str) -> Hashed:
    """Not in the event loop, nor while others wait for the store."""
    return await asyncio.to_thread(hash_password, password)


def _roles(user: Principal, query: UserQuery) -> list[str] | UnsetType:
    return sorted(user.roles) if query.task is None else UNSET
