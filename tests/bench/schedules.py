"""What the schedules of a replay cost, and what virtual time saves.

    bazel run --config=opt //tests/bench:schedules -- [--exchanges N] [--repeats N]

Three tables:
  - examples/checkout, recorded under 16 clients: the same archive by each schedule in turn;
  - examples/ledger with a pool of threads: the same. What `recorded` takes more is the run token and the
    recorded order, which threads that wait for their turn pay for;
  - a service whose upstream is silent for 5 s at a time: the recording's length over the replay's, with
    time skipped and with --real-time.
Every replay has to be whole and without divergences. Ratios are of pairs that ran one after the other, since
machines are shared and noisy.
"""

import argparse
import http.client
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from examples import http_clients
from examples.checkout import traffic as orders
from examples.checkout.dependencies import Dependencies
from examples.ledger import traffic as accounts
from examples.redis_server import RedisServer
from examples.server_process import ServerProcess

_PATIENCE_S = 3600
_CLIENTS = 16


class Programs:
    """Where they are, and an archive that one of them made."""

    def __init__(self, options: argparse.Namespace, where: pathlib.Path):
        self.reprise, self.checkout, self.ledger, self.silent = map(
            os.path.abspath, (options.reprise, options.checkout, options.ledger, options.silent))
        self.where = where

    def record(self, name: str, *command: str) -> tuple[str, list[str]]:
        archive = str(self.where / f"{name}.reprise")
        return archive, [self.reprise, "record", "-o", archive, "--", *command]

    def replay(self, archive: str, command: list[str], *options: str) -> float:
        """Seconds that a replay takes, which has to hold."""
        began = time.monotonic()
        done = subprocess.run([self.reprise, "replay", "--json", "--overwrite", "-o", str(self.where / "again.reprise"),
                               *options, archive, "--", *command], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, timeout=_PATIENCE_S, check=False)
        took = time.monotonic() - began
        ledger = json.loads(done.stdout)
        if done.returncode != 0 or ledger["divergences"]:
            raise SystemExit(f"a replay with {options} did not hold: {ledger['divergences'][:3]}")
        return took

    def compare_schedules(self, what: str, archive: str, command: list[str], exchanges: int, repeats: int):
        pairs = [[self.replay(archive, command, "--schedule", schedule) for schedule in ("serial", "recorded")]
                 for _ in range(repeats)]
        serial, recorded = (statistics.median(times) for times in zip(*pairs))
        ratio = statistics.median(recorded / serial for serial, recorded in pairs)
        print(f"\n{what}, {exchanges} exchanges, {repeats} pairs          median")
        print(f"  serial, exchanges a second                 {exchanges / serial:.0f}")
        print(f"  recorded, exchanges a second               {exchanges / recorded:.0f}")
        print(f"  time of recorded over that of serial       {ratio:.2f}", flush=True)


def checkout(programs: Programs, exchanges: int, repeats: int):
    with Dependencies() as dependencies:
        command = [programs.checkout, *dependencies.service_flags()]
        archive, recording = programs.record("checkout", *command)
        with ServerProcess(recording, ready=r"listening on (\d+)") as service:
            notes = http_clients.drive("127.0.0.1", int(service.ready[1]),
                                       [orders.customer(1, client, exchanges // _CLIENTS) for client in range(_CLIENTS)])
    programs.compare_schedules("examples/checkout", archive, command, sum(map(len, notes)), repeats)


def pool(programs: Programs, exchanges: int, repeats: int):
    with RedisServer() as redis:
        command = [programs.ledger, "--port", "0", "--redis-port", str(redis.port), "--threading", "pool"]
        archive, recording = programs.record("pool", *command)
        with ServerProcess(recording, ready=r"listening on (\d+)") as service:
            notes = http_clients.drive("127.0.0.1", int(service.ready[1]),
                                       [accounts.clerk(1, client, exchanges // _CLIENTS) for client in range(_CLIENTS)])
    programs.compare_schedules("examples/ledger, a pool of threads", archive, command, sum(map(len, notes)), repeats)


def silence(programs: Programs, repeats: int):
    """Two requests whose upstream never answers, one after the other."""
    with socket.create_server(("127.0.0.1", 0)) as upstream:
        port = _free_port()
        command = [sys.executable, programs.silent, str(port), str(upstream.getsockname()[1])]
        archive, recording = programs.record("silence", *command)
        began = time.monotonic()
        with subprocess.Popen(recording, stderr=subprocess.DEVNULL) as service:
            _wait_for(port)
            for number in range(2):
                client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                client.request("GET", f"/{number}")
                client.getresponse().read()
                client.close()
            service.terminate()
        recorded = time.monotonic() - began
    skipped = statistics.median(programs.replay(archive, command) for _ in range(repeats))
    real = programs.replay(archive, command, "--real-time")
    print(f"\na service with two time-outs of 5 s, {repeats} replays")
    print(f"  time of the recording over the replay's    {recorded / skipped:.1f}")
    print(f"  the same with --real-time                  {recorded / real:.1f}", flush=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def _wait_for(port: int):
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.01)
    raise SystemExit(f"nobody listens on port {port}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for program in ("reprise", "checkout", "ledger", "silent"):
        parser.add_argument(f"--{program}", required=True)
    parser.add_argument("--exchanges", type=int, default=1600)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as where:
        programs = Programs(options, pathlib.Path(where))
        checkout(programs, options.exchanges, options.repeats)
        pool(programs, options.exchanges, options.repeats)
        silence(programs, options.repeats)


if __name__ == "__main__":
    main()
