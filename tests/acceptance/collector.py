"""A collector for tests: takes traces by OTLP over HTTP on this machine, and keeps their spans."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True)
class Span:
    """One span as it came. Ids are hex; `links` are pairs of trace and span id; `resource` is who says it."""

    name: str
    trace: str
    id: str
    parent: str
    began: int
    ended: int
    links: list[tuple[str, str]]
    attributes: dict[str, Any]
    failed: bool
    resource: dict[str, Any] = field(repr=False)


class Collector:
    """What has come."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.raw = b""
        self.url = ""

    def named(self, name: str, **attributes: Any) -> list[Span]:
        """Spans of this name with these attributes (`_` stands for a dot)."""
        wanted = {key.replace("_", "."): value for key, value in attributes.items()}
        return [each for each in list(self.spans) if each.name == name and wanted.items() <= each.attributes.items()]

    def take(self, data: bytes) -> None:
        """One export."""
        self.raw += data
        for group in ExportTraceServiceRequest.FromString(data).resource_spans:
            resource = _plain(group.resource.attributes)
            for scope in group.scope_spans:
                self.spans += [_span(each, resource) for each in scope.spans]


def _span(span: Any, resource: dict[str, Any]) -> Span:
    links = [(link.trace_id.hex(), link.span_id.hex()) for link in span.links]
    return Span(
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        links,
        _plain(span.attributes),
        span.status.code == 2,
        resource,
    )


def _plain(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens until the block ends."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["content-length"]))
            known = self.path == "/v1/traces" and self.headers["content-type"] == "application/x-protobuf"
            if known:
                collector.take(data)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200 if known else 404)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="collector")
    thread.start()
    collector.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
