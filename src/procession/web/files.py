"""The files of a build: listed once when the server starts, read when somebody first asks for them, and kept."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

STATIC = Path(__file__).parent / "static"
"""Where the build is: in a wheel, or in a checkout after `make ui`."""

PAGE = "index.html"
LASTING = "assets/"
"""The folder whose files have a hash of their content in the name."""

IDENTITY = "identity"
ENCODINGS = {"br": ".br", "gzip": ".gz"}
"""Better ones first, with the ending of the file that has it."""

MEDIA = {
    ".css": "text/css; charset=utf-8",
    ".gif": "image/gif",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
OTHER_MEDIA = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Content:
    """What is sent, and a name for exactly these bytes (a strong entity tag)."""

    data: bytes
    tag: str


@dataclass(slots=True)
class File:
    """A file, and what it was compressed to."""

    path: Path
    media: str
    lasting: bool
    encodings: Sequence[str]
    _contents: dict[str, Content] = field(default_factory=dict, repr=False)

    def kept(self, encoding: str) -> Content | None:
        """Its content, where somebody has asked for it before."""
        return self._contents.get(encoding)

    def read(self, encoding: str) -> Content:
        """Its content, from the disk."""
        data = self.path.with_name(self.path.name + ENCODINGS.get(encoding, "")).read_bytes()
        content = self._contents[encoding] = Content(data, f'"{hashlib.sha256(data).hexdigest()[:32]}"')
        return content


def is_built(folder: Path = STATIC) -> bool:
    """Whether there is something to serve."""
    return (folder / PAGE).is_file()


def files_of(folder: Path) -> dict[str, File]:
    """Every file of a build by its address without the first slash. What is hidden, or only linked to, is left out."""
    names: set[str] = set()
    for place, folders, found in os.walk(folder):
        folders[:] = [each for each in folders if not each.startswith(".")]
        paths = [Path(place, each) for each in found if not each.startswith(".")]
        names.update(path.relative_to(folder).as_posix() for path in paths if path.is_file() and not path.is_symlink())
    compressed = {
        name for name in names for end in ENCODINGS.values() if name.endswith(end) and name[: -len(end)] in names
    }
    return {
        name: File(
            folder / name,
            MEDIA.get(Path(name).suffix.lower(), OTHER_MEDIA),
            name.startswith(LASTING),
            [encoding for encoding, end in ENCODINGS.items() if name + end in compressed],
        )
        for name in names - compressed
    }
