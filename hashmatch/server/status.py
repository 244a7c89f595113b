"""StatusService: what the answering process says of itself, and which revisions its siblings have reached."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import grpc

from hashmatch import wire
from hashmatch.engine import Engine
from hashmatch.server.board import Board
from hashmatch.server.work import reach
from hashmatch.types import Load
from hashmatch.v1 import status_pb2, status_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]


class StatusService(status_pb2_grpc.StatusServiceServicer):
    """Answers from memory, so that it answers under any load."""

    def __init__(self, engine: Engine, board: Board, load: Callable[[], Load]) -> None:
        """`load` tells how much this process has to do."""
        self._engine = engine
        self._board = board
        self._load = load

    async def GetStatus(self, request: status_pb2.GetStatusRequest, context: Context) -> status_pb2.GetStatusResponse:
        answer = wire.status_to_wire(replace(self._engine.status(), load=self._load()))
        answer.process_revisions.extend(self._board.revisions)
        return answer

    async def WaitForRevision(
        self, request: status_pb2.WaitForRevisionRequest, context: Context
    ) -> status_pb2.WaitForRevisionResponse:
        await reach(lambda: self._board.revision, request.revision, context)
        return status_pb2.WaitForRevisionResponse(process_revisions=self._board.revisions)
