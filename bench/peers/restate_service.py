"""The shape of W1 as a service of Restate: five durable steps. Served by granian, since the server speaks HTTP/2 with it."""

from __future__ import annotations

import restate

STEPS = 5
service = restate.Service("w1")


async def increased(x: int) -> int:
    return x + 1


@service.handler()
async def run(context: restate.Context, x: int) -> str:
    for number in range(STEPS):
        x = await context.run_typed(f"t{number}", increased, x=x)
    return "hi" if x > 3 else "lo"


app = restate.app([service])
