"""Requests to one server, from many threads.

What is safe to repeat is repeated until the time is over: requests that never left, reading, and what carries a key by which
the server knows it again. What is not safe fails when its answer is lost, and says so.
"""

from __future__ import annotations

import random
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import httpx2
import msgspec

from procession.client.credentials import Credentials, LoggedIn
from procession.client.refusals import AWAY, error_of
from procession.client.sockets import Sockets
from procession.engine.codec import encode
from procession.errors import CommandRejected, ProcessionError, StorageError

T = TypeVar("T")

JSON = "application/json"

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
LONGEST_CONNECT = 10.0
IDLE = 20.0
"""Seconds after which an idle connection is given up: a little before a server does, which could cut a request off."""

LARGE = 500_000
"""Bytes of a body from which on a connection is used only once: a server that does not want it all closes."""

NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)


class AnswerLost(StorageError):
    """The connection broke after a request was sent: whether it took effect is not known."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `safe`: a repetition changes nothing more. `wait`: the server may take so long on purpose."""

    method: str
    path: str
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    safe: bool = False
    wait: float = 0.0
    public: bool = False


class Connection:
    """Sends requests to the server at `url`, each within `timeout` seconds, repetitions included.

    One that is not `patient` repeats nothing: whoever uses it does that.
    """

    def __init__(self, url: str, credentials: Credentials, timeout: float, *, patient: bool = True) -> None:
        self.url = checked(url)
        self.credentials, self.timeout, self._patient = credentials, timeout, patient
        self._sockets = Sockets()
        self._closed = threading.Event()
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=IDLE)
        self._http = httpx2.Client(
            verify=_trust() if self.url.startswith("https:") else False,
            headers={"User-Agent": "procession-client"},
            limits=limits,
            follow_redirects=False,
        )

    @property
    def closed(self) -> bool:
        """Whether nothing more is sent."""
        return self._closed.is_set()

    def call(
        self,
        method: str,
        path: str,
        answer: type[T],
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        key: str | None = None,
        safe: bool = False,
        wait: float = 0.0,
    ) -> T:
        """Ask something in JSON; the answer as the type that it should be. With a `key` it takes effect once."""
        content = b""
        headers: dict[str, str] = {}
        if body is not None:
            content, headers["Content-Type"] = body if isinstance(body, bytes) else encode(body), JSON
        if key is not None:
            headers["Idempotency-Key"] = key
        safe = safe or method == "GET" or key is not None
        return self.decoded(
            self.send(Request(method, path + query_string(query), content, headers, safe, wait)), answer
        )

    def send(self, request: Request) -> httpx2.Response:
        """The answer to a request, whole. What is refused raises."""
        end = time.monotonic() + self.timeout + request.wait
        pause, renewed = FIRST_PAUSE, False
        while True:
            token = None if request.public else self.credentials.token(self._log_in)
            try:
                response = self._http.send(self._built(request, token, end - time.monotonic()))
            except httpx2.TransportError as failure:
                error: ProcessionError = self._failure(request, failure)
                repeat = (request.safe or isinstance(failure, NEVER_SENT)) and not _distrusted(failure)
                cause: BaseException | None = failure
                least = 0.0
            except httpx2.DecodingError as failure:
                raise self.stranger(str(failure)) from None
            except RuntimeError as failure:  # of a library that was closed in the middle of it
                if not self.closed:
                    raise
                raise self._failure(request, failure) from failure
            else:
                if response.is_success:
                    return response
                error, cause = self.refused(response), None
                if response.status_code == 401 and token is None and not request.public:
                    error = _nobody(error)
                if response.status_code == 401 and not renewed and not request.public:
                    renewed = True
                    if self.credentials.refused(token):
                        continue
                repeat = response.status_code == 429 or (request.safe and response.status_code in AWAY)
                least = _retry_after(response)
            # spread, so that many clients do not all come back at the same moment
            rest = max(least, pause) * random.uniform(1.0, 1.5)
            if not (repeat and self._patient) or self.closed or time.monotonic() + rest >= end:
                raise error from cause
            self.pause(rest)
            pause = min(LONGEST_PAUSE, pause * 2)

    def stream(
        self, path: str, query: Mapping[str, Any], headers: Mapping[str, str], silence: float
    ) -> httpx2.Response:
        """An answer that goes on, to be closed by the caller. Not repeated. No more than `silence` seconds without a byte."""
        renewed = False
        while True:
            token = self.credentials.token(self._log_in)
            request = Request("GET", path + query_string(query), headers=headers)
            built = self._built(request, token, self.timeout)
            built.extensions["timeout"] = httpx2.Timeout(self.timeout, read=silence).as_dict()
            try:
                response = self._http.send(built, stream=True)
                if response.is_success:
                    return response
                response.read()
                response.close()
            except (httpx2.TransportError, RuntimeError) as failure:
                if isinstance(failure, RuntimeError) and not self.closed:
                    raise
                raise self._failure(request, failure) from failure
            if response.status_code == 401 and not renewed and self.credentials.refused(token):
                renewed = True
                continue
            raise self.refused(response)

    def decoded(self, response: httpx2.Response, answer: type[T]) -> T:
        """What a server answered, as the type that it should be."""
        kind: Any = answer
        try:
            found: T = _decoder(kind).decode(response.content)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self.stranger(f"{response.headers.get('content-type', 'nothing')}: {error}") from None
        return found

    def stranger(self, why: str) -> ProcessionError:
        """The exception for an answer that makes no sense."""
        return ProcessionError(
            f"{self.url} does not answer as a procession server would ({why}). Is the address right?"
        )

    def refused(self, response: httpx2.Response) -> ProcessionError:
        """The exception that an answer is."""
        status = response.status_code
        if 300 <= status < 400:
            target = response.headers.get("location", "somewhere else")
            detail = f"{self.url} sends to {target}. Use the address of the server itself."
            return CommandRejected(status, "Redirected.", detail, key="error.redirect")
        return error_of(status, response.headers.get("content-type", ""), response.content)

    def apart(self, timeout: float, *, patient: bool) -> Connection:
        """The same server and credentials, by connections of its own."""
        return Connection(self.url, self.credentials, timeout, patient=patient)

    def pause(self, seconds: float) -> None:
        """Wait before trying again; not when it was closed."""
        self._closed.wait(seconds)

    def hang_up(self) -> None:
        """Let what waits at the server end now, without losing an answer that is on its way. Nothing is repeated any more."""
        self._closed.set()
        self._sockets.hang_up()

    def close(self) -> None:
        """End everything at once."""
        self._closed.set()
        self._sockets.cut()
        self._http.close()

    def _built(self, request: Request, token: str | None, left: float) -> httpx2.Request:
        if self.closed:
            raise StorageError(f"The client of {self.url} is closed. Nothing was done.")
        left = max(0.001, left)
        headers = dict(request.headers)
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if len(request.content) > LARGE:
            headers["Connection"] = "close"
        return self._http.build_request(
            request.method,
            self.url + request.path,
            content=request.content or None,
            headers=headers,
            timeout=httpx2.Timeout(left, connect=min(left, LONGEST_CONNECT)),
            extensions={"trace": self._sockets.trace},
        )

    def _failure(self, request: Request, failure: Exception) -> StorageError:
        reason = (str(failure) or type(failure).__name__).rstrip(".")
        if len(request.content) > LARGE:
            reason += f" (of {len(request.content):,} bytes, which may be too many)"
        if self.closed:
            return StorageError(f"The client of {self.url} was closed before the answer came.")
        if _distrusted(failure):
            return StorageError(
                f"{self.url} is not trusted: {reason}. Is SSL_CERT_FILE set, where its authority is one's own?"
            )
        if isinstance(failure, NEVER_SENT):
            return StorageError(f"{self.url} cannot be reached: {reason}. Nothing was done. Does the server run there?")
        if request.safe:
            return AnswerLost(f"{self.url} did not answer: {reason}. Try again.")
        return AnswerLost(
            f"{self.url} did not answer: {reason}. Whether it was done is not known: look before you try again."
        )

    def _log_in(self, user: str, password: str) -> LoggedIn:
        body = encode({"username": user, "password": password})
        headers = {"Content-Type": JSON}
        answer = self.send(Request("POST", "/api/auth/login", body, headers, safe=True, public=True))
        return self.decoded(answer, LoggedIn)


def checked(url: str) -> str:
    """The address of a server, without a slash at its end."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good:
        raise ProcessionError(f"{url!r} is no address of a server: write http://HOST:PORT or https://HOST.")
    if parts.username is not None or parts.password is not None:
        host = parts.netloc.rpartition("@")[2]
        raise ProcessionError(f"Give user= and password= beside the address ({parts.scheme}://{host}), not in it.")
    if parts.query or parts.fragment:
        raise ProcessionError(f"{url!r} has more than an address: end it before '?' and '#'.")
    return url.rstrip("/")


@cache
def _decoder(answer: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(answer, float_hook=Decimal)


@cache
def _trust() -> Any:
    """Which certificates are trusted: what the machine trusts. Reading them takes a while, so once is enough."""
    return httpx2.create_ssl_context()


def query_string(values: Mapping[str, Any] | None) -> str:
    """What follows the path: what is None is left out."""
    given = {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in (values or {}).items()
        if value is not None
    }
    return "?" + urlencode(given) if given else ""


def _distrusted(failure: BaseException | None) -> bool:
    """Whether it is the certificate: that will be the same the next time."""
    while failure is not None:
        if isinstance(failure, ssl.SSLCertVerificationError):
            return True
        failure = failure.__cause__ or failure.__context__
    return False


def _nobody(error: ProcessionError) -> ProcessionError:
    """What to do about a 401, where no credentials were given."""
    assert isinstance(error, CommandRejected)
    detail = f"{error.detail} Give the client a token, or a user and a password.".strip()
    return CommandRejected(error.status, error.title, detail, key=error.key, extra=error.extra)


def _retry_after(response: httpx2.Response) -> float:
    """Seconds that the server asks to wait; a date, which nobody of ours sends, counts as none."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0.0
