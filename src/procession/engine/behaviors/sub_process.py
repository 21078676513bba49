"""Embedded sub-processes (BPMN 2.0, 13.3.4): the token is held while a child runs from the start event inside."""

from __future__ import annotations

from typing import Any

from procession.definition import SubProcess
from procession.engine import events as e
from procession.engine.behaviors.activity import ActivityBehavior
from procession.engine.state import Token
from procession.engine.step import Step


class SubProcessBehavior(ActivityBehavior):
    def perform(self, step: Step, token: Token, node: SubProcess, plan: Any) -> Token | None:
        step.record(e.TokenHeld(token.id, "scope", 1))
        step.ready.append(step.create_token(node.start, parent=token.id, scope=token.id))
        return None
