"""Finds the operations of a path. Segments are decoded after the path was split, so that an id may contain a slash."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

from procession.api.operations import Operation


class Routes:
    """A tree of segments: literal ones first, then the parameter."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._root = _Segment()
        for operation in operations:
            self._add(operation)

    def find(self, raw_path: bytes) -> tuple[dict[str, Operation], dict[str, str]] | None:
        """The operations by method, and the parameters; None: there is nothing. Bad UTF-8 is nothing too."""
        values: list[str] = []
        segment = self._root
        for part in raw_path.strip(b"/").split(b"/"):
            following = segment.literal.get(part)
            if following is None:
                following = segment.parameter
                if following is None or not part:
                    return None
                try:
                    values.append((unquote_to_bytes(part) if b"%" in part else part).decode())
                except UnicodeDecodeError:
                    return None
            segment = following
        if not segment.operations:
            return None
        return segment.operations, dict(zip(segment.names, values, strict=True))

    def _add(self, operation: Operation) -> None:
        segment = self._root
        names: list[str] = []
        for part in operation.path.strip("/").split("/"):
            if part.startswith("{"):
                names.append(part.strip("{}"))
                segment.parameter = segment.parameter or _Segment()
                segment = segment.parameter
            else:
                segment = segment.literal.setdefault(part.encode(), _Segment())
        if operation.method in segment.operations:
            raise ValueError(f"{operation.method} {operation.path} is in the table twice")
        segment.operations[operation.method] = operation
        segment.names = tuple(names)


class _Segment:
    __slots__ = ("literal", "names", "operations", "parameter")

    def __init__(self) -> None:
        self.literal: dict[bytes, _Segment] = {}
        self.parameter: _Segment | None = None
        self.operations: dict[str, Operation] = {}
        self.names: tuple[str, ...] = ()
