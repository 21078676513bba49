"""What the OpenAPI document shows: examples of answers by the name of their type, of bodies by the name of their call, of
problems by their status; and what is said of parameters."""

from __future__ import annotations

from typing import Any

_AT = "2030-01-31T12:00:00.000000Z"
_ID = "7301444403200000001"
_TASK = "7301444403200000002"

_TASK_VIEW = {
    "id": _TASK,
    "instance": _ID,
    "processDefinitionName": "credit_card",
    "processTitle": "New credit card",
    "version": 3,
    "businessKey": "ana",
    "startedBy": "clerk",
    "dateStarted": _AT,
    "node": "fill_in",
    "stage": "Application",
    "name": "Fill in the application",
    "lane": "Front office",
    "state": "CREATED",
    "assignee": None,
    "candidateRoles": ["clerk", "manager"],
    "candidateUsers": [],
    "dateCreated": _AT,
    "due": None,
    "followUp": None,
    "priority": 50,
    "form": "forms/application.schema.json",
    "seq": 1,
    "allowed": {"complete": "take the task first", "claim": True, "release": "nobody has taken it", "assign": True},
}

EXAMPLES: dict[str, Any] = {
    "InstanceView": {
        "id": _ID,
        "processDefinitionName": "credit_card",
        "processTitle": "New credit card",
        "version": 3,
        "state": "STARTED",
        "businessKey": "ana",
        "startedBy": "clerk",
        "dateStarted": _AT,
        "dateEnded": None,
        "parent": None,
        "root": _ID,
        "tokens": [
            {
                "id": "1",
                "parentTokenId": None,
                "version": 2,
                "state": "ACTIVE",
                "statusCurrentNode": "ARRIVED",
                "startNodeId": "start_person",
                "currentNodeId": "fill_in",
                "currentNodeName": "Fill in the application",
                "syncNodeTokensCount": 0,
                "syncNodeTokensFinished": 0,
                "dateUpdated": _AT,
                "nodesActionStates": [],
                "backSeq": {"nodes": []},
            }
        ],
        "variables": {"client": {"name": "Ana", "income": 2400}},
        "generalData": {"app": "cards"},
        "subProcesses": [],
        "exceptions": [],
        "waits": [{"kind": "task", "id": _TASK, "token": "1", "node": "fill_in", "name": "Fill in",
                   "assignee": None, "lane": "front"}],
        "seq": 1,
        "allowed": {"hold": True, "unhold": "the instance is not on hold", "terminate": True},
        "templateConfig": [],
    },
    "TaskView": _TASK_VIEW,
    "TaskFormView": {
        "task": {
            **_TASK_VIEW,
            "node": "review",
            "stage": "Review",
            "name": "Review",
            "lane": "Back office",
            "state": "ASSIGNED",
            "assignee": "manager",
            "candidateRoles": ["manager"],
            "form": "forms/review.schema.json",
            "seq": 3,
            "allowed": {"complete": True, "claim": "the task is yours already", "release": True, "assign": True},
        },
        "source": "form",
        "schema": {
            "title": "Review",
            "type": "object",
            "properties": {"approved": {"type": "boolean"}, "comment": {"type": "string", "maxLength": 500}},
            "required": ["approved"],
        },
        "data": {"client": {"name": "Bo", "income": 5000, "iban": "***"}, "amount": 20000},
        "instructions": "Look at income and limit, and approve or refuse.",
        "draft": {"comment": "a good cl"},
        "draftDate": _AT,
    },
    "DraftView": {"draftDate": _AT},
    "JobView": {
        "id": _TASK,
        "token": 7,
        "type": "print-card",
        "instance": _ID,
        "node": "produce_card",
        "variables": {"client": {"name": "Ana"}},
        "headers": {"printer": "2"},
        "retries": 3,
        "deadline": _AT,
        "worker": "factory-1",
    },
    "DefinitionView": {
        "id": _ID,
        "name": "credit_card",
        "version": 3,
        "title": "New credit card",
        "description": "Somebody asks for a credit card.",
        "state": "published",
        "file": "credit_card.bpmn",
        "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "dateDeployed": _AT,
        "deployedBy": "admin",
        "seq": 2,
        "allowed": {"start": True, "publish": "it is published already", "deprecate": True},
    },
    "ExceptionView": {
        "id": _TASK,
        "instance": _ID,
        "tokenId": "1",
        "node": "which",
        "source": "Gateway",
        "type": "GatewayEvaluation",
        "causeType": "NoConditionTrue",
        "message": "No condition of gateway 'Which?' is true for amount = 50, and it has no default flow.",
        "details": "",
        "date": _AT,
        "resolved": None,
        "seq": 4,
        "allowed": {"retry": True},
    },
    "PreviewView": {
        "instance": {
            "id": _ID,
            "processDefinitionName": "credit_card",
            "processTitle": "New credit card",
            "version": 3,
            "state": "TERMINATED",
            "businessKey": "ana",
            "startedBy": "clerk",
            "dateStarted": _AT,
            "dateEnded": _AT,
            "parent": None,
            "root": _ID,
            "tokens": [],
            "variables": {"client": {"name": "Ana", "income": 2400}},
            "generalData": {"app": "cards"},
            "subProcesses": [],
            "exceptions": [],
            "waits": [],
            "seq": 1,
            "allowed": {"hold": "the instance is TERMINATED"},
            "templateConfig": [],
        },
        "events": [
            {"event": "status",
             "data": {"instance": _ID, "rootInstance": _ID, "processDefinitionName": "credit_card", "version": 3, "at": _AT,
                      "seq": 2, "status": "TERMINATED"}},
        ],
        "eventsMore": 0,
        "ended": [{"kind": "task", "node": "fill_in", "name": "Fill in the application", "instance": _ID}],
        "endedMore": 0,
    },
    "ProgressView": {
        "instance": _ID,
        "processDefinitionName": "credit_card",
        "processTitle": "New credit card",
        "businessKey": "ana",
        "state": "STARTED",
        "dateStarted": _AT,
        "dateEnded": None,
        "stages": [
            {"name": "Application", "state": "done", "since": _AT, "until": _AT,
             "steps": [{"name": "Fill in application", "state": "done", "since": _AT, "until": _AT, "lane": "Front office",
                        "assignee": None}]},
            {"name": "Review", "state": "current", "since": _AT, "until": None,
             "steps": [{"name": "Review", "state": "current", "since": _AT, "until": None, "lane": "Back office",
                        "assignee": None}]},
            {"name": "Contract", "state": "next", "since": None, "until": None, "steps": []},
        ],
        "seq": 2,
        "allowed": {"terminate": True},
    },
    "LetterView": {
        "id": _TASK,
        "topic": "procession.dev.engine.receive.crm.v1",
        "name": "engine.receive.crm",
        "partition": 2,
        "offset": 4711,
        "key": _ID,
        "value": {"status": "ok"},
        "headers": [{"name": "destinationId", "value": "ask_crm"}],
        "published": _AT,
        "at": _AT,
        "attempts": 1,
        "due": None,
        "state": "dead",
        "title": "No instance.",
        "detail": "An answer needs the header processInstanceId of its request: return all headers that you received.",
        "instance": None,
        "closed": None,
        "closedBy": None,
        "allowed": {"replay": True, "dismiss": True},
    },
    "RecordView": {
        "state": "published",
        "at": _AT,
        "seq": 3,
        "node": "ask_crm",
        "topic": "crm.search",
        "name": "crm.search",
        "record": _TASK,
        "key": _ID,
        "headers": [{"name": "processInstanceId", "value": _ID}],
        "value": {"pn": "1850101"},
        "partition": None,
        "offset": None,
        "letter": None,
        "letterState": None,
        "title": None,
    },
    "BusView": {
        "kind": "kafka",
        "url": "kafka://kafka:9092",
        "group": "procession.dev.engine",
        "errors": {},
        "looked": _AT,
        "waiting": 0,
        "waitingSince": None,
        "deadLetters": 1,
        "topics": [
            {"topic": "procession.dev.engine.receive.crm.v1", "name": "engine.receive.crm",
             "title": "Answers of integrations and plugins", "direction": "in", "partitions": 3, "lag": 0,
             "received": {"count": 120, "perSecond": 0.4}, "sent": {"count": 0, "perSecond": 0.0},
             "waiting": 0, "waitingSince": None, "deadLetters": 1},
        ],
        "integrations": [
            {"processDefinitionName": "credit_card", "processTitle": "New credit card", "version": 3,
             "sends": [{"topic": "crm.search", "name": "crm.search", "node": "ask_crm", "nodeName": "Look the client up"}],
             "receives": [{"topic": "procession.dev.engine.receive.crm.v1", "name": "engine.receive.crm", "node": "crm_answer",
                           "nodeName": "Answer of the CRM"}]},
        ],
    },
    "MessageView": {"id": _TASK, "duplicate": False, "instances": [_ID], "buffered": False},
    "MeView": {
        "name": "clerk",
        "roles": ["clerk"],
        "expires": _AT,
        "allowed": {"deploy": "only editor or admin may change definitions", "work": True, "monitor": True},
    },
    "Credentials": {"access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6…", "token_type": "Bearer", "expires_in": 3600},
    "Done": {"id": _TASK, "instance": _ID, "seq": 5, "allowed": {}},
    "FeelAnswer": {"result": 119.0, "warnings": []},
}  # fmt: skip

REQUESTS: dict[str, Any] = {
    "log_in": {"username": "clerk", "password": "the password that the demo printed"},
    "change_password": {"old": "the password so far", "new": "correct horse battery staple"},
    "put_user": {"password": "correct horse battery staple", "roles": ["clerk"]},
    "start_process": {"startCondition": "PF", "businessKey": "ana", "client": {"name": "Ana", "income": 2400}},
    "start_inheriting": {
        "startCondition": "PF",
        "paramsToInherit": {"paramsToCopy": ["client"], "withoutParams": ["client.iban"]},
    },
    "complete_task": {"variables": {"client": {"iban": "DE02120300000000202051"}, "amount": 3000}},
    "put_draft": {"variables": {"comment": "a good cl"}},
    "assign_task": {"assignee": "clerk"},
    "operate": {"operationType": "HOLD", "reason": "the client asked us to wait"},
    "preview_operation": {"operation": "TERMINATE"},
    "patch_variables": {"client": {"income": 2600}},
    "retry_token": {"retries": 1, "reason": "the printer works again"},
    "activate_jobs": {"type": "print-card", "worker": "factory-1", "maxJobs": 10, "lockMs": 60000, "waitMs": 0},
    "complete_job": {"token": 1, "variables": {"card": {"number": "…1234"}}},
    "fail_job": {"token": 1, "message": "the printer is out of paper", "retries": 2, "backoffMs": 30000},
    "throw_job_error": {"token": 1, "code": "card-refused", "message": "no such design"},
    "extend_job": {"token": 1, "lockMs": 60000},
    "release_job": {"token": 1},
    "report_jobs": {"reports": [{"id": _ID, "token": 1, "outcome": "complete", "variables": {"paid": True}}]},
    "publish_message": {
        "name": "card-delivered",
        "correlationKey": "ana",
        "variables": {"by": "courier"},
        "ttl": "PT1H",
    },
    "poll_bus": {
        "group": "credit-bureau",
        "member": "m-1",
        "topics": ["bureau.requests"],
        "maxRecords": 100,
        "waitMs": 0,
        "commit": [{"topic": "bureau.requests", "partition": 2, "offset": 18}],
    },
    "leave_bus": {"group": "credit-bureau", "member": "m-1"},
    "publish_to_bus": {
        "records": [
            {
                "topic": "engine.receive.bureau",
                "key": _ID,
                "value": "eyJzY29yZSI6IDcxMH0=",
                "headers": [["processInstanceId", "NzMwMQ=="]],
            },
        ]
    },
    "evaluate_feel": {"expression": "amount * 1.19", "context": {"amount": 100}},
    "move_token": {"node": "review", "reason": "it went the wrong way"},
    "broadcast_signal": {"name": "year-ends", "variables": {"year": 2030}},
    "advance_clock": {"by": "PT1H"},
}

PROCESS = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="urn:example">
  <process id="hello" name="Say hello" isExecutable="true">
    <startEvent id="start"/>
    <sequenceFlow id="to_greet" sourceRef="start" targetRef="greet"/>
    <userTask id="greet" name="Say hello"/>
    <sequenceFlow id="to_end" sourceRef="greet" targetRef="end"/>
    <endEvent id="end"/>
  </process>
</definitions>
"""

UPLOADS: dict[str, Any] = {"application/xml": PROCESS, "text/xml": PROCESS, "multipart/form-data": {"file": [PROCESS]}}

STREAM = {
    "id": "4711.0",
    "event": "status",
    "data": (
        f'{{"instance":"{_ID}","rootInstance":"{_ID}","processDefinitionName":"credit_card","version":3,"at":"{_AT}",'
        '"seq":5,"status":"FINISHED"}'
    ),
}

_NUMBER = {"type": "string", "pattern": "^[0-9]{1,19}$"}
_TEXT = {"type": "string", "minLength": 1, "pattern": r"^[^\x00]*$"}

PARAMETERS: dict[str, Any] = {
    "instance": {"description": "The id of a process instance.", "schema": _NUMBER, "example": _ID},
    "task": {"description": "The id of a user task.", "schema": _NUMBER, "example": _TASK},
    "job": {"description": "The id of a job.", "schema": _NUMBER, "example": _TASK},
    "token": {"description": "The id of a token: it counts within the instance.", "schema": _NUMBER, "example": "1"},
    "name": {
        "description": "The name of a process: its id in the BPMN file.",
        "schema": _TEXT,
        "example": "credit_card",
    },
    "users.name": {
        "description": "The name of a user.",
        "schema": {"type": "string", "pattern": r"^[\w.@+-]{1,100}$"},
        "example": "clerk",
    },
    "version": {
        "description": "1, 2, 3….",
        "schema": {"type": "integer", "minimum": 1, "maximum": 999_999_999},
        "example": 1,
    },
    "letter": {"description": "The id of a letter.", "schema": _NUMBER, "example": _TASK},
    "node": {"description": "The id of a flow node in the BPMN file.", "schema": _TEXT, "example": "fill_in"},
    "form": {
        "description": "What the process calls the form, as one segment.",
        "schema": _TEXT,
        "example": "forms/review.schema.json",
    },
    "action": {"description": "The name of an action.", "schema": _TEXT, "example": "save"},
    "report": {"description": "The name of a report.", "schema": _TEXT, "example": "durations"},
}


SENT: dict[str, Any] = {
    "Idempotency-Key": {"type": "string", "minLength": 1, "maxLength": 200},
    "Last-Event-ID": {"type": "string", "pattern": r"^([0-9]{1,19}(\.[0-9]{1,9})?)?$"},
}
"""Headers of requests."""


def _problem(status: int, title: str, detail: str, key: str, path: str, **extra: Any) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": path,
        "errorKey": key,
        "defaultMessage": title,
        "requestId": "5f2b9c0d1e3a4b67",
        **extra,
    }


_START, _COMPLETE = "/api/process/credit_card/start", f"/api/tasks/{_TASK}/complete"

PROBLEMS: dict[int, dict[str, Any]] = {
    400: _problem(
        400,
        "Some mandatory params are missing.",
        "Start event 'Company applies' needs company.vat.",
        "error.validation.process_instance.mandatory_params_missing",
        _START,
        missing=["company.vat"],
    ),
    401: _problem(401, "Unauthorized", "Log in first: POST /api/auth/login.", "error.unauthorized", _START),
    403: _problem(
        403, "Forbidden", "ana: only worker or admin may take jobs.", "error.forbidden", "/api/jobs/activate"
    ),
    404: _problem(404, "Task not found.", f"There is no open task {_TASK}.", "error.task_not_found", _COMPLETE),
    405: _problem(
        405,
        "Method not allowed.",
        "DELETE is not possible here, only GET, HEAD.",
        "error.method",
        "/api/tasks",
        allow=["GET", "HEAD"],
    ),
    408: _problem(408, "Request timeout.", "The body did not arrive in 30 s.", "error.timeout", _START),
    409: _problem(
        409,
        "Process instance is FINISHED.",
        "Nothing can be done to it any more.",
        "error.state",
        f"/api/instances/{_ID}/operations",
        state="FINISHED",
    ),
    413: _problem(413, "Request is too large.", "1,000,000 bytes are allowed.", "error.too_large", _START),
    414: _problem(414, "URI too long.", "The query string may have 8,000 bytes.", "error.uri_too_long", "/api/tasks"),
    415: _problem(
        415,
        "Unsupported media type.",
        "The body must be application/json, not text/plain.",
        "error.media_type",
        _START,
        accept=["application/json"],
    ),
    422: _problem(
        422,
        "Not valid.",
        "Object contains unknown field 'result' (at /result).",
        "error.validation",
        _COMPLETE,
        errors=[{"pointer": "/result", "message": "Object contains unknown field 'result'"}],
    ),
    429: _problem(
        429,
        "Too many requests.",
        "Too many failed log-ins; try later.",
        "error.throttled",
        "/api/auth/login",
        retryAfter=4,
    ),
    500: _problem(
        500,
        "Internal error.",
        "A fault of ours. It is in the log under request 5f2b9c0d1e3a4b67.",
        "error.internal",
        _START,
    ),
    501: _problem(501, "Not built yet.", "Broadcasting signals is not built yet.", "error.not_built", "/api/signals"),
    503: _problem(
        503,
        "Service unavailable.",
        "The store could not do it; try again. What was acknowledged before is safe.",
        "error.storage",
        _START,
        retryAfter=1,
    ),
    507: _problem(507, "Insufficient storage.", "The store is full. Nothing was done.", "error.storage.full", _START),
}
