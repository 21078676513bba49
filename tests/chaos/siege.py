"""A siege: nodes and clients at work on one store while everything fails that can fail; then everything is checked.

Some nodes serve HTTP to clients, others are programs that embed the engine. PostgreSQL is reached through a bad network, one
for each node. Faults come one after the other in an order that the seed gives; what happens between them is chance.
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from procession import Engine
from tests.chaos import orders
from tests.chaos.clients import PASSWORD, Client
from tests.chaos.disks import SmallDisk
from tests.chaos.evidence import Facts
from tests.chaos.nodes import Node
from tests.chaos.processes import FILES
from tests.chaos.traps import POINTS
from tests.services.postgresql import PostgreSQL
from tests.services.proxy import Proxy

KEYS, SHARED_KEYS = 300, 50
"""So many keys are new to each life of a victim, and so many it has in common with the one before."""

WINDOW = 100_000
"""The keys of one victim in all its lives."""

SMALL = ("min_wal_size", "32MB"), ("max_wal_size", "64MB"), ("wal_level", "minimal"), ("max_wal_senders", "0")


@dataclass
class Plan:
    """What a siege is like. It lasts `seconds`, and until so many `instances` were started."""

    store: str  # sqlite or postgresql
    seed: int
    seconds: float = 30.0
    instances: int = 0
    servers: int = 1  # nodes that serve HTTP
    victims: int = 1  # nodes that are programs which embed the engine
    clients: int = 4
    pause: float = 0.5  # seconds between two faults, about
    left_out: frozenset[str] = frozenset()  # faults

    @property
    def disk(self) -> int:
        """Megabytes that are enough for it."""
        return 350 + round(self.seconds * (5 if self.store == "sqlite" else 0.5)) + self.instances // 30


@dataclass
class Report:
    """How a siege went."""

    plan: Plan
    seconds: float = 0.0
    checking: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    skipped: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    restarts: int = 0
    facts: Facts = field(default_factory=Facts)
    answers: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)


class Siege:
    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan, self.folder = plan, folder
        self.chance = random.Random(plan.seed)
        self.report = Report(plan)
        self.server: PostgreSQL | None = None
        self.proxies: list[Proxy] = []
        self.nodes: list[Node] = []
        self.clients: list[Client] = []
        self.disk: SmallDisk | None = None
        self._stack = ExitStack()
        self._keeping = threading.Event()
        self._points = list(POINTS[plan.store])
        self._missed = 0  # how often in a row the next point was not reached
        self._began = 0.0

    def run(self) -> Report:
        """Go through with it, and check everything; what is wrong is raised."""
        with self._stack:
            self._build()
            self._began = time.monotonic()
            try:
                self._fight()
            finally:
                self._end()
            self.report.seconds = time.monotonic() - self._began
            self._gather()
            began = time.monotonic()
            self.report.checked = orders.check(self.url, self.report.facts, seconds=600.0)
            self.report.checking = time.monotonic() - began
        return self.report

    # -- the town ---------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        plan = self.plan
        # beside `folder`, which the account of the server may not enter
        place = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="procession-siege-")))
        disk = SmallDisk(place, f"{plan.disk}m")
        if disk.mount():
            self.disk = disk
            self._stack.callback(disk.unmount)
        else:
            self.report.skipped.append("full disk: this user may not mount a file system")
        if plan.store == "postgresql":
            self.server = self._stack.enter_context(PostgreSQL(folder=disk.folder, **dict(SMALL)))
            self.url = self.server.url()
        else:
            self.url = f"sqlite:///{disk.folder}/siege.db"
        with Engine(self.url) as engine:
            engine.deploy(*FILES, publish=True)
            engine.users.add("admin", PASSWORD, ["admin"])
        for number in range(plan.servers + plan.victims):
            url = self._way()
            if number < plan.servers:
                node = Node(f"server-{number}", self._serving(url, number), self.folder / f"server-{number}.log")
            else:
                number -= plan.servers
                node = Node(f"victim-{number}", self._embedding(url, number), self.folder / f"victim-{number}.log")
            node.start()
            self.nodes.append(node)
        for node in self.nodes:
            assert node.ready.wait(60) and node.served, f"{node.name} does not start; see {node.log}"
        self.servers = self.nodes[: plan.servers]
        self.clients = [Client(self.servers, number, plan.seed) for number in range(plan.clients)]
        for client in self.clients:
            client.start()
        keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        keeper.start()
        self._keeper = keeper

    def _way(self) -> str:
        """The URL by which the next node reaches the store."""
        if self.server is None:
            return self.url
        proxy = self._stack.enter_context(Proxy(self.server.port))
        self.proxies.append(proxy)
        return self.server.url(self.url.rpartition("/")[2], port=proxy.port)

    def _serving(self, url: str, number: int) -> Callable[[int], list[str]]:
        def arguments(life: int) -> list[str]:
            port = self.nodes[number].address or 0 if life else 0  # always the same, so that clients find it again
            return ["serve", "--store", url, "--port", str(port), "--log-level", "error"]

        return arguments

    def _embedding(self, url: str, number: int) -> Callable[[int], list[str]]:
        def arguments(life: int) -> list[str]:
            first = number * WINDOW + max(0, life * KEYS - SHARED_KEYS)
            seed = (self.plan.seed % 1000) * 1_000_000 + number * 100_000 + life
            return ["victim", url, str(seed), str(first), str(number * WINDOW + (life + 1) * KEYS)]

        return arguments

    def _keep(self) -> None:
        """Start again what has died."""
        due: dict[str, float] = {}
        while not self._keeping.wait(0.02):
            for node in self.nodes:
                if node.alive:
                    continue
                if node.name not in due:
                    node.bury()
                    due[node.name] = time.monotonic() + (0.02 if node.served else 0.3)
                elif time.monotonic() >= due[node.name]:
                    del due[node.name]
                    node.start()
                    self.report.restarts += 1

    # -- the faults -------------------------------------------------------------------------------------------------------

    def _fight(self) -> None:
        plan = self.plan
        faults = {name: fault for name, fault in self._faults().items() if name not in plan.left_out}
        end = self._began + plan.seconds
        todo: list[str] = []
        while time.monotonic() < end or self._started() < plan.instances:
            self._rest(plan.pause)
            if (
                not todo
            ):  # each kind comes as often as the others, and deaths at a point more often: there are many points
                todo = [*faults, *(["killed at a point"] * 3 if "killed at a point" in faults else ())]
                self.chance.shuffle(todo)
            name = todo.pop()
            about = faults[name]()
            self.report.faults[name] += 1
            self.report.log.append(f"{time.monotonic() - self._began:8.2f} {name} {about}".rstrip())
            for client in self.clients:
                if client.error is not None:
                    raise client.error

    def _faults(self) -> dict[str, Callable[[], str]]:
        found = {
            "killed": self.kill,
            "killed at a point": self.trap,
            "clock set off": self.clock,
        }
        if self.disk is not None:
            found["full disk"] = self.full_disk
        if self.server is not None:
            found |= {
                "server stopped": self.stop_server,
                "server killed": self.kill_server,
                "connections cut": self.cut,
                "connections refused": self.refuse,
                "slow network": self.slow,
                "half-open network": self.half_open,
                "answers lost": self.lose_answers,
            }
        return found

    def _rest(self, seconds: float) -> None:
        time.sleep(self.chance.uniform(0.5, 1.5) * seconds)

    def _some(self) -> list[Proxy]:
        """The ways of one node, or of all."""
        return self.proxies if self.chance.random() < 0.3 else [self.chance.choice(self.proxies)]

    def kill(self) -> str:
        nodes = self.nodes if self.chance.random() < 0.15 else [self.chance.choice(self.nodes)]
        for node in nodes:
            node.kill()
        return ", ".join(node.name for node in nodes)

    def trap(self) -> str:
        """Let a node die at a point of the commit path: at each point in turn, at some passage of it."""
        point = self._points[0]
        passages = 1 if point in ("opened", "refused") else self.chance.randint(1, 20)
        node = self.chance.choice([node for node in self.nodes if node.served] or self.nodes)
        before = node.trapped[point]
        if point == "opened":
            node.arm = f"{point} {passages}"
            node.kill()  # its next life ends as soon as its store is open
        else:
            node.tell(f"arm {point} {passages}")
        end = time.monotonic() + 5.0
        while node.trapped[point] == before and time.monotonic() < end:
            time.sleep(0.02)
        node.arm = ""
        node.tell("disarm")
        died = node.trapped[point] > before
        if died or self._missed >= 2:
            self._points.append(self._points.pop(0))
            self._missed = 0
        else:
            self._missed += 1
        return f"{node.name} {point} {passages}{'' if died else ' not reached'}"

    def clock(self) -> str:
        """Minutes off, forward or back; then right again. A clock of ours stands still then, until time has come so far."""
        node = self.chance.choice(self.nodes)
        seconds = self.chance.choice((-1, 1)) * self.chance.randint(60, 600)
        node.clock(seconds)
        self._rest(1.5)
        node.clock(0)
        self._rest(0.5)
        node.kill()
        return f"{node.name} {seconds:+} s"

    def stop_server(self) -> str:
        assert self.server is not None
        self.server.stop()
        self._rest(0.5)
        self.server.start()
        return ""

    def kill_server(self) -> str:
        assert self.server is not None
        self.server.kill()
        self._rest(0.2)
        self.server.start()
        return ""

    def cut(self) -> str:
        return str(sum(proxy.cut() for proxy in self._some()))

    def refuse(self) -> str:
        proxies = self._some()
        for proxy in proxies:
            proxy.refuse = True
            proxy.cut()
        self._rest(0.8)
        for proxy in proxies:
            proxy.heal()
        return f"at {len(proxies)}"

    def slow(self) -> str:
        proxies, delay = self._some(), self.chance.uniform(0.002, 0.05)
        for proxy in proxies:
            proxy.delay = delay
        self._rest(1.5)
        for proxy in proxies:
            proxy.heal()
        return f"{delay * 1000:.0f} ms at {len(proxies)}"

    def half_open(self) -> str:
        proxies = self._some()
        for proxy in proxies:
            proxy.swallow = True
        self._rest(1.0)
        for proxy in proxies:
            proxy.heal()
        return f"at {len(proxies)}"

    def lose_answers(self) -> str:
        """Several times in a row: the server has done it, and nobody is told."""
        proxy, lost = self.chance.choice(self.proxies), 0
        for _ in range(5):
            before = proxy.lost
            proxy.lose_answer(self.chance.randrange(20_000))
            end = time.monotonic() + 0.5
            while proxy.lost == before and time.monotonic() < end:
                time.sleep(0.01)
            lost += proxy.lost - before
        proxy.heal()
        return str(lost)

    def full_disk(self) -> str:
        """PostgreSQL ends itself when it cannot write its log; somebody frees space and starts it again."""
        assert self.disk is not None
        left = self.chance.randrange(2_000_000)
        self.disk.fill(left)
        self._rest(1.0)
        self.disk.free()
        if self.server is not None:
            self.server.revive()
        return f"{left} bytes left"

    # -- afterwards -------------------------------------------------------------------------------------------------------

    def _started(self) -> int:
        """Orders whose start was acknowledged, once each: each of them starts a second instance later."""
        said = [line.split(" ", 2)[1] for node in self.nodes for line in node.lines if line.startswith("start ")]
        return sum(client.keys for client in self.clients) + len(set(said))

    def _end(self) -> None:
        """All faults are over; nodes are left in peace for a moment, and are killed."""
        for proxy in self.proxies:
            proxy.heal()
        if self.disk is not None:
            self.disk.free()
        time.sleep(1.0)
        for client in self.clients:
            client.stop.set()
        for client in self.clients:
            client.join(60)
        self._keeping.set()
        self._keeper.join(60)
        for node in self.nodes:
            node.kill()
        for node in self.nodes:
            node.end()

    def _gather(self) -> None:
        report = self.report
        for client in self.clients:
            assert not client.is_alive(), f"{client.name} was never answered"
            if client.error is not None:
                raise client.error
            report.facts.read(client.lines)
            report.answers += client.answers
        deaths: list[str] = []
        for node in self.nodes:
            report.facts.read(node.lines)
            deaths += node.deaths
            report.faults.update({f"killed at: {point}": count for point, count in node.trapped.items()})
        assert not deaths, deaths
        assert not report.facts.faults, report.facts.faults[:5]


def besiege(plan: Plan, folder: Path) -> Report:
    """Go through with a siege; what it leaves behind is in a new folder."""
    folder.mkdir(parents=True)
    siege = Siege(plan, folder)
    try:
        return siege.run()
    finally:
        (folder / "faults.log").write_text("\n".join(siege.report.log) + "\n")
        said = [line for each in (*siege.nodes, *siege.clients) for line in each.lines]
        (folder / "facts.log").write_text("".join(said))
