"""Procrastinate: one job a code, and `lock=` so that each door lock gets one request at a time.

`python -m tests.benchmarks.baselines.queue_in_postgres DEVICE...` defers CODES jobs for each device in one transaction,
and prints the moment of its commit (seconds since 1970).
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import Any

import httpx
import procrastinate

from tests.benchmarks.baselines.payload import HEADERS, TIMEOUT, body, url

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=os.environ.get("BENCH_DATABASE", "")))
client = httpx.AsyncClient(headers=HEADERS, timeout=TIMEOUT, trust_env=False)


@app.task(name="set_code")
async def set_code(device: int, number: int) -> None:
    (await client.post(url(device), json=body(number))).raise_for_status()


async def defer(devices: list[int], codes: int) -> float:
    async with app.open_async():
        for device in devices:
            waiting = set_code.configure(lock=str(device))
            first = devices.index(device) * codes
            jobs: list[dict[str, Any]] = [{"device": device, "number": first + code} for code in range(codes)]
            await waiting.batch_defer_async(*jobs)
        return time.time()


async def prepare() -> None:
    async with app.open_async():
        await app.schema_manager.apply_schema_async()


if __name__ == "__main__":
    if sys.argv[1:] == ["schema"]:
        asyncio.run(prepare())
    else:
        print(asyncio.run(defer([int(one) for one in sys.argv[1:]], int(os.environ["BENCH_CODES"]))), flush=True)
