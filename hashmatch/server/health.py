"""The standard health service, which says NOT_SERVING before the server drains and then lets its watchers go."""

import asyncio
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2

Context = grpc.aio.ServicerContext[Any, Any]


class HealthService(health.aio.HealthServicer):  # type: ignore[misc, name-defined]  # missing in the stubs
    """Ends its watches once `draining` is set: none of them would end by itself, and draining waits for all calls."""

    def __init__(self, draining: asyncio.Event) -> None:
        super().__init__()
        self._draining = draining

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Context) -> None:
        watching = asyncio.create_task(super().Watch(request, context))
        draining = asyncio.create_task(self._draining.wait())
        try:
            await asyncio.wait((watching, draining), return_when=asyncio.FIRST_COMPLETED)
        finally:
            watching.cancel()
            draining.cancel()
            await asyncio.gather(watching, draining, return_exceptions=True)
