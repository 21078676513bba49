"""Makes a history: the database of one release, small, with instances that wait for everything that an instance can wait for.

    python tests/histories/make.py [--postgres] [FOLDER]

It runs on the code that is on the path, so that a release that is out can be given its file later on: it asks for nothing but the
public `Engine`, and leaves out what that release does not have yet. What becomes of the instances is in `test_histories.py`.
Times and ids come from a virtual clock: two files of one release differ only in what comes of the salts of the passwords, and on
PostgreSQL in the numbers of its transactions, when its steps were applied, and which months had a part of history on that day.

A history of PostgreSQL is what `pg_dump` writes as SQL, without what only a server of its version or with its users takes.
"""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import apsw

import procession
from procession import CommandRejected, Engine
from procession.engine.codec import encode
from procession.testing import VirtualClock, process

HERE = Path(__file__).parent
SCHEMA = "procession"

START = "2026-01-05T08:00:00Z"
"""When it begins. All of it happens on that day."""

TURNS = 4_000
"""Turns of a loop: three steps each, so that it takes two transactions."""

USERS = {"ada": ["clerk"], "boss": ["admin"]}
PASSWORD = "only for histories"
COOKIE = "only for histories too"

FORM = b'{"type": "object", "properties": {"verdict": {"type": "string"}, "comment": {"type": "string"}}}'
DATA_MODEL = '{"type": "object", "properties": {"iban": {"type": "string", "sensitive": true}}}'


def review(title: str) -> bytes:
    """People: a lane, a form, a due date, something that not everybody may see."""
    return (
        process("review", title)
        .data_model(DATA_MODEL)
        .start()
        .user_task("check", groups="clerk", due="2026-02-01T12:00:00Z", priority=70, form="forms/check.json")
        .end()
        .lane("Office", "start", "check", "end", execute="clerk", view="clerk", selfAssign="clerk")
        .build()
    )


CHARGE = (
    process("charge")
    .start()
    .service_task("card", job="charge", retries=2, headers={"currency": "EUR"})
    .end()
    .boundary_error("card", "declined")
    .script("decline", "=true", "declined")
    .end()
    .build()
)

REST = process("rest").start().catch_timer("sleep", "P2D").script("wake", "=true", "awake").end().build()

REMIND = (
    process("remind")
    .start()
    .user_task("answer")
    .end()
    .boundary_message("answer", "withdrawn", "=id", "withdrawn")
    .end()
    .boundary_timer("answer", "late", duration="P5D")
    .script("give_up", "=true", "late")
    .end()
    .boundary_timer("answer", "again", cycle="R3/PT1H", interrupting=False)
    .script("count", "=reminders + 1", "reminders")
    .end()
    .build()
)

PAY = process("pay").start().catch_message("paid", "paid", "=id").end().build()

FIRST = (
    process("first")
    .start()
    .event_based("what")
    .catch_message("answered", "answered", "=id")
    .end()
    .back_to("what")
    .catch_timer("silence", "P3D")
    .script("note", "=true", "silent")
    .end()
    .build()
)

SHIP = (
    process("ship")
    .start()
    .user_task("hand_over")
    .send("tell", topic="shipped", body='{"order": "${id}"}')
    .end()
    .build()
)

DELIVER = process("deliver").start().call("ship", "ship").script("thank", "=true", "thanked").end().build()

VOTE = (
    process("vote")
    .start()
    .user_task("cast")
    .multi_instance("=voters", element="voter", output_collection="votes", output_element='=voter + ": " + cast')
    .end()
    .build()
)

ROUNDS = (
    process("rounds")
    .start()
    .service_task("turn")
    .multi_instance(
        "=[1, 2, 3]", element="number", output_collection="turns", output_element="=number * 10", sequential=True
    )
    .end()
    .build()
)

INNER = process("inner").start().user_task("fill", inputs={"hint": "=local"}).end()

PARTS = (
    process("parts")
    .start()
    .sub_process("inner", INNER, inputs={"local": "=amount + 1"}, outputs={"total": "=local * 2"})
    .end()
    .build()
)

BOTH = (
    process("both")
    .start()
    .parallel("fork")
    .service_task("pack")
    .parallel("join")
    .script("close", "=true", "closed")
    .end()
    .back_to("fork")
    .user_task("sign")
    .to("join")
    .build()
)

SOME = (
    process("some")
    .start()
    .inclusive("which")
    .when("=amount > 1")
    .user_task("one")
    .inclusive("merge")
    .script("close", "=true", "closed")
    .end()
    .back_to("which")
    .when("=amount > 10")
    .user_task("two")
    .to("merge")
    .back_to("which")
    .when("=amount > 1000")
    .user_task("three")
    .to("merge")
    .build()
)

CHOOSE = (
    process("choose")
    .start()
    .exclusive("how")
    .when("=amount > 100")
    .script("large", '="large"', "size")
    .end()
    .back_to("how")
    .when("=amount <= 100")
    .script("small", '="small"', "size")
    .end()
    .build()
)

SPIN = (
    process("spin")
    .start()
    .exclusive("again")
    .script("count", "=n + 1", "n")
    .exclusive("enough")
    .when(f"=n >= {TURNS}")
    .end()
    .back_to("enough")
    .otherwise()
    .to("again")
    .build()
)

RETIRED = process("retired").start().user_task("last").end().build()
PLANNED = process("planned").start().user_task("one_day").end().build()
LOAN = process("loan").start(mandatory=["amount"]).user_task("lend").end().build()
NIGHTLY = process("nightly").start(date="2026-01-09T02:00:00Z").script("count", "=1", "runs").end().build()
ORDERED = process("ordered").start(message="ordered").task("note").end().build()

PUBLISHED = {
    "charge": CHARGE,
    "rest": REST,
    "remind": REMIND,
    "pay": PAY,
    "first": FIRST,
    "ship": SHIP,
    "deliver": DELIVER,
    "vote": VOTE,
    "rounds": ROUNDS,
    "parts": PARTS,
    "both": BOTH,
    "some": SOME,
    "choose": CHOOSE,
    "spin": SPIN,
    "retired": RETIRED,
    "loan": LOAN,
    "nightly": NIGHTLY,
    "ordered": ORDERED,
}


class Story:
    """An engine with its clock; each method tells a part of what happened."""

    def __init__(self, url: str) -> None:
        self.clock = VirtualClock(START)
        self.engine = Engine(url, clock=self.clock, node=1)
        self.ada = self.engine.as_user("ada", ["clerk"])

    def start(self, name: str, key: str, engine: Engine | None = None, **variables: Any) -> str:
        """Every instance is known by its business key; the clock moves on, so that no two are of one moment."""
        self.clock.advance(1)
        variables = {"id": key, **variables}
        return (engine or self.engine).start(name, variables, business_key=key, idempotency_key=key).id

    def task(self, instance: str, node: str) -> str:
        """A task that waits at a node."""
        return next(task.id for task in self.engine.tasks(instance=instance).items if task.node == node)

    def do(self, instance: str, node: str, **variables: Any) -> None:
        self.engine.complete_task(self.task(instance, node), variables)

    def deploy(self) -> None:
        for name, data in PUBLISHED.items():
            self.engine.deploy((f"{name}.bpmn", data), publish=True)
        self.deploy_review("Review")
        self.engine.deploy(("planned.bpmn", PLANNED))

    def deploy_review(self, title: str) -> None:
        forms = [("forms/check.json", FORM)] if hasattr(self.engine, "definition_form") else []
        self.engine.deploy(("review.bpmn", review(title)), *forms, publish=True)

    def people(self) -> None:
        for name, roles in USERS.items():
            self.engine.users.add(name, PASSWORD, roles)
        if hasattr(self.engine.storage, "put_session"):
            self.log_in()
        iban = "DE02120300000000202051"
        self.start("review", "free", self.ada, iban=iban)
        claimed = self.task(self.start("review", "claimed", self.ada, iban=iban), "check")
        self.ada.claim(claimed)
        if hasattr(self.engine.storage, "put_draft"):
            self.draft(claimed)
        done = self.start("review", "finished", self.ada, iban=iban)
        self.ada.claim(self.task(done, "check"))
        self.ada.complete_task(self.task(done, "check"), {"verdict": "fine"})
        self.engine.terminate(self.start("review", "terminated", self.ada), "by mistake")
        self.deploy_review("Review, second edition")
        self.start("review", "second-version", self.ada)

    def log_in(self) -> None:
        """A browser of ada's that stays open."""
        from procession.runtime.drive import drive
        from procession.runtime.sessions import session_id
        from procession.storage import SessionRow

        ada, now = drive(self.engine.storage.user("ada")), self.clock.now()
        row = SessionRow(session_id(COOKIE), ada.name, ada.stamp, "csrf", now, now + 30 * 86_400_000_000)
        drive(self.engine.storage.put_session(row))

    def draft(self, task: str) -> None:
        """What ada has typed so far."""
        from procession.runtime.drive import drive
        from procession.storage import DraftRow

        drive(self.engine.storage.put_draft(DraftRow(int(task), "ada", encode({"verdict": "not "}), self.clock.now())))

    def jobs(self) -> None:
        def take(lock: float = 60.0) -> Any:
            (job,) = self.engine.activate_jobs("charge", worker="till", lock=lock)
            return job

        self.start("charge", "job-exhausted")
        job = take()
        self.engine.fail_job(job.id, job.token, "The card reader is broken.", retries=0)
        self.start("charge", "job-failed")
        job = take()
        self.engine.fail_job(job.id, job.token, "Try later.", retries=1, backoff=7200.0)
        held = self.start("charge", "job-done-on-hold")
        job = take()
        self.engine.hold(held, "an audit")
        self.engine.complete_job(job.id, job.token, {"card": "kept"})
        declined = self.start("charge", "job-declined")
        job = take()
        self.engine.throw_error(job.id, job.token, "declined", "No money.")
        assert self.engine.instance(declined).state == "FINISHED"
        self.start("charge", "job-leased")
        take(lock=7 * 86_400.0)
        self.start("charge", "job-waiting")

    def times_and_messages(self) -> None:
        self.start("rest", "timer")
        self.start("remind", "reminded", reminders=0)
        self.start("remind", "too-late", reminders=0)
        self.start("remind", "withdrawn", reminders=0)
        self.start("pay", "message")
        self.start("first", "answered")
        self.start("first", "silent")
        done = self.start("pay", "message-taken")
        self.engine.publish_message("paid", "message-taken", {"paid": 1}, message_id="pay-1", ttl=30 * 86_400.0)
        assert self.engine.instance(done).state == "FINISHED"
        self.engine.publish_message("paid", "message-early", {"paid": 2}, message_id="pay-2", ttl=30 * 86_400.0)

    def several_tokens(self) -> None:
        self.do(self.start("ship", "shipped"), "hand_over")
        self.start("deliver", "call")
        self.do(self.start("vote", "parallel-loop", voters=["ada", "bob", "eve"]), "cast", cast="yes")
        self.start("rounds", "sequential-loop")
        (job,) = self.engine.activate_jobs("turn", worker="till")
        self.engine.complete_job(job.id, job.token)
        self.start("parts", "scope", amount=20)
        self.do(self.start("both", "join"), "sign", sign="ada")
        self.do(self.start("some", "inclusive-join", amount=20), "one", one="ada")

    def trouble(self) -> None:
        self.start("choose", "incident", amount="a lot")
        self.engine.hold(self.start("both", "on-hold"), "wait for the boss")
        self.start("retired", "deprecated")
        self.engine.deprecate("retired")
        try:
            self.start("loan", "refused")
        except CommandRejected:
            return
        raise AssertionError("a loan of nothing was started")

    def end(self) -> None:
        """Time goes on for a while, and somebody pulls the plug in the middle of a loop."""
        self.clock.advance("PT90M")
        self.engine.run_due()
        self.engine.submit(self.engine.ask_start("spin", {"id": "cut-off", "n": 0}, business_key="cut-off"))
        self.engine.close()


def tell(url: str) -> None:
    """Write the database."""
    story = Story(url)
    story.deploy()
    story.people()
    story.jobs()
    story.times_and_messages()
    story.several_tokens()
    story.trouble()
    story.end()


def shrink(path: Path) -> int:
    """One small file without a log beside it; the newest step of its schema."""
    connection = apsw.Connection(str(path))
    ((schema,),) = connection.execute("SELECT max(version) FROM migration")
    connection.execute("VACUUM")
    connection.close()
    assert not path.with_name(path.name + "-wal").exists()
    return schema


def on_sqlite(folder: Path) -> tuple[str, bytes]:
    """The name of the file, and what is in it."""
    path = folder / "history.db"
    tell(f"sqlite:///{path}")
    return f"schema-{shrink(path)}.db", path.read_bytes()


def on_postgresql() -> tuple[str, bytes]:
    sys.path.insert(0, str(HERE.parents[1]))
    from tests.services.postgresql import USER, PostgreSQL, programs

    with PostgreSQL() as server:
        url = server.url()
        tell(url)
        database = url.rpartition("/")[2]
        schema = server.execute(f"SELECT max(version) FROM {SCHEMA}.migration", database=database)
        command = [
            *(str(programs() / "pg_dump"), f"--schema={SCHEMA}", "--no-owner", "--no-privileges", "--encoding=UTF8"),
            *("-h", "127.0.0.1", "-p", str(server.port), "-U", USER, database),
        ]
        dump = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    return f"postgres-{schema}.sql", plain(dump).encode()


def plain(dump: str) -> str:
    """Without remarks, and without what came after version 13: commands of psql, and settings of the session."""
    unknown = re.compile(r"\\(?:un)?restrict |SET (?:transaction_timeout|event_triggers) ")
    lines, rows = [], False
    for line in dump.splitlines():
        if rows or not (line.startswith("--") or unknown.match(line)):
            lines.append(line)
        rows = line != "\\." if rows else line.endswith(" FROM stdin;")
    return "\n".join(lines) + "\n"


def main(*given: str) -> None:
    postgres = "--postgres" in given
    (folder,) = [Path(each) for each in given if each != "--postgres"] or [HERE]
    with tempfile.TemporaryDirectory() as scratch:
        name, data = on_postgresql() if postgres else on_sqlite(Path(scratch))
    target = folder / f"{procession.__version__}-{name}.gz"
    if target.exists():
        sys.exit(f"{target.name} is there already, and a history is never changed.")
    target.write_bytes(gzip.compress(data, 9, mtime=0))
    print(f"{target.name}: {len(data) // 1024} KB, packed {target.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main(*sys.argv[1:])
