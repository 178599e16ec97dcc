"""How fast a replay is: examples/checkout, recorded under traffic, replayed one exchange at a time.

    bazel run --config=opt //tests/bench:replay_speed -- [--exchanges N] [--repeats N] [--keep DIR]

The recording is made once, with its dependencies running; then it is replayed several times without
them. Printed are exchanges a second from the first answer to the last, the same over the rate at
which the recording answered its clients at once, and how long it takes to the first exchange, which
has reading the archive and starting the service in it. Every replay has to be whole and the same as
the recording: a fast one that is not proves nothing. On a machine that does other things as well, CPU time
is the figure to compare.
"""

import argparse
import contextlib
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from examples import http_clients
from examples.checkout import traffic
from examples.checkout.dependencies import Dependencies
from examples.server_process import ServerProcess

_PATIENCE_S = 3600
# The line that the service logs with each answer begins with this.
_ANSWERED = "request="


@dataclass
class Recorded:
    """The recording, and what made it."""

    archive: str
    flags: list[str]
    exchanges: int
    calls: int
    per_second: float


@dataclass
class Replayed:
    """One replay. Times are in seconds."""

    to_first_answer: float
    per_second: float
    cpu: float  # of replayer and service together, all of it
    ledger: dict
    differences: int


def record(programs: argparse.Namespace, archive: str, exchanges: int, clients: int) -> Recorded:
    """Records `clients` customers at once."""
    with Dependencies() as dependencies:
        flags = dependencies.service_flags()
        command = [programs.reprise, "record", "--overwrite", "-o", archive, "--", programs.checkout,
                   *flags]
        with ServerProcess(command, ready=r"listening on (\d+)") as service:
            begin = time.monotonic()
            http_clients.drive("127.0.0.1", int(service.ready[1]),
                               [traffic.customer(1, client, exchanges // clients)
                                for client in range(clients)])
            took = time.monotonic() - begin
    stats = json.loads(_reprise(programs, "stats", "--json", archive))
    return Recorded(archive, flags, stats["exchanges"], stats["calls"], stats["exchanges"] / took)


def replay(programs: argparse.Namespace, recorded: Recorded, output: str) -> Replayed:
    before = _cpu_seconds()
    begin = time.monotonic()
    with subprocess.Popen([programs.reprise, "replay", "--json", "--overwrite", "-o", output,
                           recorded.archive, "--", programs.checkout, *recorded.flags],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        answers = [time.monotonic() for line in process.stderr if line.startswith(_ANSWERED)]
        ledger = json.loads(process.stdout.read())
        process.wait(_PATIENCE_S)
    cpu = _cpu_seconds() - before
    differs = json.loads(_reprise(programs, "diff", "--json", recorded.archive, output))
    return Replayed(answers[0] - begin, ledger["replayed"] / (answers[-1] - answers[0]), cpu, ledger,
                    len(differs["differences"]))


def _cpu_seconds() -> float:
    """Of all children that have ended, and theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _reprise(programs: argparse.Namespace, *words: str) -> str:
    return subprocess.run([programs.reprise, *words], stdout=subprocess.PIPE, text=True,
                          timeout=_PATIENCE_S, check=False).stdout


def report(recorded: Recorded, replays: list[Replayed]):
    rate = statistics.median(one.per_second for one in replays)
    cpu = statistics.median(one.cpu / one.ledger["replayed"] for one in replays)
    first = statistics.median(one.to_first_answer for one in replays)
    print(f"\nexamples/checkout, {recorded.exchanges} exchanges with {recorded.calls} calls, "
          f"{len(replays)} replays                 median")
    print(f"  exchanges a second, one at a time          {rate:.0f}")
    print(f"  over the recording's own rate              {rate / recorded.per_second:.2f}")
    print(f"  CPU of replayer and service, us each       {cpu * 1e6:.0f}")
    print(f"  seconds to the first answer                {first:.2f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--reprise", required=True, help="the reprise program")
    parser.add_argument("--checkout", required=True, help="the service")
    parser.add_argument("--exchanges", type=int, default=10000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--keep", metavar="DIR", help="leave the archives there")
    options = parser.parse_args()
    options.reprise = os.path.abspath(options.reprise)
    options.checkout = os.path.abspath(options.checkout)

    with contextlib.ExitStack() as stack:
        where = pathlib.Path(options.keep or stack.enter_context(tempfile.TemporaryDirectory()))
        where.mkdir(parents=True, exist_ok=True)
        recorded = record(options, str(where / "prod.reprise"), options.exchanges, options.clients)
        print(f"recorded {recorded.exchanges} exchanges at {recorded.per_second:.0f} a second")
        replays = []
        whole = True
        for number in range(options.repeats):
            one = replay(options, recorded, str(where / "local.reprise"))
            replays.append(one)
            as_recorded = (one.ledger["replayed"] == recorded.exchanges and one.differences == 0 and
                           not one.ledger["divergences"])
            whole = whole and as_recorded
            print(f"replay {number + 1}: {one.per_second:.0f} a second, first answer after "
                  f"{one.to_first_answer:.2f} s, {len(one.ledger['divergences'])} divergences, "
                  f"{one.differences} differences", flush=True)
    report(recorded, replays)
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
