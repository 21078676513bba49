"""FEEL and decisions, evaluated without an instance."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from procession.api.operations import Body, Call, operation
from procession.api.problems import not_built, refusal
from procession.engine.access import require_role
from procession.feel import Environment, FeelLimitExceeded, compile_expression, compile_unary_tests, to_json
from procession.runtime import checks

STEPS = 200_000
LONGEST = 20_000


class FeelBody(Body):
    """What to evaluate, and with which data."""

    expression: Annotated[str, Meta(description="FEEL, without the leading =.", max_length=LONGEST)]
    context: Annotated[dict[str, Any], Meta(description="The variables that it sees.")] = {}
    type: Annotated[
        Literal["expression", "unaryTests"],
        Meta(description="unaryTests: whether `value` passes the tests of a decision table's cell."),
    ] = "expression"
    value: Annotated[Any, Meta(description="What unaryTests are about.")] = None


class FeelAnswer(Struct):
    """What came of it."""

    result: Annotated[Any, Meta(description="As JSON: dates and durations are texts.")]
    warnings: Annotated[list[str], Meta(description="Why parts of it are null.")] = []


@operation("POST", "/api/feel/evaluate", tag="expressions", body=FeelBody, answers=FeelAnswer, refusals=(403,))
async def evaluate_feel(call: Call) -> FeelAnswer:
    """Evaluate a FEEL expression. Needs the role `editor` or `operator`."""
    require_role(call.principal, "evaluate expressions", "editor", "operator")
    return await call.read(_evaluate(call.body, call.node.clock.now()))


async def _evaluate(body: FeelBody, at: int) -> FeelAnswer:
    context = checks.own_document(body.context)
    environment = Environment(at, limit=STEPS)
    names = [name for name in context if not name.isidentifier()]
    try:
        if body.type == "unaryTests":
            found = compile_unary_tests(body.expression, names=names).explain(body.value, context, environment)
        else:
            found = compile_expression(body.expression, names=names).explain(context, environment)
    except FeelLimitExceeded as error:
        raise refusal(422, "Not valid.", str(error), "error.validation.limit") from None
    try:
        return FeelAnswer(to_json(found.value), [str(reason) for reason in found.reasons])
    except TypeError as error:  # a range, a function
        raise refusal(
            422, "Not valid.", f"The result cannot be shown: {error}.", "error.validation.expression"
        ) from None


@operation("POST", "/api/decisions/{name}/evaluate", tag="expressions", body=dict, body_required=False, built=False)
async def evaluate_decision(call: Call) -> None:
    """Evaluate a DMN decision."""
    raise not_built("Evaluating decisions")


@operation("GET", "/api/analytics/{report}", tag="analytics", built=False)
async def analytics(call: Call) -> None:
    """Where instances wait, how long, how often each path runs."""
    raise not_built("Analytics")
