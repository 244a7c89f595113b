"""The board that the processes of one server share."""

import os
import subprocess
import sys

from hashmatch.server.board import ABSENT, Board


def test_processes_see_what_the_others_put() -> None:
    board = Board.create(3)
    assert board.revisions == [ABSENT] * 3
    assert board.revision == ABSENT
    code = "import sys; from hashmatch.server.board import Board; Board(int(sys.argv[1]), 2).put(7)"
    subprocess.run([sys.executable, "-c", code, str(board.descriptor)], pass_fds=(board.descriptor,), check=True)
    assert board.revisions == [7, ABSENT, ABSENT]
    Board(board.descriptor, 1).put(5)
    assert board.revision == 5
    board.clear(1)
    assert (board.revisions, board.revision) == ([7, ABSENT, ABSENT], 7)
    for slot, revision in enumerate((4, 6, 7, 5)):
        Board(board.descriptor, slot).put(revision)
    assert (board.revisions, board.revision) == ([4, 6, 7, 5], 4)  # while one replaces another
    os.close(board.descriptor)
