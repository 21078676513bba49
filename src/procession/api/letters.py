"""Records that could not be handled: looking at them, publishing them anew, leaving it at that."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from procession.api.asking import listed
from procession.api.operations import Answer, Call, Many, PageQuery, operation
from procession.runtime import checks
from procession.runtime.asks import Ask, Settle
from procession.runtime.views import LETTER_STATES, LetterView, Page, letter_view
from procession.storage import LetterRow

LETTER = "/api/dead-letters/{letter}"
SOME_STATES = "^({0})(,({0}))*$".format("|".join(LETTER_STATES))
REFUSALS = (403, 404, 409)


class LetterQuery(PageQuery):
    """Which letters."""

    state: Annotated[
        str | None,
        Meta(
            description="One, or several with commas; without it all.",
            examples=["waiting,dead"],
            extra_json_schema={"pattern": SOME_STATES},
        ),
    ] = None


@operation("GET", "/api/dead-letters", tag="bus", answers=Many(LetterView), query=LetterQuery, refusals=(403,))
async def list_letters(call: Call) -> Answer | Page[Any]:
    """Records that could not be handled, newest first. Needs the role `operator`."""
    query: LetterQuery = call.query
    states = () if query.state is None else tuple(query.state.split(","))
    return await listed(call, call.queries.letters(states, query.limit, query.cursor))


@operation("GET", LETTER, tag="bus", answers=LetterView, refusals=(403, 404))
async def get_letter(call: Call) -> LetterView:
    """One of them. Needs the role `operator`: what is in a record may be sensitive, and nobody can tell."""
    return await call.read(call.queries.letter(_id(call)))


@operation("POST", LETTER + "/replay", tag="bus", answers=LetterView, refusals=REFUSALS)
async def replay_letter(call: Call) -> LetterView:
    """Publish the record anew on its topic, after the repair. Needs the role `operator`."""
    return await _settle(call, replay=True)


@operation("POST", LETTER + "/dismiss", tag="bus", answers=LetterView, refusals=REFUSALS)
async def dismiss_letter(call: Call) -> LetterView:
    """Leave it at that: the record is kept, and nothing is done with it. Needs the role `operator`."""
    return await _settle(call, replay=False)


async def _settle(call: Call, *, replay: bool) -> LetterView:
    row: LetterRow = await call.ask(Ask(Settle(_id(call), replay=replay), call.principal))
    return letter_view(row, call.node.machine.naming, call.principal)


def _id(call: Call) -> int:
    return checks.identity(call.path["letter"], "Letter")
