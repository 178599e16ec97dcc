"""What capture costs: real servers under load, recorded and not, in pairs.

    bazel run --config=opt //tests/bench:capture_cost -- [--pairs N] [--seconds S] [--only ROW]...

Server and client share one core and the recorder has the other, so the throughput shows what capture
costs the service, and CPU per answer shows what it costs the machine. The order of each pair is shuffled,
every run has a fresh server, and ratios are printed with their quartiles: single figures of a shared
machine say little. At the end stands a table with a line a row.

Beside Reprise stand other ways to see what a server is asked, where they are installed, each in the same
pairs.
"""

import argparse
import os
import random
import sys
from dataclasses import dataclass

from tests.bench.cost_run import NotMeasured, measure
from tests.bench.cost_table import NO_AIMS, Aims, Pair, details, table
from tests.bench.loads import Checkout, Load, Nginx, Redis, ThreadServer, different_each_time
from tests.bench.nginx_server import FILE, SMALL, NginxServer
from tests.bench.onlookers import Mirror, Mitmdump, Onlooker, Reprise, Strace, Tcpdump

_NOBODY = Onlooker()
_FAILED = "failed"


@dataclass(frozen=True)
class Row:
    """A load, who looks on in one run of each pair, and what is aimed at."""

    load: Load
    onlooker: Onlooker
    aims: Aims = NO_AIMS


def rows(programs: argparse.Namespace) -> dict[str, Row]:
    reprise = Reprise(programs.reprise)
    small = Nginx()
    page = f"/{FILE}"
    # nginx mirrors nothing that it answers by `return`.
    small_file = Nginx(NginxServer("", file_bytes=len(SMALL)), page)
    return {
        "nginx, 200 B": Row(small, reprise, Aims(0.97, 1.05)),
        "nginx, 200 B, all different": Row(different_each_time(), reprise, Aims(0.97, 1.05)),
        "nginx, 16 KiB by sendfile": Row(Nginx(NginxServer("sendfile on;", file_bytes=16 * 1024), page), reprise,
                                         Aims(0.97, 1.08)),
        "nginx, 16 KiB copied": Row(Nginx(NginxServer("sendfile off;", file_bytes=16 * 1024), page), reprise,
                                    Aims(0.90, 1.30)),
        "nginx, 200 B over TLS": Row(Nginx(NginxServer(tls=True)), reprise, Aims(0.97, 1.05)),
        "redis-server, pipeline of 16": Row(Redis(), reprise, Aims(0.97, 1.10)),
        "64 threads, 200 B": Row(ThreadServer(programs.thread_server), reprise, Aims(0.97, 1.10, 1.2)),
        "examples/checkout": Row(Checkout(programs.checkout), reprise, Aims()),
        "nginx, 200 B, by tcpdump": Row(small, Tcpdump()),
        "nginx, 200 B file, by mirror": Row(small_file, Mirror()),
        "nginx, 200 B, by mitmdump": Row(small, Mitmdump()),
        "nginx, 200 B, by strace": Row(small, Strace()),
    }


def compare(row: Row, options: argparse.Namespace, order: random.Random) -> list[Pair]:
    """Pairs of runs, in shuffled order."""
    pairs = []
    for number in range(options.pairs):
        runs = {}
        for onlooker in order.sample([row.onlooker, _NOBODY], 2):
            runs[onlooker] = measure(row.load, onlooker, options.seconds, options.connections)
        one, plain = runs[row.onlooker], runs[_NOBODY]
        pairs.append((one, plain))
        print(f"  pair {number + 1}: {one.answers.per_second:.0f} / {plain.answers.per_second:.0f} answers/s, "
              f"{one.cpu_us_per_answer:.2f} / {plain.cpu_us_per_answer:.2f} us CPU, "
              f"of the service {one.service_us_per_answer:.2f} / {plain.service_us_per_answer:.2f}",
              flush=True)
    return pairs


def tell(row: Row, options: argparse.Namespace, order: random.Random) -> list[Pair] | str:
    """Measures a row and prints all of it; the pairs, or why there are none."""
    if not row.onlooker.installed():
        print("  not installed", flush=True)
        return "not installed"
    try:
        pairs = compare(row, options, order)
    except NotMeasured as error:
        print(f"  {error}", flush=True)
        return _FAILED
    print(details(pairs, row.aims, row.onlooker.what), flush=True)
    return pairs


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for program in ("reprise", "checkout", "thread-server"):
        parser.add_argument(f"--{program}", required=True, type=os.path.abspath, help="the program")
    parser.add_argument("--only", metavar="ROW", action="append", help="this row; may be repeated")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=4, help="load in each run")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1, help="of the shuffled order")
    options = parser.parse_args()
    known = rows(options)
    for name in options.only or []:
        if name not in known:
            parser.error(f"there is no row '{name}'; there are: " + "; ".join(known))

    order = random.Random(options.seed)
    measured = {}
    for name in options.only or known:
        print(f"\n{name}", flush=True)
        measured[name] = (known[name].aims, tell(known[name], options, order))
    print(f"\n{table(measured)}")
    return 1 if _FAILED in (pairs for _, pairs in measured.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
