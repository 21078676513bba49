"""What a browser may do with what it gets from here. The page names everything that it loads; a file loads nothing."""

from __future__ import annotations

# `connect-src 'self'` covers the WebSocket of the same origin: so says CSP level 3, so do Chromium, Firefox and Safari from 15.4.
# `style-src-attr`: the libraries of the diagram and the kit set style attributes; those load nothing that `img-src` forbids.
_PAGE = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; "
    "style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
)
_FILE = (
    "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_PLAIN = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_DENIED = (
    "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer", "microphone", "midi",
    "payment", "usb",
)  # fmt: skip

_ALL = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_DOCUMENT = (
    *_ALL,
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", ", ".join(f"{each}=()" for each in _DENIED).encode()),
    (b"cache-control", b"no-store"),
)

OF_A_FILE = (*_ALL, (b"content-security-policy", _FILE.encode()))
"""Workers and drawings that are opened by themselves have a policy of their own, and it is this one."""

OF_A_PLAIN_PAGE = (*_DOCUMENT, (b"content-security-policy", _PLAIN.encode()))


def of_the_page(nonce: str) -> tuple[tuple[bytes, bytes], ...]:
    """The headers of the page that starts the application."""
    return (*_DOCUMENT, (b"content-security-policy", _PAGE.format(nonce=nonce).encode()))
