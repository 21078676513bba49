"""For programs that use a server: the same calls as on an engine of their own, over HTTP.

    with Client("http://localhost:8080", user="ana", password="…") as client:
        order = client.start("order", {"amount": 500})
        print(order.status, order.waiting_at)

The *client* says what can be asked, the *connection* sends it (again, where that is safe) and turns what comes back into
answers or exceptions, the *credentials* say who asks, and *events* follow the live channel.
"""

from procession.client.client import Client
from procession.client.connection import AnswerLost
from procession.client.events import Events, LiveEvent

__all__ = ["AnswerLost", "Client", "Events", "LiveEvent"]
