"""Typed clients of a hashmatch server: `Client` blocks, `AsyncClient` is for asyncio."""

from hashmatch.client.asynchronous import AsyncClient
from hashmatch.client.blocking import Client
from hashmatch.client.security import Security

__all__ = ["AsyncClient", "Client", "Security"]
