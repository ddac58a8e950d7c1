"""A simulated cloud with one lock, a clock under the test's hand and a plain HTTP client, in process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from pins.simulator.cloud import Cloud, CloudSettings
from pins.simulator.transport import CloudTransport

START = datetime(2027, 3, 1, 12, tzinfo=UTC)
PINS = "/my/lock/10001/pin"
CODE = "481516"
ALIAS = "Anna 03-08 Mar #7F3K2Q"


class SmallCloud:
    def __init__(self, **settings: Any) -> None:
        self.now = START
        self.cloud = Cloud(CloudSettings(**settings), clock=lambda: self.now, sleep=lambda _: None, seed=5)
        self.cloud.add_lock("Front door")
        self.client = self.client_of("PersonalKey demo-key")

    def client_of(self, authorization: str) -> httpx.Client:
        return httpx.Client(
            transport=CloudTransport(self.cloud),
            base_url="http://cloud.test" + self.cloud.settings.api_base,
            headers={"Authorization": authorization},
        )

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def create(self, value: str = CODE, alias: str = ALIAS, **fields: object) -> httpx.Response:
        return self.client.post(PINS, json={"alias": alias, "pin": value, **fields})

    def read(self, pin_id: int = 1) -> dict[str, Any]:
        return dict(self.client.get(f"{PINS}/{pin_id}").json()["result"])

    def listed(self, **query: Any) -> dict[str, Any]:
        answer = self.client.get(PINS, params=query)
        assert answer.status_code == 200, answer.status_code
        return dict(answer.json()["result"])

    def ids(self) -> list[int]:
        """The ids that a list shows."""
        return [pin["id"] for pin in self.listed()["pins"]]
