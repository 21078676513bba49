"""A build for tests: small, and with everything that a real one has."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

PAGE = """<!doctype html>
<html lang="en"><head><meta property="csp-nonce" nonce="__CSP_NONCE__">
<script type="module" nonce="__CSP_NONCE__" src="/assets/index-1a2b3c.js"></script></head><body></body></html>
"""
SCRIPT = b"console.log('procession');\n" * 50
COMPRESSED = {
    "assets/index-1a2b3c.js": SCRIPT,
    "assets/index-4d5e6f.css": b"body { margin: 0 }\n" * 50,
    "sw.js": b"// worker\n" * 50,
}
PLAIN = {
    "assets/inter-latin-7a8b.woff2": b"wOF2",
    "assets/data-9c.json": b"{}",
    "manifest.webmanifest": b"{}",
    "favicon.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "icons/icon-192.png": b"\x89PNG",
    "unknown.kind": b"?",
    ".vite/manifest.json": b"{}",
    ".secret": b"secret",
}


def brotli(data: bytes) -> bytes:
    """Stands for what only a browser reads here."""
    return b"br:" + data[:20]


def write_build(folder: Path) -> Path:
    """The folder, with a build in it; beside it a file that nobody may get."""
    folder.mkdir(parents=True)
    (folder.parent / "outside.txt").write_text("outside")
    for name, data in {"index.html": PAGE.encode(), **COMPRESSED, **PLAIN}.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        if name in COMPRESSED:
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(data))
            path.with_name(path.name + ".br").write_bytes(brotli(data))
    os.symlink(folder.parent / "outside.txt", folder / "assets" / "linked.txt")
    os.symlink(folder.parent, folder / "assets" / "up")
    return folder
