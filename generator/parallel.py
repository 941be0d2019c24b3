"""The same work for many items, on all processors where there are enough of them."""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import batched
from math import ceil

from generator.records import packed

WORTH_A_PROCESS = 50
"""Items from which another process is begun: to read a spec, or to render its resource, takes 2 ms, and to begin a process 20 ms."""


def in_parts[Item, Result](work: Callable[[Sequence[Item]], list[Result]], items: Sequence[Item]) -> list[Result]:
    """What `work` gives for `items`, in their order: it gets a part of them in each process, and gives a result for each.

    Of the other processes the results are packed; what they do beside is lost.
    """
    processes = min(os.process_cpu_count() or 1, len(items) // WORTH_A_PROCESS)
    if processes < 2 or not hasattr(os, "fork"):
        return work(items)
    parts = list(batched(items, ceil(len(items) / processes), strict=False))
    with ExitStack() as processes:
        others = [processes.enter_context(_elsewhere(work, part)) for part in parts[1:]]
        results = work(parts[0])
        for other in others:
            results += other()
    return results


@contextmanager
def _elsewhere[Part, Results](work: Callable[[Part], Results], part: Part) -> Generator[Callable[[], Results]]:
    """Begin `work` in a process of its own, a fork, which knows what this one knows; gives what waits for the results.

    Where it does not come to its end there, it is done again here, and shows why.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        _give(work, part, writer)
    os.close(writer)
    with open(reader, "rb") as pipe:  # noqa: PTH123 - of a descriptor

        def results() -> Results:
            size, data = int.from_bytes(pipe.read(_SIZE)), pipe.read()
            return pickle.loads(data) if data and len(data) == size else work(part)  # noqa: S301 - of our own process

        try:
            yield results
        finally:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)  # it has nothing more to do
            os.waitpid(child, 0)


_SIZE = 8  # bytes that say how many follow


def _give[Part, Results](work: Callable[[Part], Results], part: Part, writer: int) -> None:
    """Write the results of `work`, and end this process."""
    try:
        with open(writer, "wb") as pipe:
            data = packed(work(part))
            pipe.write(len(data).to_bytes(_SIZE) + data)
    finally:
        os._exit(0)
