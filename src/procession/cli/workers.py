"""Several nodes on one machine: processes that share the sockets of one address, and are started again when they die.

All nodes are equal; the process that started them serves nothing itself. It holds the sockets, so that a connection that nobody
has accepted yet is not lost with a node.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import FrameType

import typer

SHARED = "_PROCESSION_SOCKETS"
"""What a worker is told by the environment: its number, and the sockets that it has inherited, as numbers with commas."""

LISTENING = "listening on "
PAUSE = 0.05
LONGEST = 10.0
"""Seconds that are waited at most before a worker is started again that has not come so far as to serve."""

TRIES = 5
"""How often all of them are tried before it is given up that any will serve."""


@dataclass
class Worker:
    """One of them, whichever process that is at the moment."""

    number: int
    process: subprocess.Popen[str] | None = None
    due: float = 0.0  # when it is started (again)
    failures: int = 0  # in a row, before it served
    ready: threading.Event = field(default_factory=threading.Event)


def share() -> tuple[int, list[socket.socket]]:
    """The number of this worker and its sockets; 0 and none: it is no worker."""
    told = os.environ.pop(SHARED, None)
    if told is None:
        return 0, []
    number, *files = told.split(",")
    return int(number), [socket.socket(fileno=int(file)) for file in files]


class Workers:
    """So many processes that run the arguments `procession ARGUMENTS`."""

    def __init__(self, count: int, sockets: Sequence[socket.socket], arguments: Sequence[str]) -> None:
        self._sockets, self._arguments = sockets, list(arguments)
        self._workers = [Worker(number) for number in range(count)]
        self._stopping: list[int] = []

    def run(self, address: str) -> int:
        """Until SIGTERM or SIGINT, which every worker is told; the worst of their exit codes."""
        before = {number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)}
        said = False
        try:
            while not self._stopping:
                for worker in self._workers:
                    self._look_after(worker)
                if not said and all(worker.ready.is_set() for worker in self._workers):
                    typer.echo(f"{LISTENING}{address}")
                    sys.stdout.flush()
                    said = True
                if not said and all(worker.failures >= TRIES for worker in self._workers):
                    typer.echo("error: No worker can be started; see above.", err=True)
                    return 1
                time.sleep(PAUSE)
        finally:
            for each in self._sockets:
                each.close()  # once the workers have closed theirs, nobody waits for an answer in vain
            self._tell_all()
            codes = [self._end(worker) for worker in self._workers]
            for number, handler in before.items():
                signal.signal(number, handler)
        return max(codes)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        self._stopping.append(number)
        if len(self._stopping) > 1:  # whoever asks twice does not want to wait
            self._tell_all()

    def _tell_all(self) -> None:
        for worker in self._workers:
            if worker.process is not None and worker.process.poll() is None:
                worker.process.send_signal(signal.SIGTERM)

    def _look_after(self, worker: Worker) -> None:
        if worker.process is None:
            if time.monotonic() >= worker.due:
                self._start(worker)
        elif (code := worker.process.poll()) is not None:
            typer.echo(f"Worker {worker.number} ended with {code}; it is started again.", err=True)
            self._close(worker)
            worker.failures = 0 if worker.ready.is_set() else worker.failures + 1
            worker.due = time.monotonic() + min(LONGEST, 0.1 * 2**worker.failures)
            worker.ready.clear()

    def _start(self, worker: Worker) -> None:
        files = [each.fileno() for each in self._sockets]
        told = {SHARED: ",".join(map(str, [worker.number, *files]))}
        # `tied`: when this process is killed, its end of the pipe is closed, and the workers end with it. In a session of their
        # own they do not hear Ctrl-C, which would be a second signal beside the one that is passed on.
        command = [sys.executable, "-m", "procession.cli.tied", "-m", "procession.cli", *self._arguments]
        worker.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=files,
            start_new_session=True,
            env={**os.environ, **told},
        )
        threading.Thread(target=self._hear, args=(worker, worker.process), daemon=True).start()

    def _hear(self, worker: Worker, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                if line.startswith(LISTENING):
                    worker.ready.set()

    def _end(self, worker: Worker) -> int:
        process = worker.process
        if process is None:
            return 0
        code = process.wait()
        self._close(worker)
        return abs(code)

    def _close(self, worker: Worker) -> None:
        process, worker.process = worker.process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
