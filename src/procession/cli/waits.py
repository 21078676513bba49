"""Why an instance does not go on, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def reason(wait: Mapping[str, Any]) -> str:
    """What one wait is for."""
    kind = wait.get("kind")
    if kind == "task":
        who = f"{wait['assignee']}" if wait.get("assignee") else "a person"
        return f"{who} to complete task {wait['id']}"
    if kind == "job":
        if not wait.get("retries"):
            return f"a repair: job {wait['id']} ({wait['type']}) has no tries left"
        again = f", not before {moment(wait['due'])}" if wait.get("due") else ""
        return f"a worker for job {wait['id']} ({wait['type']}){again}"
    if kind == "timer":
        return f"the time: {moment(wait['due'])}"
    if kind == "expiry":
        return f"nothing; it expires {moment(wait['due'])}"
    if kind == "message" and wait.get("topic"):
        return f"an answer on {wait['topic']}"
    if kind == "message":
        key = f" with the key '{wait['correlationKey']}'" if wait.get("correlationKey") else ""
        return f"the message '{wait['name']}'{key}"
    if kind == "child":
        return f"the process '{wait['process']}', instance {wait['id']}"
    if kind == "join":
        return "the other branches"
    if kind == "exception":
        return f"a repair: {wait['message']}"
    return "the engine, which goes on by itself"


def moment(instant: str | None) -> str:
    """2026-11-23T06:29:11.123456Z → 2026-11-23 06:29:11."""
    return (instant or "").replace("T", " ")[:19]
