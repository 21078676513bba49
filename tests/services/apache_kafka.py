"""Apache Kafka of one's own, from Maven: brokers in a temporary folder, on free ports of the loopback.

    with Kafka() as kafka:
        bus = KafkaBus(kafka.url())
        kafka.kill(); kafka.start()      # as a power failure would
    with Kafka(brokers=3) as kafka:
        kafka.kill(2)                    # one of a cluster whose topics are on all of them

Each broker is a controller too (KRaft). `scripts/install-kafka.sh` fetches it.
"""

from __future__ import annotations

import base64
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.services.ending import end
from tests.services.postgresql import Missing, free_port

CLASSPATH = Path(__file__).parent / "kafka" / "build" / "classpath.txt"

JAVA = [
    *("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Xshare:auto"),
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
]

SETTINGS = {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAIN",
    "num.partitions": "3",
    "offsets.topic.num.partitions": "3",
    "transaction.state.log.num.partitions": "3",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    # One that was killed is known to be dead, and may come back, after two seconds instead of nine.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
    "num.network.threads": "2",
    "num.io.threads": "2",
    "background.threads": "2",
    "log.cleaner.enable": "false",
}

PROTOCOLS = {"PLAIN": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", "SASL": "SASL_PLAINTEXT", "TLS": "SSL"}
"""What our listeners speak, by their names."""


def classpath() -> str:
    """That of the broker."""
    if shutil.which("java") is None or not CLASSPATH.exists():
        raise Missing("Apache Kafka is not installed (scripts/install-kafka.sh)")
    return CLASSPATH.read_text().strip()


class Kafka:
    """One broker or several. `settings` are those of each broker; `listeners` beside the plain one are `SASL` and `TLS`."""

    def __init__(
        self, *, brokers: int = 1, listeners: tuple[str, ...] = (), settings: Mapping[str, str] | None = None
    ) -> None:
        self._classpath = classpath()
        self._folder = Path(tempfile.mkdtemp(prefix="procession-kafka-"))
        self._cluster = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
        names = ("PLAIN", *listeners)
        self.brokers = {
            number: Broker(
                self._folder / str(number), self._classpath, {name: free_port() for name in names}, free_port()
            )
            for number in range(1, brokers + 1)
        }
        voters = ",".join(f"{number}@127.0.0.1:{broker.controller}" for number, broker in self.brokers.items())
        copies = {
            "controller.quorum.voters": voters,
            "default.replication.factor": str(min(brokers, 3)),
            "offsets.topic.replication.factor": str(min(brokers, 3)),
            "transaction.state.log.replication.factor": str(min(brokers, 3)),
            "transaction.state.log.min.isr": str(min(brokers, 2)),
            "min.insync.replicas": str(min(brokers, 2)),
            "share.coordinator.state.topic.replication.factor": str(min(brokers, 3)),
            "share.coordinator.state.topic.min.isr": str(min(brokers, 2)),
        }
        try:
            for number, broker in self.brokers.items():
                broker.create({**SETTINGS, **copies, "node.id": str(number), **(settings or {})}, self._cluster)
            self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Kafka:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def url(self, listener: str = "PLAIN", *, user: str = "", port: int | None = None) -> str:
        """Of a listener, or of a proxy before the only broker; `user` is 'name:password'."""
        ports = [port] if port else [broker.ports[listener] for broker in self.brokers.values()]
        scheme = "kafkas" if listener == "TLS" else "kafka"
        return f"{scheme}://{user + '@' if user else ''}{','.join(f'127.0.0.1:{number}' for number in ports)}"

    def admin(self) -> AdminClient:
        """librdkafka's own, by the plain listener."""
        return AdminClient({"bootstrap.servers": self.url().removeprefix("kafka://"), "log_level": 0})

    def start(self, number: int | None = None) -> None:
        """Start it, or all that do not run, and wait until topics can be listed."""
        for broker in self._chosen(number):
            broker.start()
        end = time.monotonic() + 90
        admin = self.admin()
        while not self._answers(admin):
            for broker in self._chosen(number):
                if not broker.running or time.monotonic() > end:
                    raise Missing(f"Kafka does not start:\n{broker.log()}")

    def _answers(self, admin: AdminClient) -> bool:
        try:
            there = admin.list_topics(timeout=1).brokers
        except KafkaException:
            return False
        return set(there) >= {number for number, broker in self.brokers.items() if broker.running}

    def stop(self, number: int | None = None) -> None:
        """End it in peace."""
        for broker in self._chosen(number):
            broker.end(signal.SIGTERM)

    def kill(self, number: int | None = None) -> None:
        """As a crash would end it."""
        for broker in self._chosen(number):
            broker.end(signal.SIGKILL)

    def _chosen(self, number: int | None) -> list[Broker]:
        return list(self.brokers.values()) if number is None else [self.brokers[number]]

    def close(self) -> None:
        """End all, and remove everything."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


class Broker:
    """A broker that is a controller, too; its `ports` by the names of its listeners."""

    def __init__(self, folder: Path, classpath: str, ports: Mapping[str, int], controller: int) -> None:
        self.ports, self.controller = dict(ports), controller
        self._folder, self._classpath = folder, classpath
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def create(self, settings: Mapping[str, str], cluster: str) -> None:
        """Write its settings down, and format its folder."""
        self._folder.mkdir()
        ports = {**self.ports, "CONTROLLER": self.controller}
        own = {
            "log.dirs": str(self._folder / "data"),
            "listeners": ",".join(f"{name}://127.0.0.1:{port}" for name, port in ports.items()),
            "listener.security.protocol.map": ",".join(f"{name}:{PROTOCOLS[name]}" for name in ports),
        }
        lines = [f"{name}={value}" for name, value in {**own, **settings}.items()]
        (self._folder / "server.properties").write_text("\n".join(lines) + "\n")
        done = subprocess.run(
            self._java("kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", "server.properties"),
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        if done.returncode != 0:
            raise Missing(f"Kafka cannot be set up: {(done.stderr or done.stdout).strip()}")

    def start(self) -> None:
        if self.running:
            return
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._java("kafka.Kafka", "server.properties"),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def end(self, number: int) -> None:
        process, self._process = self._process, None
        end(process, number)

    def log(self) -> str:
        """The end of what it wrote."""
        path = self._folder / "log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-40:]) if path.exists() else ""

    def _java(self, *command: str) -> list[str]:
        return ["java", *JAVA, "-cp", self._classpath, *command]
