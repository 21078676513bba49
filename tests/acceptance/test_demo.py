"""`procession demo`: everything is there at once, what it says to try works as it stands, and Ctrl-C ends all of it."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from procession import Client, Engine
from tests.acceptance.programs import running
from tests.acceptance.waiting import until


def passwords(demo) -> dict[str, str]:
    """As the table says."""
    table = re.search(r"^USER +PASSWORD +ROLE\n((?:.+\n)+)", "".join(demo.out), re.MULTILINE)
    return {user: password for user, password, _ in (re.split("  +", line) for line in table[1].splitlines())}


def workers_of(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def test_it_has_users_processes_and_workers(tmp_path):
    with running("demo", "--port", "0", cwd=tmp_path) as demo:
        url = demo.address()
        demo.said("Ctrl-C ends everything.")
        users = passwords(demo)
        assert set(users) == {"admin", "operator", "clerk", "manager", "worker"}
        with Client(url, user="clerk", password=users["clerk"]) as clerk:
            names = {each.name for each in clerk.definitions() if each.state == "published"}
            assert names == {"credit_card", "order_fulfilment", "ship_parcel"}
            data = {"client": {"name": "Ana", "income": 2400}}
            card = clerk.start("credit_card", data, start_condition="PF")
            (task,) = clerk.tasks(instance=card.id).items
            clerk.complete_task(task.id, {"client": {"iban": "DE02120300000000202051"}, "amount": 3000})
            until(lambda: clerk.instance(card.id).variables.get("cardNumber"))
        children = workers_of(demo.process.pid) if Path("/proc/self/task").exists() else []
        assert demo.stop(signal.SIGINT) == 0
        assert not [child for child in children if Path(f"/proc/{child}").exists()]


def test_there_is_something_to_look_at_and_something_to_repair(tmp_path):
    with running("demo", "--port", "0", "--password", "open-sesame-1", cwd=tmp_path) as demo:
        url = demo.address()
        demo.said("Ctrl-C ends everything.")
        with Client(url, user="operator", password="open-sesame-1") as operator:
            until(lambda: operator.exceptions(open_only=True))
            stuck = operator.exceptions(open_only=True)
            assert [each.node for each in stuck] == ["produce_card"]
            assert "a card has room for 26" in stuck[0].message + stuck[0].details
            cards = operator.instances(definition="credit_card").items
            assert [each.business_key[:7] for each in cards] == ["CC-1003", "CC-1002", "CC-1001"]
            operator.set_variables(
                stuck[0].instance, {"client": {"name": "Maximiliana Konstantinidou"}}, reason="too long"
            )
            operator.retry(stuck[0].instance)
            until(lambda: operator.instance(stuck[0].instance).variables.get("cardNumber"))


@pytest.mark.skipif(shutil.which("curl") is None, reason="the demo's lines are for curl")
def test_what_it_says_to_try_works_as_it_stands(tmp_path):
    with running("demo", "--port", "0", "--password", "open-sesame-1", cwd=tmp_path) as demo:
        demo.said("Ctrl-C ends everything.")
        lines = [line for line in demo.out if line.startswith("  ")]
        assert len(lines) >= 8
        script = "set -e\n" + "".join(lines).replace("&\n", "> events.txt &\nWATCHING=$!\n") + "kill $WATCHING\n"
        done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        last = json.loads(done.stdout[done.stdout.rindex('{\n    "id"') :])
        assert last["variables"]["signed"] is True
        assert "event: task" in (tmp_path / "events.txt").read_text()


def test_the_credit_bureau_has_answered_about_who_waits_for_a_manager(tmp_path):
    with running("demo", "--port", "0", "--password", "open-sesame-1", cwd=tmp_path) as demo:
        url = demo.address()
        with Client(url, user="manager", password="open-sesame-1") as manager:
            until(lambda: manager.tasks(node="review").items)
            (review,) = manager.tasks(node="review").items
            assert 300 <= manager.instance(review.instance).variables["bureau"]["score"] <= 850


def test_it_is_the_same_on_kafka(tmp_path, kafka):
    with running("demo", "--port", "0", "--password", "open-sesame-1", "--bus", kafka.url(), cwd=tmp_path) as demo:
        url = demo.address()
        with Client(url, user="clerk", password="open-sesame-1") as clerk:
            demo.said("waits for records on bureau.requests")
            card = clerk.start("credit_card", {"client": {"name": "Bo", "income": 5000}}, start_condition="PF")
            (task,) = clerk.tasks(instance=card.id).items
            clerk.complete_task(task.id, {"client": {"iban": "DE02120300000000202051"}, "amount": 20_000})
            until(lambda: clerk.instance(card.id).waiting_at == ["review"])
        assert demo.stop() == 0


def test_a_port_that_is_taken_is_no_obstacle_unless_it_was_asked_for(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running("demo", "--port", str(port), cwd=tmp_path) as demo:
            demo.said("Cannot listen on")
            assert demo.ended() == 1
    try:
        usual = socket.create_server(("127.0.0.1", 8080))
    except OSError:
        usual = None  # somebody else has it: just as good
    with running("demo", cwd=tmp_path) as demo:
        address = demo.address()
        demo.said("Port 8080 is taken")
        assert not address.endswith(":8080")
        demo.stop()
    if usual is not None:
        usual.close()


def test_a_store_of_ones_own_keeps_its_passwords(tmp_path):
    store = f"sqlite:///{tmp_path}/mine.db"
    with Engine(store) as engine:
        engine.users.add("admin", "my own password", ["admin"])
    with running("demo", "--port", "0", "--store", store, cwd=tmp_path) as demo:
        url = demo.address()
        assert passwords(demo)["admin"] == "(as it was)"
        with Client(url, user="admin", password="my own password") as admin:
            assert len(admin.definitions()) == 3


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc to find the workers")
def test_the_workers_do_not_outlive_a_demo_that_is_killed(tmp_path):
    with running("demo", "--port", "0", cwd=tmp_path) as demo:
        demo.said("waits for jobs of type", 2)
        demo.said("waits for records on bureau.requests")
        children = workers_of(demo.process.pid)
        assert len(children) == 3
        assert demo.stop(signal.SIGKILL) == -signal.SIGKILL
        until(lambda: not [child for child in children if Path(f"/proc/{child}").exists()])


def test_it_is_for_people(tmp_path):
    with running("demo", "--json", cwd=tmp_path) as demo:
        demo.said("The demo is for people.")
        assert demo.ended() == 2
