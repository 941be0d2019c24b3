"""Measures the example's tasks against the floor and against peers, and the application with many resources: see docs/performance.md.

`speed` (the default) starts every server that is installed, each one process on the same PostgreSQL with the same rows, and loads one after
the other in alternating rounds. It prints answers a second, CPU microseconds of the server for an answer (the steadier figure on a machine
with other work), and how many times more than Rowsmith's application each takes, by CPU time, as medians with quartiles; then p99 at half
of the maximum load. It ends with 1 when something is slower than it must be.

`resources` generates projects of 10 to 1,000 resources and prints what generating, checking, starting and answering cost.

`scaling` measures the application with one worker and with two, as behind a pooler, and as on Citus: see docs/scaling.md.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks import resources, scaling, speed


def main() -> int:
    """Run what the arguments ask for; 1 when a figure misses what it must be."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=["speed", "resources", "scaling"], default="speed")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each operation in each round")
    parser.add_argument("--only", default="", help="names of peers, comma-separated; the floor and Rowsmith are always measured")
    parser.add_argument("--counts", default="10,100,500,1000", help="numbers of resources, comma-separated")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="writes performance.md's table and its chart into this folder")
    options = parser.parse_args()
    if options.what == "resources":
        return resources.measure([int(count) for count in options.counts.split(",")])
    if options.what == "scaling":
        return scaling.measure(options.rounds, options.seconds)
    return speed.measure(options.rounds, options.seconds, set(filter(None, options.only.split(","))), options.write)


if __name__ == "__main__":
    sys.exit(main())
