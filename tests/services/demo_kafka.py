"""The demo on an Apache Kafka of its own: `make demo-kafka`. Arguments are those of `procession demo`."""

from __future__ import annotations

import signal
import subprocess
import sys
from types import FrameType

from tests.services.apache_kafka import Kafka
from tests.services.postgresql import Missing


def main() -> int:
    """Until Ctrl-C; the exit code of the demo."""
    print("Starting Apache Kafka …", flush=True)
    # A terminal tells all of us of Ctrl-C. The broker does not hear it: it ends after the demo.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        kafka = Kafka()
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 1
    with kafka:
        print(f"The bus is {kafka.url()}", flush=True)
        signal.signal(signal.SIGINT, lambda number, frame: None)  # what is ignored would be ignored by the demo, too
        command = [sys.executable, "-m", "procession.cli", "demo", "--bus", kafka.url(), *sys.argv[1:]]
        demo = subprocess.Popen(command)

        def pass_on(number: int, frame: FrameType | None) -> None:
            demo.send_signal(number)

        signal.signal(signal.SIGTERM, pass_on)
        return demo.wait()


if __name__ == "__main__":
    sys.exit(main())
