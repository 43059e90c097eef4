import socket

import pytest
from contract_server import ContractServer, Listening
from quota_middleware import Caller, QuotaClient

SUBSCRIPTION = Caller("SUB1")


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="session")
def listening():
    """Open one port for all tests; each puts its own server behind it."""
    class Switch:
        app = None

        async def __call__(self, scope, receive, send):
            await self.app(scope, receive, send)

    switch = Switch()
    switch.app = ContractServer().app
    with Listening(switch) as listening:
        listening.switch = switch
        yield listening


@pytest.fixture
def server(listening):
    server = ContractServer()
    server.url = listening.url
    listening.switch.app = server.app
    return server


@pytest.fixture
async def client(server, anyio_backend):
    async with QuotaClient(server.url, "qk_service", timeout=0.6, deadline=5) as client:
        yield client


@pytest.fixture
def unused_port():
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
