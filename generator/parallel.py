"""The same work for many items, on all processors where there are enough of them."""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import batched
from math import ceil

from generator.records import packed

WORTH_A_PROCESS = 50
"""Items from which another process is begun: to read a spec, or to render its resource, takes 2 ms, and to begin a process 20 ms."""

MORE_HERE = 1.1
"""How much more is done in this process than in each of the others, whose results are packed there and unpacked here."""


def in_parts[Item, Result](work: Callable[[Sequence[Item]], list[Result]], items: Sequence[Item]) -> list[Result]:
    """What `work` gives for `items`, in their order: it gets a part of them in each process, and gives a result for each.

    Of the other processes the results are packed; what they do beside is lost.
    """
    processes = min(os.process_cpu_count() or 1, len(items) // WORTH_A_PROCESS)
    if processes < 2:
        return work(items)
    here = ceil(len(items) / processes * MORE_HERE)
    parts = batched(items[here:], ceil((len(items) - here) / (processes - 1)), strict=False)
    with ExitStack() as others:
        waiting = [others.enter_context(beside(partial(work, part))) for part in parts]
        results = work(items[:here])
        for other in waiting:
            results += other()
    return results


@contextmanager
def beside[Result](work: Callable[[], Result]) -> Generator[Callable[[], Result]]:
    """Begin `work` in a process of its own, a fork, which knows what this one knows; gives what waits for its result.

    Where it does not come to its end there, or there is no other processor, it is done here, and shows why.
    """
    if (os.process_cpu_count() or 1) < 2 or not hasattr(os, "fork"):
        yield work
        return
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        _give(work, writer)
    os.close(writer)
    with open(reader, "rb") as pipe:  # noqa: PTH123 - of a descriptor

        def result() -> Result:
            size, data = int.from_bytes(pipe.read(_SIZE)), pipe.read()
            return pickle.loads(data) if data and len(data) == size else work()  # noqa: S301 - of our own process

        try:
            yield result
        finally:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)  # it has nothing more to do
            os.waitpid(child, 0)


_SIZE = 8  # bytes that say how many follow


def _give(work: Callable[[], object], writer: int) -> None:
    """Write the result of `work`, and end this process."""
    try:
        with open(writer, "wb") as pipe:
            data = packed(work())
            pipe.write(len(data).to_bytes(_SIZE) + data)
    finally:
        os._exit(0)
