"""Process files and their forms: which JSON file of a bundle a process refers to, and what lies beside a BPMN file on a disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from procession.bpmn import form_references
from procession.definition.forms import LARGEST

FORM = ".json"
"""How the name of a form ends."""


class Bundled(NamedTuple):
    """A file to be added: its name in the bundle, its bytes, and where it was read (None: the caller had the bytes)."""

    name: str
    data: bytes
    path: Path | None = None


def is_form(name: str) -> bool:
    """Whether a file of a bundle is a form, and not a process file."""
    return name.lower().endswith(FORM)


class Shelf:
    """The forms of a bundle, to be found by what a process calls them."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {tuple(_steps(name)): name for name in names}

    def find(self, key: str, file: str) -> str | None:
        """The form that a BPMN file calls `key`: from its folder, else from the root; else one that came without its folders."""
        folder, steps = _steps(file)[:-1], _steps(key)
        ways = [steps, steps[-1:]] if ".." not in steps else [steps[-1:]]
        for way in ways:
            for path in ((*folder, *way), tuple(way)):
                if path in self._names:
                    return self._names[path]
        return None


def _steps(name: str) -> list[str]:
    return [step for step in name.replace("\\", "/").split("/") if step not in ("", ".")]


# -- on a disk --------------------------------------------------------------------------------------------------------


def gathered(files: Iterable[str | Path | tuple[str, bytes]]) -> list[Bundled]:
    """A bundle of what is named: files are read, with the forms that lie beside them; names and bytes are taken as they are.

    Files of one folder keep their names. Where there are several folders, and forms, each file is in a folder of its own in the
    bundle too, so that a process finds the forms that lay beside it and no others.
    """
    given = [each if isinstance(each, tuple) else Path(each) for each in files]
    read = {path: path.read_bytes() for path in dict.fromkeys(each for each in given if isinstance(each, Path))}
    beside = {path: forms_beside(path, data) for path, data in read.items() if not is_form(path.name)}
    places = {place.resolve() for forms in beside.values() for place in forms.values()}
    folders = _folders(beside) if places else {}
    result: list[Bundled] = []
    forms: dict[str, Bundled] = {}
    for each in given:
        if isinstance(each, tuple):
            result.append(Bundled(*each))
        elif each in beside or each.resolve() not in places:  # a form that was named may be there already
            folder = folders.get(each.parent, "")
            result.append(Bundled(folder + each.name, read[each], each))
            for key, place in beside.get(each, {}).items():
                name = folder + PurePosixPath(key).as_posix()
                forms[name] = Bundled(name, _read_form(place), place)
    return [*result, *forms.values()]


def forms_beside(file: Path, data: bytes) -> dict[str, Path]:
    """The forms that a BPMN file refers to and that lie in its folder, or deeper: never above it, and behind no link out."""
    folder = file.parent.resolve()
    found: dict[str, Path] = {}
    for key in form_references(data):
        path = place_beside(file, key)
        if path is not None and path.is_file() and path.resolve().is_relative_to(folder):
            found[key] = path
    return found


def place_beside(file: Path, key: str) -> Path | None:
    """Where a form that a BPMN file refers to may lie; None: nowhere on a disk."""
    if not is_form(key) or "\\" in key or "\0" in key or ":" in key:
        return None
    steps = PurePosixPath(key)
    return None if steps.is_absolute() or ".." in steps.parts else file.parent / steps


def _read_form(path: Path) -> bytes:
    """A little more than a form may have, so that whoever looks at it says so."""
    with path.open("rb") as file:
        return file.read(LARGEST + 1)


def _folders(files: Iterable[Path]) -> dict[Path, str]:
    """For each folder what its files are called in a bundle: nothing before their names, where there is one only."""
    folders = list(dict.fromkeys(file.parent for file in files))
    if len(folders) < 2:
        return {}
    names = [folder.resolve().name or "files" for folder in folders]
    often = Counter(names)
    return {
        folder: f"{name}/" if often[name] == 1 else f"{name}-{number}/"
        for number, (folder, name) in enumerate(zip(folders, names, strict=True), 1)
    }
