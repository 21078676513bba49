"""The first page, read by somebody who has only curl: every line of it does what is said beside it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
REFUSED = (
    "Unauthorized",
    "Process definition not found.",
    "Forbidden",
    "Start node for process definition not found.",
    "Multiple start nodes found, but start condition not specified.",
    "Some mandatory params are missing.",
)


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_what_the_first_page_says_of_http(tmp_path):
    page = (ROOT / "README.md").read_text()
    section = page[page.index("## Over HTTP") : page.index("## Without a server")]
    first, *blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    setting, command = first.strip().split(" ", 1)
    assert command == "make demo"
    name, _, password = setting.partition("=")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), name: password}
    store = f"sqlite:///{tmp_path}/demo.db"
    demo = subprocess.Popen(
        [sys.executable, "-m", "procession.cli", "demo", "--port", "0", "--store", store],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    try:
        assert demo.stdout is not None
        address = next(line.split()[-1] for line in demo.stdout if line.startswith("listening on "))
        script = "\n".join(blocks).replace("http://127.0.0.1:8080", address)
        done = subprocess.run(
            ["bash", "-eu", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=90, env=environment
        )
        said = done.stdout
        assert done.returncode == 0, said + done.stderr
        titles = re.findall(r'"title":"([^"]*\.?)","status":4', said)
        assert tuple(titles) == REFUSED
        assert re.search(r"^FINISHED$", said, re.MULTILINE), said
        assert '"name":"credit_card","version":1,' in said, "what the demo has added is there already"
        assert "event: progress" in said
        assert '"status":"FINISHED"' in said
    finally:
        demo.terminate()
        assert demo.wait(30) == 0
        assert demo.stdout is not None
        demo.stdout.close()
