"""Builds the web application into a wheel or a source archive, unless it is built already: what is installed needs no Node."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WITHOUT = "PROCESSION_WITHOUT_UI"
STEPS = (("ci", "--ignore-scripts", "--no-audit", "--no-fund"), ("run", "build"))


class WebApplicationHook(BuildHookInterface[Any]):
    """A link into a checkout (`editable`) needs no build: whoever works there runs `make ui`."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before the files are packed."""
        root = Path(self.root)
        built = root / "src" / "procession" / "web" / "static" / "index.html"
        if version == "editable" or os.environ.get(WITHOUT) or built.is_file():
            return
        npm = shutil.which("npm")
        if npm is None:
            raise RuntimeError(
                "The web application is not built, and there is no npm to build it. "
                f"Install Node 20.19 or newer, or set {WITHOUT}=1 for a package without it."
            )
        for arguments in STEPS:
            subprocess.run([npm, *arguments], cwd=root / "ui", check=True)
        if not built.is_file():
            raise RuntimeError(f"The build of the web application left no {built.relative_to(root)}.")
