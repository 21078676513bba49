"""The live channel below its transport: what happens in instances, told to whoever listens and may see it.

Everything comes of history. A row of it makes the same messages with the same ids whenever it is read, so that what was missed is
read again, and nothing is kept for those who are away. `Hub` has one listener for each stream of a client.
"""

from procession.runtime.live.filters import KINDS, Filter, parse_filter
from procession.runtime.live.hub import Hub
from procession.runtime.live.listener import Listener
from procession.runtime.live.messages import RESYNC, Message, socket_text, sse_bytes

__all__ = ["KINDS", "RESYNC", "Filter", "Hub", "Listener", "Message", "parse_filter", "socket_text", "sse_bytes"]
