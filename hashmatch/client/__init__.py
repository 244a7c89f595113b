"""Typed clients of a hashmatch server: `Client` blocks, `AsyncClient` is for asyncio."""

from hashmatch.client.asynchronous import AsyncClient
from hashmatch.client.blocking import Client

__all__ = ["AsyncClient", "Client"]
