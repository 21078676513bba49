"""A bundle: a zip with process files and their forms, and a manifest that says which versions of which processes they are.

    manifest.json              {"format": "procession-bundle/1", "definitions": [{name, version, state, digest, file}]}
    files/<first digits of a digest>/<name of the file>
    files/<first digits of a digest>/<what the process calls a form>

A file that holds several processes is in it once, with the forms of all of them; once more for other forms of the same names.
A zip without a manifest is a bundle of drafts.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from procession.bpmn import read_bpmn
from procession.cli.data import parse
from procession.cli.failures import Usage
from procession.runtime.definitions import digest_of
from procession.runtime.files import is_form

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
    digest: str | None  # None: it has no forms
    file: str
    data: bytes


@dataclass(slots=True)
class Folder:
    """A file with forms that belong to it, and the definitions that it gives with them."""

    file: str
    data: bytes
    forms: dict[str, bytes] = field(default_factory=dict)
    definitions: list[tuple[DefinitionView, dict[str, bytes]]] = field(default_factory=list)  # each with its own forms

    @property
    def path(self) -> str:
        return f"files/{digest_of(self.data, self.forms)[:16]}"

    def takes(self, definition: DefinitionView, forms: dict[str, bytes], keys: Mapping[str, Collection[str]]) -> bool:
        """Whether each definition still gets its own forms and no others, with one more. `keys`: what each process refers to."""
        both = {**self.forms, **forms}
        return all(
            own == {key: form for key, form in both.items() if key in keys[each.name]}
            for each, own in (*self.definitions, (definition, forms))
        )


def pack(engine: Engine, definitions: list[DefinitionView]) -> bytes:
    """The bundle of these definitions."""
    buffer = io.BytesIO()
    listed = []
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for folder in _folders(engine, sorted(definitions, key=lambda d: (d.name, d.version))):
            file = f"{folder.path}/{folder.file}"
            _write(archive, file, folder.data)
            for key, data in sorted(folder.forms.items()):
                _write(archive, f"{folder.path}/{_place(key)}", data)
            for each, _ in folder.definitions:
                listed.append(
                    {
                        "name": each.name,
                        "version": each.version,
                        "state": each.state,
                        "digest": each.digest,
                        "file": file,
                    }
                )
        listed.sort(key=lambda item: (item["name"], item["version"]))
        manifest = json.dumps({"format": FORMAT, "definitions": listed}, ensure_ascii=False, indent=2)
        _write(archive, MANIFEST, manifest)
    return buffer.getvalue()


def _folders(engine: Engine, definitions: list[DefinitionView]) -> list[Folder]:
    """Definitions of one file go together, as far as they have the same forms."""
    folders: list[Folder] = []
    of_file: dict[bytes, list[Folder]] = {}
    for each in definitions:
        data = engine.definition_file(each.name, each.version)
        listed = engine.definition(each.name, each.version).forms
        forms = {form.key: engine.definition_form(each.name, form.key, each.version) for form in listed}
        keys = {process.name: process.references for process in read_bpmn(data).processes}
        same = of_file.setdefault(data, [])
        folder = next((folder for folder in same if folder.takes(each, forms, keys)), None)
        if folder is None:
            folder = Folder(PurePosixPath(each.file).name, data)
            folders.append(folder)
            same.append(folder)
        folder.forms.update(forms)
        folder.definitions.append((each, forms))
    return folders


def _place(key: str) -> str:
    """Where a form lies beside its process: where the process says, unless that leads out of the folder."""
    steps = PurePosixPath(key)
    return steps.name if steps.is_absolute() or ".." in steps.parts else str(steps)


def _write(archive: zipfile.ZipFile, name: str, data: bytes | str) -> None:
    archive.writestr(zipfile.ZipInfo(name, EPOCH), data, zipfile.ZIP_DEFLATED)


def unpack(data: bytes, source: str) -> tuple[list[Entry], dict[str, bytes], list[str]]:
    """What a bundle holds, oldest version first; its forms; and the names of files that are neither process nor form."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            if len(infos) > MOST or sum(info.file_size for info in infos) > LARGEST:
                raise Usage(f"'{source}' is too large: {MOST:,} files and {LARGEST:,} bytes are allowed.")
            contents = {info.filename: archive.read(info) for info in infos}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise Usage(f"'{source}' is not a zip that can be read: {error}.") from None
    manifest = contents.pop(MANIFEST, None)
    forms = {name: content for name, content in contents.items() if is_form(name)}
    if manifest is None:
        bpmn = sorted(name for name in contents if name.endswith((".bpmn", ".bpmn20.xml")))
        entries = [Entry("", "draft", None, name, contents[name]) for name in bpmn]
    else:
        entries = [_entry(item, contents, source) for item in _listed(manifest, source)]
    return entries, forms, sorted(contents.keys() - {entry.file for entry in entries} - forms.keys())


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
    if not isinstance(item.get("digest"), str | None):
        raise Usage(f"{MANIFEST} of '{source}' lists something that is no definition: {item!r}.")
    return Entry(item["name"], item["state"], item.get("digest"), item["file"], contents[item["file"]])
