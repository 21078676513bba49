"""The limit: what uvicorn does with an application that only decodes JSON and encodes it again.

python bench/http/echo.py     prints `listening on http://HOST:PORT` and serves until SIGTERM
"""

from __future__ import annotations

import socket
from typing import Any

import msgspec
import uvicorn

HEAD = (b"content-type", b"application/json")


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """One ASGI application, nothing around it."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    body = b""
    while True:
        message = await receive()
        body += message["body"]
        if not message.get("more_body"):
            break
    answer = msgspec.json.encode(msgspec.json.decode(body))
    length = (b"content-length", b"%d" % len(answer))
    await send({"type": "http.response.start", "status": 201, "headers": [HEAD, length]})
    await send({"type": "http.response.body", "body": answer})


def main() -> None:
    """Serve on a free port."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(f"listening on http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    config = uvicorn.Config(echo, loop="uvloop", http="httptools", access_log=False, log_level="error", ws="none")
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
