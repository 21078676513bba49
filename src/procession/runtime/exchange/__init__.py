"""The engine on the bus: records that come in take effect once, and what happens goes out in order."""
