"""A bundle: a zip with process files, and a manifest that says which versions of which processes they are.

    manifest.json                        {"format": "procession-bundle/1", "definitions": [{name, version, state, file}]}
    files/<first digits of digest>/<name of the file>

A file that holds several processes is in it once. A zip without a manifest is a bundle of drafts.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from procession.cli.data import parse
from procession.cli.failures import Usage

if TYPE_CHECKING:
    from procession.app import Engine
    from procession.runtime.views import DefinitionView

FORMAT = "procession-bundle/1"
MANIFEST = "manifest.json"
LARGEST, MOST = 200_000_000, 10_000  # bytes unpacked, and files
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same content gives the same zip


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of one process in a bundle."""

    name: str
    state: str
    file: str
    data: bytes


def pack(engine: Engine, definitions: list[DefinitionView]) -> bytes:
    """The bundle of these definitions."""
    buffer = io.BytesIO()
    listed, written = [], set()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for definition in sorted(definitions, key=lambda d: (d.name, d.version)):
            file = f"files/{definition.digest[:16]}/{PurePosixPath(definition.file).name}"
            if file not in written:
                written.add(file)
                data = engine.definition_file(definition.name, definition.version)
                archive.writestr(zipfile.ZipInfo(file, EPOCH), data, zipfile.ZIP_DEFLATED)
            listed.append(
                {"name": definition.name, "version": definition.version, "state": definition.state, "file": file}
            )
        manifest = json.dumps({"format": FORMAT, "definitions": listed}, ensure_ascii=False, indent=2)
        archive.writestr(zipfile.ZipInfo(MANIFEST, EPOCH), manifest, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def unpack(data: bytes, source: str) -> tuple[list[Entry], list[str]]:
    """What a bundle holds, oldest version first, and the names of files that are no process."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            if len(infos) > MOST or sum(info.file_size for info in infos) > LARGEST:
                raise Usage(f"'{source}' is too large: {MOST:,} files and {LARGEST:,} bytes are allowed.")
            contents = {info.filename: archive.read(info) for info in infos}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise Usage(f"'{source}' is not a zip that can be read: {error}.") from None
    if MANIFEST not in contents:
        bpmn = sorted(name for name in contents if name.endswith((".bpmn", ".bpmn20.xml")))
        entries = [Entry("", "draft", name, contents[name]) for name in bpmn]
        return entries, sorted(contents.keys() - set(bpmn))
    entries = [_entry(item, contents, source) for item in _listed(contents[MANIFEST], source)]
    return entries, sorted(contents.keys() - {entry.file for entry in entries} - {MANIFEST})


def _listed(manifest: bytes, source: str) -> list[Any]:
    try:
        content = parse(manifest.decode("utf-8"), f"{MANIFEST} of '{source}'")
    except UnicodeDecodeError:
        raise Usage(f"{MANIFEST} of '{source}' is not UTF-8.") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise Usage(f"{MANIFEST} of '{source}' is not of the format {FORMAT}.")
    listed = content.get("definitions")
    if not isinstance(listed, list):
        raise Usage(f"{MANIFEST} of '{source}' lists no definitions.")
    return sorted(listed, key=lambda item: item.get("version", 0) if isinstance(item, dict) else 0)


def _entry(item: Any, contents: dict[str, bytes], source: str) -> Entry:
    if not isinstance(item, dict) or not all(isinstance(item.get(key), str) for key in ("name", "state", "file")):
        raise Usage(f"{MANIFEST} of '{source}' lists something that is no definition: {item!r}.")
    if item["file"] not in contents:
        raise Usage(f"'{source}' lacks the file {item['file']}, which its {MANIFEST} names.")
    if item["state"] not in ("draft", "published", "deprecated"):
        raise Usage(f"{MANIFEST} of '{source}': '{item['state']}' is no state of a definition.")
    return Entry(item["name"], item["state"], item["file"], contents[item["file"]])
