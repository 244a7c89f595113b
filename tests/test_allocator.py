"""Memory is not given back to the system between buffers: without that, each page of the next is a fault."""

import subprocess
import sys

import numpy as np

from tests.media_files import encoded

ROUNDS, AT_ONCE = 5, 4
DECODING = f"""
import resource, sys
from concurrent.futures import ThreadPoolExecutor
from hashmatch.media import decode
from hashmatch.settings import MediaLimits

data, limits = sys.stdin.buffer.read(), MediaLimits()

def faults():
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    for _ in range({ROUNDS}):
        frames = [decode(data, limits) for _ in range({AT_ONCE})]
        del frames
    return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before

with ThreadPoolExecutor(1) as pool:
    pool.submit(faults).result()
    print(pool.submit(faults).result())
"""


def test_the_next_picture_costs_no_page_faults() -> None:
    """In a process that has decoded nothing larger: glibc by itself learns from that what to keep."""
    data = encoded(".jpg", np.zeros((1200, 1600, 3), np.uint8))
    done = subprocess.run([sys.executable, "-c", DECODING], input=data, capture_output=True, check=True)
    pages_of_luma = 1200 * 1600 // 4096
    assert int(done.stdout) < ROUNDS * AT_ONCE * pages_of_luma / 10


MESSAGES = """
import resource
from hashmatch.allocator import keep_freed

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        held = [bytes(1_000_000) for _ in range(4)]
        del held
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
learnt = faults()
keep_freed(4 * 2**20, 16 * 2**20)
faults()
print(learnt, faults())
"""


def test_the_next_messages_cost_no_page_faults() -> None:
    """Of several at once, which glibc by itself gives back: it keeps twice the largest that it has seen."""
    done = subprocess.run([sys.executable, "-c", MESSAGES], capture_output=True, check=True)
    learnt, kept = map(int, done.stdout.split())
    assert 10 * kept < learnt
