"""Where traces go: nowhere unless asked, and what is missing or wrong is said at once."""

from __future__ import annotations

import subprocess
import sys

import pytest
from opentelemetry.sdk.trace import TracerProvider

from procession.cli.failures import Usage
from procession.cli.tracing import tracing


@pytest.fixture
def resources(monkeypatch):
    """Who the spans are said to come from."""
    found = []
    start = TracerProvider.__init__

    def noting(self, *args, resource, **given):
        found.append(dict(resource.attributes))
        start(self, *args, resource=resource, **given)

    monkeypatch.setattr(TracerProvider, "__init__", noting)
    return found


def test_without_an_address_there_are_none():
    for nothing in (None, ""):
        with tracing(nothing) as found:
            assert found is None


@pytest.mark.parametrize("address", ["localhost:4318", "http://", "grpc://localhost:4317"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(Usage, match=r"is no address\. Write http"), tracing(address):
        pass


def test_what_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(Usage, match=r"pip install 'procession\[otel\]' does it"), tracing("http://127.0.0.1:4318"):
        pass


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({}, "procession"),
        ({"OTEL_SERVICE_NAME": "orders"}, "orders"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=cards,deployment.environment=test"}, "cards"),
    ],
)
def test_the_service_has_the_name_that_it_was_given(monkeypatch, resources, variables, name):
    for variable in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    with tracing("http://127.0.0.1:4318"):
        pass
    assert resources[0]["service.name"] == name


def test_an_embedded_engine_and_a_server_without_traces_load_none_of_it():
    program = (
        "import sys; from procession import Engine; Engine('memory:').close(); assert 'opentelemetry' not in sys.modules;"
        "import procession.api.application, procession.cli.serve; assert 'opentelemetry' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
