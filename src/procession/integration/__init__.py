"""For people who write integrations: programs that take records off topics and answer.

    bureau = Integration("kafka://localhost:9092", group="credit-bureau")

    @bureau.on("bureau.requests", answer="engine.receive.bureau")
    def score(record):
        return {"score": 710}

    bureau.run()

The *router* knows which function takes which topic; the *integration* reads, and commits how far everything is done; the *lanes*
keep the order of each key; the *desk* calls functions, tries again, and says what goes out; the *post* publishes it. `Once`
remembers what was answered.
"""

from procession.integration.http_bus import HttpBus
from procession.integration.integration import Integration
from procession.integration.once import Once
from procession.integration.records import Answer, IncomingRecord, RecordHeaders, Reject
from procession.integration.router import RecordRouter

__all__ = ["Answer", "HttpBus", "IncomingRecord", "Integration", "Once", "RecordHeaders", "RecordRouter", "Reject"]
