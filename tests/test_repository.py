"""What anybody who clones the repository relies on."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
BINARY = {".png", ".jpg", ".gif", ".ico", ".woff2", ".db", ".gz", ".zip", ".pdf"}

# Written in pieces, so that this file may be searched too.
REGISTRY_HOSTS = re.compile(
    "|".join(
        [
            "py" + r"pi\.(?:org|python)",
            "python" + r"hosted\.org",
            "npm" + r"js\.(?:org|com)",
            "yarn" + r"pkg\.com",
            "crates" + r"\.io",
            "repo1?\\.maven",
            "proxy\\.go" + "lang",
            "deb" + r"\.debian\.org",
        ]
    )
)
HOMES = re.compile(r"(?<![\w.])/(?:home|Users|root|work)/\w+|[A-Z]:\\+Users\\+")


def shipped() -> list[Path]:
    """Every text file under version control, or about to be."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    paths = (ROOT / name for name in listed.decode().split("\0") if name)
    return [path for path in paths if path.is_file() and path.suffix not in BINARY]


@pytest.mark.parametrize(
    ("what", "pattern"), [("a registry's host", REGISTRY_HOSTS), ("a path of one machine", HOMES)], ids=["host", "home"]
)
def test_no_file_names(what, pattern):
    found = []
    for path in shipped():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if match := pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number} names {what}: {match[0]}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_locked_package_has_an_exact_version_and_a_hash(lock):
    logical = re.sub(r"\\\n", " ", lock.read_text()).splitlines()
    entries = [line for line in logical if line.strip() and not line.lstrip().startswith("#")]
    assert entries
    for entry in entries:
        assert re.match(r"[a-z0-9][a-z0-9._-]*==[^\s]+ ", entry), entry  # no options, no addresses, no paths
        assert "--hash=sha256:" in entry, entry


def test_every_requirements_file_is_locked():
    assert {path.stem for path in (ROOT / "requirements").glob("*.in")} == {path.stem for path in LOCKS}


def test_the_package_asks_for_what_the_lock_is_made_from():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = (ROOT / "requirements" / "runtime.in").read_text().splitlines()
    assert project["project"]["dependencies"] == [line for line in lines if line and not line.startswith("#")]
    backend = project["build-system"]["requires"][0]
    dev = (ROOT / "requirements" / "dev.in").read_text().splitlines()
    assert backend in dev
    for wanted in project["project"]["optional-dependencies"]["otel"]:
        assert wanted.replace(">=", "==").removesuffix(",<2") in dev, "it is tested with what is asked for"


def test_the_licence_is_there():
    licence = (ROOT / "LICENSE").read_text()
    assert "Apache License" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"] == "Apache-2.0"
