"""Where a server's traces go: the OpenTelemetry SDK, which is an extra, set up for one run."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from procession.cli.failures import Usage
from procession.cli.version import number_of_version

if TYPE_CHECKING:
    from procession.api.tracing import Tracing

TRACES = "/v1/traces"
"""Where a collector takes traces, below its address."""

SERVICE = "service.name"
LAST_WORDS = 3.0
"""Seconds that a collector has to take the last traces, before the server ends without."""

log = logging.getLogger("procession.server")


@contextmanager
def tracing(endpoint: str | None) -> Iterator[Tracing | None]:
    """Traces that go to a collector by OTLP over HTTP, and at the end those that are still here; None: there are none.

    Everything else is as OpenTelemetry's own variables say: `OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER` and so on.
    """
    if not endpoint:
        yield None
        return
    address = urlsplit(endpoint)
    if address.scheme not in ("http", "https") or not address.netloc:
        raise Usage(f"otlp_endpoint '{endpoint}' is no address.", "Write http://127.0.0.1:4318, for example.")
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise Usage(
            "otlp_endpoint is set, but what sends traces is not installed.", "pip install 'procession[otel]' does it."
        ) from None
    from procession.api.tracing import Tracing

    version = number_of_version()
    resource = Resource.create({"service.version": version})
    if str(resource.attributes.get(SERVICE, "")).startswith("unknown_service"):  # nobody has given it a name
        resource = resource.merge(Resource({SERVICE: "procession"}))
    base = endpoint.rstrip("/").removesuffix(TRACES)
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(base + TRACES)))
    try:
        yield Tracing(provider.get_tracer("procession", version))
    finally:
        ending = threading.Thread(target=provider.shutdown, name="procession-traces", daemon=True)
        ending.start()
        ending.join(LAST_WORDS)
        if ending.is_alive():
            log.warning("the last traces are lost: %s takes none", address.netloc.rpartition("@")[2])
