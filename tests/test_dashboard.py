"""The dashboard and the alerts: Grafana and Prometheus can load them, and ask for nothing that a server does not say."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path

import httpx2
import pytest
import yaml

from procession import testing
from procession.testing import process

ROOT = Path(__file__).parent.parent
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "procession.json").read_text(encoding="utf-8"))
ALERTS = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
ASKED = [*QUERIES, *(rule["expr"] for rule in RULES)]

FIGURE = re.compile(r"\b(?:procession|process)_\w+")
MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"")
BY = re.compile(r"\bby \(([^)]*)\)")
OF_PROMETHEUS = {"job", "instance"}
"""Labels that Prometheus adds."""


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """Names of figures, and of the labels of each, as a server says them that has done a little of everything."""
    waits = process("waits").start().user_task("look").end().build()
    folder = tmp_path_factory.mktemp("dashboard")
    with testing.server(("waits.bpmn", waits), folder=folder, settings={"metrics_token": "0123456789abcdef"}) as server:
        client = server.client()
        client.terminate(client.start("waits").id)
        text = httpx2.get(f"{server.url}/metrics", headers={"authorization": "Bearer 0123456789abcdef"}).text
    found: dict[str, set[str]] = {}
    for name in re.findall(r"^# TYPE (\w+)", text, re.MULTILINE):
        found.setdefault(name, set())
    for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? ", text, re.MULTILINE):
        found.setdefault(name, set()).update(re.findall(r"(\w+)=\"", labels))
    return found


def test_every_figure_that_is_asked_for_is_said(said):
    asked = {name for expr in ASKED for name in FIGURE.findall(expr)}
    assert len(asked) > 30
    assert asked <= set(said)


def test_every_figure_of_ours_is_on_the_dashboard(said):
    shown = {name for expr in QUERIES for name in FIGURE.findall(expr)}
    ours = {re.sub(r"_(?:bucket|sum|count)$", "", name) for name in said if name.startswith("procession_")}
    lacking = {name for name in ours if not any(each.startswith(name) for each in shown)}
    assert not {name for name in lacking if not name.endswith("_created")}


@pytest.mark.parametrize("expr", ASKED)
def test_queries_ask_for_labels_that_there_are(said, expr):
    known = OF_PROMETHEUS.union(*(said[name] for name in FIGURE.findall(expr)))
    named = set(MATCHER.findall(expr)) | {name.strip() for names in BY.findall(expr) for name in names.split(",")}
    assert named <= known
    assert expr.count("(") == expr.count(")")
    assert expr.count("{") == expr.count("}")


def test_grafana_knows_the_dashboard_by_its_id():
    assert (DASHBOARD["uid"], DASHBOARD["title"], DASHBOARD["id"]) == ("procession", "procession", None)
    assert DASHBOARD["schemaVersion"] >= 38, "that of Grafana 10"
    assert DASHBOARD["time"]["from"]


def test_the_data_source_is_chosen_on_the_dashboard():
    variables = {each["name"]: each for each in DASHBOARD["templating"]["list"]}
    assert list(variables) == ["datasource", "job", "instance"]
    assert (variables["datasource"]["type"], variables["datasource"]["query"]) == ("datasource", "prometheus")
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    for panel in DASHBOARD["panels"]:
        for each in (panel, *panel.get("targets", ())):
            assert panel["type"] == "row" or each["datasource"] == chosen
    assert variables["job"]["datasource"] == variables["instance"]["datasource"] == chosen
    used = {name for expr in QUERIES for name in re.findall(r"\$(\w+)", expr)} - {"__rate_interval"}
    assert used <= set(variables)


def test_panels_have_ids_titles_and_places_of_their_own():
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["title"]
        assert panel["type"] in ("row", "stat", "timeseries")
        place = panel["gridPos"]
        assert place["x"] >= 0 and place["x"] + place["w"] <= 24
        if panel["type"] != "row":
            assert panel["description"] and panel["fieldConfig"]["defaults"]["unit"]
            assert [each["refId"] for each in panel["targets"]] == list("ABCDEFGH"[: len(panel["targets"])])
    for one, other in combinations(panels, 2):
        assert not _overlap(one["gridPos"], other["gridPos"]), f"{one['title']} and {other['title']}"


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    across = one["x"] < other["x"] + other["w"] and other["x"] < one["x"] + one["w"]
    return across and one["y"] < other["y"] + other["h"] and other["y"] < one["y"] + one["h"]


def test_alerts_say_what_they_are_about():
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"] and rule["annotations"]["description"]
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))
