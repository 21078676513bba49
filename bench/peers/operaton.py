"""Operaton, the engine embedded in a program of Java, with its full history on PostgreSQL.

python -m peers.operaton [--warm-up INSTANCES] [--seconds SECONDS]     after `make bench` has built operaton/
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from workloads import POSTGRES, camunda7, missing, scratch

BUILD = Path(__file__).parent / "operaton" / "build"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--warm-up", type=int, default=15_000, help="instances until Java has compiled what is hot")
    parser.add_argument("--seconds", type=float, default=5.0)
    given = parser.parse_args()
    if not POSTGRES:
        return missing("operaton", "no PostgreSQL")
    java = shutil.which("java")
    if java is None or not (BUILD / "classpath.txt").exists():
        return missing("operaton", "it is not built (Java 17 or newer, and Maven)")
    file = Path(scratch()) / "w1.bpmn"
    file.write_bytes(camunda7("w1_straight.bpmn"))
    where = urlsplit(POSTGRES)
    url = f"jdbc:postgresql://{where.hostname}:{where.port}{where.path}?user={where.username}"
    classes = f"{BUILD / 'classes'}:{(BUILD / 'classpath.txt').read_text().strip()}"
    command = [java, "-Xmx2g", "-cp", classes, "OperatonBench", url, str(file), str(given.warm_up), str(given.seconds)]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
