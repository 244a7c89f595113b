"""Services that are found by name alone."""

import asyncio

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from hashmatch.server.health import HealthService
from hashmatch.server.unregistered import unregistered


async def serve(server: grpc.aio.Server) -> tuple[str, int]:
    """The address, and how many tasks it takes to wait for calls."""
    before = len(asyncio.all_tasks())
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    await asyncio.sleep(0)
    return f"127.0.0.1:{port}", len(asyncio.all_tasks()) - before


async def test_methods_are_found_and_none_is_waited_for() -> None:
    bare, added, registered = (grpc.aio.server() for _ in range(3))
    draining = asyncio.Event()
    health_pb2_grpc.add_HealthServicer_to_server(HealthService(draining), unregistered(added))
    health_pb2_grpc.add_HealthServicer_to_server(HealthService(draining), registered)
    try:
        _, tasks = await serve(bare)
        address, same = await serve(added)
        _, more = await serve(registered)
        assert same == tasks < more
        async with grpc.aio.insecure_channel(address) as channel:
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    finally:
        for server in (bare, added, registered):
            await server.stop(None)
