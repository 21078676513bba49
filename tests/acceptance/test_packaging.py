"""What is packed has the web application in it, and is installed without Node."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import httpx2
import pytest

from procession.web import STATIC, is_built
from tests.acceptance.programs import running
from tests.acceptance.running import SECRET
from tests.unit.web.build import write_build

ROOT = Path(__file__).parents[2]
PACKED = ("src", "examples", "pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "NOTICE", ".gitignore")
IN_PACKAGE = "procession/web/static/"


def pip(*arguments: str | Path, path: Path) -> subprocess.CompletedProcess[str]:
    """Without a network, and without Node: nothing is found that is not in `path`."""
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *map(str, arguments)]
    environment = {**os.environ, "PATH": str(path), "PIP_ROOT_USER_ACTION": "ignore", "PIP_NO_INDEX": "1"}
    environment.pop("PROCESSION_WITHOUT_UI", None)
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of what is packed. Where nobody has built the web application, a small build stands for it."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in PACKED:
        ignored = shutil.ignore_patterns("__pycache__", "*.db*")
        source = ROOT / name
        shutil.copytree(source, folder / name, ignore=ignored) if source.is_dir() else shutil.copy(
            source, folder / name
        )
    if not is_built():
        static = folder / STATIC.relative_to(ROOT)
        write_build(static)
        shutil.rmtree(static / ".vite")
        for link in ("linked.txt", "up"):
            (static / "assets" / link).unlink()
    return folder


def test_a_wheel_serves_the_web_application(checkout, tmp_path):
    """By way of the source archive, which needs no Node either."""
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(tmp_path)],
        cwd=checkout, env={**os.environ, "PATH": str(tmp_path)}, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        names = packed.getnames()
    assert [name for name in names if name.endswith(f"src/{IN_PACKAGE}index.html")]

    done = pip("wheel", "--no-build-isolation", "--no-deps", "--wheel-dir", tmp_path, archive, path=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
    assert f"{IN_PACKAGE}index.html" in names
    scripts = [name for name in names if name.startswith(f"{IN_PACKAGE}assets/") and name.endswith(".js")]
    assert scripts
    assert f"{scripts[0]}.br" in names
    assert not [name for name in names if "node_modules" in name or name.endswith((".tsx", ".ts"))]

    target = tmp_path / "installed"
    done = pip("install", "--no-deps", "--target", target, wheel, path=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    with running(
        "serve", "--port", "0", "--store", "memory:", cwd=tmp_path, PYTHONPATH=str(target), PROCESSION_SECRET=SECRET
    ) as served:
        with httpx2.Client(base_url=served.address()) as client:
            page = client.get("/")
            assert page.status_code == 200
            assert "__CSP_NONCE__" not in page.text
            script = client.get("/" + scripts[0].removeprefix(IN_PACKAGE))
            assert script.status_code == 200
            assert script.headers["content-type"].startswith("text/javascript")
        served.stop()


def test_without_a_build_and_without_node_nothing_is_packed_silently(checkout, tmp_path):
    bare = tmp_path / "bare"
    shutil.copytree(checkout, bare, ignore=shutil.ignore_patterns("examples"))
    (bare / "examples").mkdir()
    shutil.rmtree(bare / STATIC.relative_to(ROOT))
    done = pip("wheel", "--no-build-isolation", "--no-deps", "--wheel-dir", tmp_path, bare, path=tmp_path)
    assert done.returncode != 0
    assert "there is no npm to build it" in done.stdout + done.stderr
    assert "PROCESSION_WITHOUT_UI=1" in done.stdout + done.stderr
