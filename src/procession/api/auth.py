"""Logging in and out, and who one is."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from procession.api.operations import Answer, Body, Call, operation
from procession.runtime.views import MeView


class LogIn(Body):
    """Name and password."""

    username: Annotated[str, Meta(description="The name of a user.")]
    password: Annotated[str, Meta(extra_json_schema={"format": "password"})]
    session: Annotated[bool, Meta(description="Also open a session for a browser, by a cookie.")] = False


class Credentials(Struct):
    """What to send with every other request."""

    access_token: Annotated[str, Meta(description="For `Authorization: Bearer …`.")]
    token_type: Annotated[str, Meta(description="Bearer.")]
    expires_in: Annotated[int, Meta(description="Seconds.")]
    csrfToken: Annotated[  # noqa: N815  the name of the contract
        str | UnsetType, Meta(description="What unsafe requests by session must carry in `X-CSRF-Token`.")
    ] = UNSET


@operation(
    "POST",
    "/api/auth/login",
    tag="auth",
    body=LogIn,
    answers=Credentials,
    refusals=(401, 403, 429),
    public=True,
    limit=10_000,
)
async def log_in(call: Call) -> Answer:
    """Log in with name and password.

    Many failures make the next try wait (429 with `Retry-After`).
    """
    body: LogIn = call.body
    if body.session:
        call.edge.identity.check_origin(call.headers, call.edge.origins)
    opened = await call.edge.identity.login(body.username, body.password, call.address, session=body.session)
    cookies = opened.cookies(secure=call.secure)
    answer = Credentials(
        opened.access_token, "Bearer", opened.expires_in, UNSET if opened.csrf is None else opened.csrf
    )
    return Answer(answer, headers=tuple(("set-cookie", cookie) for cookie in cookies))


@operation("POST", "/api/auth/logout", tag="auth", status=204)
async def log_out(call: Call) -> Answer:
    """End the session. An access token ends by itself."""
    assert call.who is not None
    cookies = await call.edge.identity.logout(call.who, secure=call.secure)
    return Answer(None, 204, headers=tuple(("set-cookie", cookie) for cookie in cookies))


@operation("GET", "/api/auth/me", tag="auth", answers=MeView)
async def who_am_i(call: Call) -> MeView:
    """Who one is, until when, and what one may do."""
    assert call.who is not None
    return await call.edge.identity.me(call.who)
