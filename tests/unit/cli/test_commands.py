"""Each command does what it says, for people and for machines."""

from __future__ import annotations

import json
import secrets
import threading
import time
import zipfile
from pathlib import Path

import pytest

from procession import Engine, SystemClock, VirtualClock
from procession.api.tokens import AccessTokens
from procession.bus import Received
from procession.cli.live import Chronicle
from procession.runtime.asks import Ask, Park, Source
from tests.unit.cli.conftest import ANA, CARD, ORDER

# -- definitions ------------------------------------------------------------------------------------------------------


def test_deploy_and_publish(line):
    assert line.out("deploy", CARD) == "credit_card version 1: draft\n"
    assert line.out("deploy", CARD) == "credit_card version 1: draft\n", "the same bytes make no new version"
    assert "No version of 'credit_card' is published" in line.error("start", "credit_card", "--data", ANA)
    assert line.out("publish", "credit_card") == "credit_card version 1: published\n"
    assert line.card()["state"] == "STARTED"
    assert line.out("deprecate", "credit_card", "--version", "1") == "credit_card version 1: deprecated\n"
    assert "Process definition not found." in line.error("start", "credit_card", "--data", ANA)


def test_deploy_takes_all_files_or_none(line):
    Path("bad.bpmn").write_text("<a/>")
    stderr = line.error("deploy", CARD, "bad.bpmn")
    assert stderr.startswith("bad.bpmn:1: The file is not BPMN 2.0")
    assert stderr.endswith("error: Refused because of 1 problem; nothing was added.\n")
    assert line.out("definitions") == "No process was deployed yet.\n"


def test_problems_name_files_as_they_were_typed_and_the_store_does_not_keep_folders(line):
    Path("folder").mkdir()
    Path("folder/bad.bpmn").write_text("<a/>")
    assert line.error("deploy", "folder/bad.bpmn").startswith("folder/bad.bpmn:1:")
    (definition,) = line.json("deploy", CARD)["items"]
    assert definition["file"] == "credit_card.bpmn"


def test_definitions(cards):
    assert "credit_card  1        published  New credit card" in cards.out("definitions")
    (definition,) = cards.json("definitions", "credit_card")["items"]
    assert (definition["name"], definition["version"], definition["state"]) == ("credit_card", 1, "published")


# -- starting ---------------------------------------------------------------------------------------------------------


def test_start_says_what_it_waits_for(cards):
    text = cards.out("start", "credit_card", "--start-condition", "PF", "--data", ANA)
    assert "credit_card version 1, instance " in text
    assert "STARTED" in text
    assert "Fill in application waits for a person to complete task " in text


def test_start_reads_data_from_a_file_and_from_stdin(cards):
    Path("ana.json").write_text(ANA)
    start = ("start", "credit_card", "--start-condition", "PF", "--data")
    assert cards.json(*start, "@ana.json")["variables"] == json.loads(ANA)
    assert cards.json(*start, "-", stdin=ANA)["variables"] == json.loads(ANA)


def test_start_is_idempotent_by_its_key_and_findable_by_the_business_key(cards):
    first = cards.card("--idempotency-key", "k1", "--business-key", "application-7")
    assert cards.card("--idempotency-key", "k1", "--business-key", "application-7")["id"] == first["id"]
    (found,) = cards.json("instances", "--business-key", "application-7")["items"]
    assert found["id"] == first["id"]


def test_start_is_refused_with_the_titles_of_the_contract(cards):
    assert cards.error("start", "credit_card").startswith(
        "error: Multiple start nodes found, but start condition not specified."
    )
    stderr = cards.error("start", "credit_card", "--start-condition", "PJ", "--data", ANA)
    assert stderr.startswith("error: Some mandatory params are missing.")
    assert "company.vat" in stderr
    problem = json.loads(cards.error("start", "credit_card", "--start-condition", "PJ", "--data", ANA, "--json"))
    assert problem["status"] == 400
    assert problem["title"] == problem["defaultMessage"] == "Some mandatory params are missing."
    assert problem["missing"] == ["company.vat"]
    assert problem["errorKey"]


def test_a_start_as_somebody_is_held_against_their_roles(cards):
    start = ("start", "credit_card", "--start-condition", "PF", "--data", ANA)
    assert "Forbidden" in cards.error(*start, "--user", "sid", "--role", "guest")
    assert cards.json(*start, "--user", "carl", "--role", "clerk")["startedBy"] == "carl"
    assert "does not know 'zoe'" in cards.error(*start, "--user", "zoe")
    cards.run("users", "add", "zoe", "--roles", "clerk", "--password-stdin", stdin="long enough\n")
    assert cards.json(*start, "--user", "zoe")["startedBy"] == "zoe"


# -- watching ---------------------------------------------------------------------------------------------------------


def test_status(cards):
    card = cards.card()
    text = cards.out("status", card["id"])
    assert "1: ACTIVE on Fill in application" in text
    assert '"name": "Ana"' in text
    assert cards.json("status", card["id"])["tokens"][0]["currentNodeId"] == "fill_in"


def test_history_tells_the_steps_and_hides_what_is_sensitive(cards):
    card = cards.card()
    (task,) = cards.json("tasks")["items"]
    cards.run("complete", task["id"], "--data", '{"client": {"iban": "DE02120300000000202051"}, "amount": 3000}')
    text = cards.out("history", card["id"])
    for part in ("Person applies", "waits for a person (clerk, manager)", "done by system", "score = 90", "→ accepted"):
        assert part in text
    assert "splits into 2 branches" in text
    assert "client.iban = ***" in text
    assert "DE021203" not in text
    assert [row["position"] for row in cards.json("history", card["id"])["items"]] == [1, 2]


def test_follow_tells_everything_until_the_end(cards):
    """Somebody else does the work while it is followed, as another process would."""
    result = {}

    def follow():
        result["text"] = cards.out("start", "credit_card", "--start-condition", "PF", "--data", ANA, "--follow")

    watching = threading.Thread(target=follow)
    watching.start()
    with Engine("sqlite:///procession.db") as engine:
        deadline = time.monotonic() + 20
        while not (tasks := engine.tasks().items):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        engine.complete_task(tasks[0].id, {"amount": 1_000_000, "client": {"iban": "DE02120300000000202051"}})
    watching.join(20)
    assert not watching.is_alive()
    lines = [line[10:] for line in result["text"].splitlines()]
    assert lines[-2:] == ["● Refused", "■ FINISHED"]
    assert any(line.startswith("… Fill in application  waits for a person") for line in lines)


def test_follow_goes_into_called_processes_and_loops(line):
    line.run("deploy", *ORDER, "--publish")
    items = [{"sku": sku, "quantity": 1, "price": 10} for sku in ("book", "lamp")]
    data = json.dumps({"order": {"id": "o-1", "address": "here", "items": items, "express": True}})
    order = line.json("start", "order_fulfilment", "--data", data)
    assert order["waits"][-1]["kind"] in ("timer", "message", "expiry")
    line.run("message", "payment-received", "--key", "o-1")
    with Engine("sqlite:///procession.db") as engine:
        for kind, result in (("pick-item", {"bin": "A"}), ("reserve-express", {}), ("book-carrier", {})):
            for job in engine.activate_jobs(kind, max_jobs=9):
                engine.complete_job(job.id, job.token, result)
    text = line.out("history", order["id"])
    assert "Pick items  for each of 2 items" in text
    assert "Ship parcel  calls ship_parcel" in text
    assert "    " in text
    assert "2 hours until it is collected  waits until" in text
    status = line.out("status", order["id"])
    assert "waits for the process 'ship_parcel', instance" in status


def test_following_what_was_ended_by_somebody_is_a_failure(cards):
    card = cards.card()
    cards.run("terminate", card["id"], "--reason", "The client called.")
    result = cards.run("follow", card["id"], code=1)
    assert result.stdout.rstrip().endswith("■ TERMINATED  : The client called.") or "TERMINATED" in result.stdout


def test_instances_come_in_pages(cards):
    ids = [cards.card()["id"] for _ in range(3)]
    page = cards.json("instances", "--limit", "2")
    assert [item["id"] for item in page["items"]] == ids[:0:-1]
    page = cards.json("instances", "--limit", "2", "--cursor", page["next"])
    assert [item["id"] for item in page["items"]] == ids[:1]
    assert page["next"] is None
    assert cards.out("instances", "--status", "FINISHED") == "No instance is like that.\n"


# -- people -----------------------------------------------------------------------------------------------------------


def test_people_claim_release_and_complete_tasks(cards):
    cards.card()
    clerk = ("--user", "carl", "--role", "clerk")
    (task,) = cards.json("tasks", *clerk)["items"]
    assert cards.json("claim", task["id"], *clerk)["assignee"] == "carl"
    assert cards.json("tasks", "--scope", "mine", *clerk)["items"][0]["id"] == task["id"]
    assert cards.json("release", task["id"], *clerk)["assignee"] is None
    assert "carl has it" in cards.out("assign", task["id"], "carl")
    text = cards.out(
        "complete", task["id"], "--data", '{"amount": 3000, "client": {"iban": "DE02120300000000202051"}}', *clerk
    )
    assert "Sign contract waits for" in text
    assert "Task not found." in cards.error("complete", task["id"])
    assert "Sign contract" in cards.out("tasks")


# -- messages, operations, repair -------------------------------------------------------------------------------------


def test_message(cards):
    assert "it is kept for 60 seconds" in cards.out("message", "card-delivered", "--key", "5", "--ttl", "60")
    data = '{"client": {"name": "Cid", "income": 1}, "amount": 1}'
    message = ("message", "application-received", "--data", data, "--message-id", "m1")
    assert "was received by instance " in cards.out(*message)
    assert "came before; nothing happened" in cards.out(*message)


def test_hold_unhold_and_terminate_with_their_reasons(cards):
    card = cards.card()["id"]
    assert "ON_HOLD" in cards.out("hold", card, "--reason", "Papers are missing.")
    assert "409" in cards.run("hold", card, "--json", code=1).stderr
    assert "STARTED" in cards.out("unhold", card)
    assert cards.json("terminate", card)["state"] == "TERMINATED"
    assert "On hold  by system: Papers are missing." in cards.out("history", card)
    assert cards.error("dismiss", card).startswith("error: ")


def test_forgotten_instances_are_cleaned_up(cards):
    card = cards.card()["id"]
    assert cards.json("clean-up", "--days", "1") == {"failed": 0}
    assert "1 ended as FAILED" in cards.out("clean-up", "--days", "0")
    assert cards.json("status", card)["state"] == "FAILED"


def test_an_exception_is_seen_repaired_and_retried(line):
    line.run("deploy", *ORDER, "--publish")
    items = [{"sku": "book", "quantity": 1, "price": 10}]
    order = line.json("start", "order_fulfilment", "--data", json.dumps({"order": {"id": "o-1", "items": items}}))["id"]
    line.run("set-variables", order, "--data", '{"order": {"items": null}}', "--reason", "A mistake.")
    line.run("message", "payment-received", "--key", "o-1")

    (exception,) = line.json("exceptions", order)["items"]
    assert exception["node"] == "pick_items"
    assert "Exception on pick_items: " in line.out("status", order)
    assert exception["message"] in line.out("exceptions")
    assert "Pick items waits for a repair: " in line.out("retry", order), "nothing was repaired yet"

    line.run("set-variables", order, "--data", json.dumps({"order": {"items": items}}), "--reason", "Found again.")
    assert "Pick item waits for a worker" in line.out("retry", order, "--reason", "The items are back.")
    assert "error: " in line.error("retry", order)
    text = line.out("history", order)
    assert "Pick items  cannot go on: The collection of" in text
    assert "changed by system: Found again." in text
    assert "repaired by system: The items are back." in text


# -- files ------------------------------------------------------------------------------------------------------------


def test_letters(line):
    park()
    assert line.out("letters") == "There is no letter.\n"
    park("k1", "k2")
    assert [each["key"] for each in line.json("letters")["items"]] == ["k2", "k1"]
    page = line.out("letters", "--limit", "1")
    assert "engine.receive.crm.v1  dead" in page
    assert "There are more: --cursor " in page
    second, first = (each["id"] for each in line.json("letters")["items"])
    shown = line.out("letters", first)
    assert "No instance. It says none." in shown
    assert "Header jwt: ***" in shown and "Value " in shown
    assert "Replayed" in line.out("letters", first, "--replay")
    assert line.json("letters", second, "--dismiss", "--user", "bo", "--role", "operator")["closedBy"] == "bo"
    assert "error: " in line.error("letters", second, "--replay")
    assert "403" in line.error("letters", "--user", "bo", "--role", "clerk", "--json")
    assert [each["id"] for each in line.json("letters", "--state", "replayed")["items"]] == [first]
    assert "Which letter?" in line.error("letters", "--replay", code=2)
    assert "not both" in line.error("letters", first, "--replay", "--dismiss", code=2)


def park(*keys: str) -> None:
    """Records that could not be handled, of these keys."""
    with Engine("sqlite:///procession.db") as engine:
        for offset, key in enumerate(keys):
            headers = (("jwt", b"a.b.c"),)
            record = Received("procession.dev.engine.receive.crm.v1", 0, offset, key, b'{"ok": true}', headers, 0)
            engine.wait(engine.submit(Ask(Park("No instance.", "It says none."), source=Source("engine", record))))


def test_lint(line):
    assert line.out("lint", CARD) == "1 file: 0 errors, 0 warnings\n"
    text = Path(CARD).read_text()
    Path("bad.bpmn").write_text(
        text.replace("=score &gt;= 70", "=score &gt;=", 1).replace('targetRef="ready"', 'targetRef="x"', 1)
    )
    result = line.run("lint", CARD, "bad.bpmn", code=1)
    first = result.stdout.splitlines()[0]
    assert first.startswith("bad.bpmn:")
    assert first.split(":")[1].isdecimal()
    assert "[" in first
    assert result.stdout.splitlines()[-1].startswith("2 files: ")
    problems = json.loads(line.run("lint", "bad.bpmn", "--json", code=1).stdout)["problems"]
    assert problems[0].keys() == {"file", "line", "element", "message", "hint", "severity"}


def test_export_gives_the_bytes_back(cards):
    cards.run("export", "credit_card", "-o", "out.bpmn")
    assert Path("out.bpmn").read_bytes() == Path(CARD).read_bytes()
    assert cards.run("export", "credit_card", "--version", "1").stdout_bytes == Path(CARD).read_bytes()


def test_a_bundle_carries_every_version_with_its_state(cards):
    text = Path(CARD).read_text()
    for tag in ("2.0", "3.0"):
        Path("next.bpmn").write_text(text.replace('versionTag value="1.0"', f'versionTag value="{tag}"'))
        cards.run("deploy", "next.bpmn")
    cards.run("publish", "credit_card", "--version", "2")
    cards.run("deploy", *ORDER)
    cards.run("export", "-o", "all.zip")
    other = ("--store", "sqlite:///other.db")
    cards.run("import", "all.zip", *other)

    def states(*more):
        return [(d["name"], d["version"], d["state"]) for d in cards.json("definitions", *more)["items"]]

    assert states(*other) == states()
    assert ("credit_card", 1, "deprecated") in states()
    cards.run("export", "-o", "again.zip", *other)
    assert Path("again.zip").read_bytes() == Path("all.zip").read_bytes()


def test_a_bundle_of_one_process(cards):
    cards.run("deploy", *ORDER)
    cards.run("export", "credit_card", "-o", "one.zip")
    cards.run("import", "one.zip", "--store", "sqlite:///other.db")
    (definition,) = cards.json("definitions", "--store", "sqlite:///other.db")["items"]
    assert definition["name"] == "credit_card"


def test_a_zip_without_a_manifest_is_drafts(line):
    with zipfile.ZipFile("any.zip", "w") as archive:
        archive.write(CARD, "processes/credit_card.bpmn")
        archive.writestr("notes.txt", "x")
    result = line.run("import", "any.zip", *ORDER)
    assert "credit_card version 1: draft" in result.stdout
    assert "order_fulfilment version 1: draft" in result.stdout
    assert "'notes.txt' in 'any.zip' is no process file" in result.stderr


@pytest.mark.parametrize(
    "manifest",
    [
        "no json",
        "[]",
        '{"format": "procession-bundle/1"}',
        '{"format": "procession-bundle/1", "definitions": [7]}',
        '{"format": "procession-bundle/1", "definitions": [{"name": "a", "state": "draft", "file": "gone"}]}',
    ],
)
def test_a_bundle_that_is_not_one_is_refused(line, manifest):
    with zipfile.ZipFile("bad.zip", "w") as archive:
        archive.writestr("manifest.json", manifest)
    assert "manifest.json" in line.error("import", "bad.zip", code=2)
    Path("cut.zip").write_bytes(Path("bad.zip").read_bytes()[:40])
    assert "is not a zip that can be read" in line.error("import", "cut.zip", code=2)


# -- the store and its users --------------------------------------------------------------------------------------------


def test_migrate_db(line):
    assert line.out("migrate-db", "--dry-run").startswith(
        "would apply 0001_initial\nwould apply 0002_edge\nwould apply 0003"
    )
    assert not Path("procession.db").exists()
    assert line.json("migrate-db") == {
        "dryRun": False,
        "migrations": [
            *("0001_initial", "0002_edge", "0003_forms", "0004_tasks_by_due_date", "0005_failed_starts"),
            "0006_bus",
        ],
    }
    assert line.out("migrate-db") == "sqlite:///procession.db is up to date.\n"


def test_users(line):
    add = ("users", "add", "ana", "--roles", "clerk, manager", "--password-stdin")
    assert line.out(*add, stdin="correct horse\n") == "User ana: clerk, manager\n"
    assert line.json("users", "list")["items"] == [{"name": "ana", "roles": ["clerk", "manager"]}]
    with Engine("sqlite:///procession.db") as engine:
        assert engine.users.verify("ana", "correct horse").roles == {"clerk", "manager"}
    assert line.out("users", "remove", "ana") == "User ana is removed.\n"
    assert "User not found." in line.error("users", "remove", "ana")
    assert line.out("users", "list") == "There is no user.\n"


def test_a_password_is_asked_for_only_on_a_terminal_and_has_to_be_good(line):
    assert "--password-stdin" in line.error("users", "add", "ana", "--roles", "clerk", code=2)
    assert "at least" in line.error("users", "add", "ana", "--roles", "clerk", "--password-stdin", stdin="short\n")
    assert "no role" in line.error("users", "add", "ana", "--roles", ",", "--password-stdin", code=2, stdin="x\n")


# -- the rest -----------------------------------------------------------------------------------------------------------


def test_version(line):
    assert line.out("version").startswith("procession 0.")
    assert line.json("version")["version"]


@pytest.mark.parametrize("command", [("test", "folder"), ("bench",)])
def test_what_is_not_built_yet_says_so(line, command):
    assert "not built yet" in line.error(*command)
    assert json.loads(line.error(*command, "--json"))["status"] == 501


def test_the_demo_tells_its_story_and_ends(line):
    begun = time.monotonic()
    text = line.out("demo", "--story", "--store", "sqlite:///demo.db")
    assert time.monotonic() - begun < 10
    for part in (
        "Ana applies",
        "Produce card  done by",
        "Review  done by mary",
        "Card active",
        "Refused",
        "0 are stuck",
    ):
        assert part in text
    assert len(line.json("instances", "--store", "sqlite:///demo.db", "--status", "FINISHED")["items"]) == 3
    assert "is kept" not in line.out("demo", "--story", "--store", "sqlite:///demo.db"), (
        "a second time on the same store"
    )


def test_fractions_stay_numbers(cards):
    data = '{"client": {"name": "Ana", "income": 2400.10}}'
    start = cards.run("start", "credit_card", "--start-condition", "PF", "--data", data, "--json").stdout
    assert '"income": 2400.1' in start
    card = json.loads(start)["id"]
    assert '"income": 2400.1' in cards.out("status", card)
    assert "client.income = 2400.1" in cards.out("history", card)
    assert cards.json("history", card)["items"][0]["events"][0][4]["client"]["income"] == 2400.1


def test_a_story_of_several_days_says_which_day_it_is():
    with Engine(clock=VirtualClock("2026-11-23T23:00:00Z")) as engine:
        engine.deploy(CARD, publish=True)
        data = {"company": {"vat": "1"}, "client": {"name": "Bo", "income": 5000}}
        card = engine.start("credit_card", data, start_condition="PJ")
        engine.complete_task(
            engine.tasks().items[0].id, {"amount": 20_000, "client": {"iban": "DE02120300000000202051"}}
        )
        for span in ("PT10S", "P3D"):  # the credit bureau does not answer in time
            engine.clock.advance(span)
            engine.run_due()
        story = [str(line) for _, line in Chronicle(engine, card.id).news()]
    assert story.index("23:00:10  · It is 2026-11-26") == story.index("23:00:10  ◷ 24 hours  the time has come") - 1
    for part in ("◷ 3 days  the time has come", "✗ Review  interrupted", "● Refused"):
        assert f"23:00:10  {part}" in story


def test_tokens_for_programs(line, monkeypatch):
    secret = secrets.token_urlsafe(48)
    line.run("users", "add", "robot", "--roles", "worker", "--password-stdin", stdin="long enough\n")
    assert "PROCESSION_SECRET" in line.error("users", "token", "robot", code=2)
    monkeypatch.setenv("PROCESSION_SECRET", secret)
    claims = AccessTokens(secret, 60.0, SystemClock().now).verify(line.out("users", "token", "robot").strip())
    assert claims.name == "robot"
    answer = line.json("users", "token", "robot", "--valid", "P1D")
    assert answer["expires_in"] == 86_400
    assert "There is no user 'nobody'" in line.error("users", "token", "nobody")
    assert "--valid must be an ISO 8601 duration" in line.error("users", "token", "robot", "--valid", "1 day", code=2)
