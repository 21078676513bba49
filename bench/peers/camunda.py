"""camunda-python on the same files, its tasks as Python functions: in memory, and on SQLite and PostgreSQL with its own settings.

python -m peers.camunda     in an environment of its own, since it takes Python 3.12 or newer
"""

from __future__ import annotations

from pathlib import Path

from camunda.engine import ProcessEngine
from camunda.parser import parse_bpmn_xml
from camunda.persistence.store import Store
from workloads import POSTGRES, camunda7, missing, rate, scratch


def opened(url: str | None = None) -> ProcessEngine:
    engine = ProcessEngine(Store(url)) if url else ProcessEngine()
    engine.register_delegate("set_x", lambda variables: variables.update(x=variables["x"] + 1))
    for number in range(1, 5):
        engine.register_delegate(f"set_v{number}", lambda variables, n=number: variables.update({f"v{n}": n}))
    for name in ("w1_straight.bpmn", "w2_parallel.bpmn"):
        engine.deploy(parse_bpmn_xml(camunda7(name).decode()))
    done = engine.start_process_instance_by_key("w1", {"x": 0})
    assert done.variables["x"] == 5, done.variables
    assert str(done.state).endswith("COMPLETED"), done.state
    return engine


def main() -> None:
    engine = opened()
    rate("camunda.w1.memory", lambda: engine.start_process_instance_by_key("w1", {"x": 0}))
    rate("camunda.w2.memory", lambda: engine.start_process_instance_by_key("w2", {}))
    stores = {"sqlite": f"sqlite:///{Path(scratch()) / 'c.db'}"}
    if POSTGRES:
        stores["postgres"] = POSTGRES.replace("postgresql:", "postgresql+psycopg:", 1)
    else:
        missing("camunda.w1.postgres", "no PostgreSQL")
    for name, url in stores.items():
        stored = opened(url)
        rate(f"camunda.w1.{name}", lambda stored=stored: stored.start_process_instance_by_key("w1", {"x": 0}))


if __name__ == "__main__":
    main()
