"""A file as Camunda Modeler saves it for Camunda 8 runs unchanged: every `zeebe:` extension in it takes effect."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

FILE = Path(__file__).parents[1] / "data" / "camunda_modeler.bpmn"
CLAIM = {
    "id": "C-1",
    "amount": 12000,
    "photos": [],
    "positions": [{"kind": "roof", "value": 9000}, {"kind": "cellar", "value": 900}],
}


def claim(scenario, **changes):
    story = scenario(FILE).start({"investigator": "ben"}, process="claim_handling")
    return story.complete_task("Activity_register", {"claim": {**CLAIM, **changes}})


def test_a_large_claim_from_the_report_to_its_end(scenario):
    story = claim(scenario)
    assert story.variables["excess"] == Decimal("1200")
    assert story.waiting_at == ["Activity_0fraud9"]

    [job] = story.engine.activate_jobs("fraud-check", lock=0.001)
    assert (job.retries, job.headers) == (5, {"provider": "in-house", "depth": "full"})
    assert (job.variables["level"], job.variables["currency"]) == ("standard", "EUR")
    story.advance("PT1S")
    story.complete_job("fraud-check", {"riskScore": 7})
    assert story.variables["assessment"] == {"risk": 7}
    assert "level" not in story.variables

    story.complete_job("set-reserve", {"reserve": 8000})
    assert story.waiting_at == ["Activity_0expert", "Activity_0photos"]
    story.complete_job("ask-expert", {"opinion": "yes"}).complete_job("ask-expert", {"opinion": "fine"})
    assert story.variables["opinions"] == ["yes", "fine"]
    story.complete_task("Activity_0photos")

    assert story.waiting_at == ["Gateway_0first"]
    story.advance("P14D").complete_job("chase-documents")
    assert story.waiting_at == ["Gateway_0first"]
    story.message("documents-received", "C-1")

    assert story.waiting_at == ["Activity_0settle1", "Activity_0settle1"]
    story.advance("PT4H").complete_job("alert-team")
    story.complete_job("settle-cellar", {"settlement": {"amount": 700}})
    story.complete_job("settle-roof", {"settlement": {"amount": 8000}})
    assert story.variables["settled"] == [{"amount": 8000}, {"amount": 700}]

    [pay] = story.engine.activate_jobs("pay-out", lock=0.001)
    assert pay.variables["amount"] == 7500
    story.advance("PT1S")
    story.complete_job("pay-out", {"paymentId": "P-9"})
    letter = story.child("Activity_0letter")
    assert letter.variables == {"claimId": "C-1", "template": "settled"}
    letter.complete_job("write-letter", {"letterId": "L-3", "pages": 2})
    assert story.variables["letterId"] == "L-3"
    assert "pages" not in story.variables
    story.advance("P30D")
    assert story.status == "FINISHED"


def test_a_fraud_goes_to_the_investigator(scenario):
    story = claim(scenario, amount=60000).throw_error("fraud-check", "FRAUD", "a known trick")
    [task] = story.engine.tasks().items
    assert (task.name, task.assignee, task.priority) == ("Investigate", "ben", 100)
    assert (task.candidate_roles, task.candidate_users) == (["manager"], ["ana", "ben"])
    story.complete_task("Activity_0invest")
    assert story.status == "FINISHED"
    assert "Event_0reject" in story.completed


def test_a_small_claim_that_is_withdrawn(scenario):
    story = claim(scenario, amount=300, photos=["roof.jpg"]).complete_job("set-reserve", {"reserve": 200})
    assert story.variables["excess"] == 150
    story.message("documents-received", "C-1")
    story.message("claim-withdrawn", "C-1")
    assert story.status == "FINISHED"
    assert "Event_0withend" in story.completed


def test_the_first_expert_who_says_no_is_enough(scenario):
    story = claim(scenario, photos=["roof.jpg"]).complete_job("fraud-check").complete_job("set-reserve")
    story.complete_job("ask-expert", {"opinion": "no"})
    assert story.variables["opinions"] == ["no", None]
    assert story.waiting_at == ["Gateway_0first"]


def test_what_the_register_task_says_of_itself(scenario):
    story = scenario(FILE).start({}, process="claim_handling")
    [task] = story.engine.tasks().items
    assert (task.form, task.priority, task.candidate_roles) == ("register-claim", 75, ["clerk", "manager"])
    assert task.due > task.follow_up > task.date_created
