"""The simulated cloud as an httpx transport: tests use it through the real client without a socket.

Faults become what httpx raises over a network:

    drop        RemoteProtocolError   the connection closed without an answer
    hang, slow  ReadTimeout           no (complete) answer in time
"""

from __future__ import annotations

from collections.abc import Callable

import httpx

from pins.simulator.answering import answer
from pins.simulator.cloud import Cloud
from pins.simulator.messages import Reply, Request


class CloudTransport(httpx.BaseTransport):
    """Carries requests of an `httpx.Client` to a Cloud; host and port of the URL do not matter.

    `on_send` runs before the cloud sees a request. `on_request` runs when the operation is done, the answer is not yet
    given and the device is still busy: the moment to edit a booking while its POST is under way. Both may raise.
    """

    def __init__(
        self,
        cloud: Cloud,
        *,
        on_request: Callable[[Request, Reply], None] | None = None,
        on_send: Callable[[Request], None] | None = None,
    ) -> None:
        self.cloud = cloud
        self.on_request = on_request
        self.on_send = on_send

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        asked = Request(
            request.method,
            request.url.path,
            request.url.query.decode("ascii"),
            dict(request.headers),
            request.read(),
        )
        if self.on_send is not None:
            self.on_send(asked)
        reply = answer(self.cloud, asked, self.on_request)
        if reply.delivery == "drop":
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
        if reply.delivery in ("hang", "slow"):
            raise httpx.ReadTimeout("The read operation timed out", request=request)
        return httpx.Response(reply.status, headers=list(reply.headers), content=reply.body, request=request)
