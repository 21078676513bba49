"""Process files as they come in: one BPMN file, a zip of them, or a form with files."""

from __future__ import annotations

import io
import zipfile
import zlib
from email.message import Message
from email.parser import HeaderParser
from pathlib import PurePosixPath, PureWindowsPath

from procession.api.operations import Upload
from procession.api.problems import not_built, refusal
from procession.errors import CommandRejected
from procession.runtime import checks

LARGEST, MOST = 50_000_000, 1_000
"""Bytes unpacked, and files."""

LONGEST_HEAD = 8_000
"""Bytes of the headers of one part of a form."""

PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""How files in a zip may be packed: others take whatever memory the zip asks for."""

LATER = (".dmn", ".form")


def files_of(upload: Upload, name: str) -> list[tuple[str, bytes]]:
    """Names and contents of the process files in a body. What else there is, is refused, never left out."""
    if upload.media == "application/zip":
        files = _unzipped(upload.data)
    elif upload.media == "multipart/form-data":
        files = _parts(upload)
    else:
        files = [(name, upload.data)]
    files = [(checks.remark(file), data) for file, data in files]
    for file, _ in files:
        if file.lower().endswith(LATER):
            raise not_built(f"Adding {file.rpartition('.')[2].upper()} files ({file[-100:]})")
    if not files or not all(data for _, data in files):
        raise refusal(400, "Nothing to add.", "The body has no file, or an empty one.", "error.malformed")
    return files


def _unzipped(data: bytes) -> list[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as bundle:
            entries = [entry for entry in bundle.infolist() if not entry.filename.endswith("/")]
            if len(entries) > MOST:
                raise refusal(413, "Request is too large.", f"A zip may have {MOST:,} files.", "error.too_large")
            files, left = [], LARGEST
            for entry in entries:
                _check_entry(entry)
                with bundle.open(entry) as file:  # what the zip says of its sizes may be a lie
                    content = file.read(left + 1)
                left -= len(content)
                if left < 0:
                    raise refusal(
                        413, "Request is too large.", f"Unpacked, {LARGEST:,} bytes are allowed.", "error.too_large"
                    )
                if entry.filename != "manifest.json":
                    files.append((entry.filename, content))
            return files
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise _malformed_zip(f"The body is no zip that can be read: {str(error)[:200]}.") from None


def _check_entry(entry: zipfile.ZipInfo) -> None:
    """Nothing is written to a disk by its name here; who unpacks it somewhere else must be as safe."""
    name = entry.filename
    steps = {*PurePosixPath(name).parts, *PureWindowsPath(name).parts}
    if ".." in steps or PurePosixPath(name).is_absolute() or PureWindowsPath(name).anchor:
        raise _malformed_zip(f"The name {ascii(name)[:100]} leads out of the zip.")
    if entry.compress_type not in PACKED:
        raise _malformed_zip(f"{ascii(name)[:100]} is packed in another way than deflate.")


def _malformed_zip(detail: str) -> CommandRejected:
    return refusal(400, "Malformed zip.", detail, "error.malformed")


def _parts(upload: Upload) -> list[tuple[str, bytes]]:
    """The files of a form (RFC 7578); fields without a file name are refused."""
    boundary = _header(f"Content-Type: {upload.content_type}").get_boundary()
    if not boundary:
        raise _malformed_form("Content-Type has no boundary.")
    delimiter = b"\r\n--" + boundary.encode("latin-1", "replace")
    *parts, end = (b"\r\n" + upload.data).split(delimiter, MOST + 2)
    if not parts:
        raise _malformed_form("The body does not have the parts that Content-Type announces.")
    if len(parts) > MOST + 1:
        raise refusal(413, "Request is too large.", f"A form may have {MOST:,} files.", "error.too_large")
    if not end.startswith(b"--"):
        raise _malformed_form("The body ends in the middle of a part.")
    return [_part(part) for part in parts[1:]]  # what stands before the first delimiter is nothing


def _part(part: bytes) -> tuple[str, bytes]:
    head, found, content = part.partition(b"\r\n\r\n")
    if not found or len(head) > LONGEST_HEAD or b"\0" in head:
        raise _malformed_form("A part has no headers, or such as may not be.")
    headers = _header(head.decode("utf-8", "replace").strip(" \t").removeprefix("\r\n"))
    name = headers.get_filename()
    if name is None:
        raise _malformed_form("Every part must be a file with a name.")
    if headers.get("Content-Transfer-Encoding", "binary").strip().lower() not in ("binary", "8bit", "7bit"):
        raise _malformed_form("A part must come as it is, without Content-Transfer-Encoding (RFC 7578).")
    return name, content


def _header(text: str) -> Message:
    return HeaderParser().parsestr(text)


def _malformed_form(detail: str) -> CommandRejected:
    return refusal(400, "Malformed form.", detail, "error.malformed")
