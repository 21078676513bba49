"""File systems of one's own that can be filled."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from pathlib import Path


class SmallDisk:
    """A file system of a few megabytes in a folder, of which a filler takes most."""

    def __init__(self, folder: Path, size: str = "6m") -> None:
        self.folder, self.size = folder, size
        self.filler = folder / "filler"

    def mount(self) -> bool:
        """False: this user may not."""
        mount = shutil.which("mount")
        if mount is None or os.geteuid() != 0:
            return False
        command = [mount, "-t", "tmpfs", "-o", f"size={self.size}", "tmpfs", str(self.folder)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def fill(self, left: int = 500_000) -> None:
        """Take all that is left but so many bytes."""
        with self.filler.open("ab", buffering=0) as filler:
            while (much := shutil.disk_usage(self.folder).free - left) > 0:
                try:
                    filler.write(b"\0" * min(much, 1 << 20))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    break  # others write as well

    def free(self) -> None:
        self.filler.unlink(missing_ok=True)

    def unmount(self) -> None:
        subprocess.run([shutil.which("umount") or "umount", "-l", str(self.folder)], capture_output=True, check=True)
