"""Runs a published client of the Tedee API against another address and prints what it understood, as JSON.

A program of its own, because these clients live in a virtual environment of their own:
`python ask_public_client.py <aiotedee or pytedee_async> <base URL of the API> <personal key>`
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from typing import Any

THEIR_BASE = "https://api.tedee.com/api/v1.32/"


def redirect(package: str, base: str) -> None:
    """Put our address where the package's modules have Tedee's."""
    changed = 0
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] != package:
            continue
        for attribute, value in list(vars(module).items()):
            if isinstance(value, str) and value.startswith(THEIR_BASE):
                setattr(module, attribute, value.replace(THEIR_BASE, base + "/"))
                changed += 1
    if not changed:
        sys.exit("The client has no address that could be replaced; it must not ask the real cloud.")


async def ask(package: str, base: str, key: str) -> list[dict[str, object]]:
    """The locks as the client knows them after it has listed and synchronised them."""
    module = importlib.import_module(package)
    redirect(package, base)
    make = module.TedeeCloudClient if package == "aiotedee" else module.TedeeClient
    session = importlib.import_module("aiohttp").ClientSession()
    client: Any = make(personal_token=key, session=session)
    try:
        await client.get_locks()
        await client.sync()
    finally:
        await session.close()
    return [
        {"id": lock.lock_id if hasattr(lock, "lock_id") else lock.id}
        | {"name": lock.lock_name if hasattr(lock, "lock_name") else lock.name}
        | {"connected": lock.is_connected, "state": int(lock.state), "battery": lock.battery_level}
        for lock in client.locks
    ]


if __name__ == "__main__":
    print(json.dumps(asyncio.run(ask(*sys.argv[1:4]))))
