"""What a load that replays a recording reaches beside wrk, and how near timed inputs come to their time.

    bazel run --config=opt //tests/bench:live -- [--rounds N] [--seconds S] [--connections C]

nginx with one worker answers 200 bytes on kept connections. In each round, in shuffled order and with a fresh
nginx each: `replay --schedule load` with the agent in nginx, the same `--without-agent`, and wrk on nginx alone,
each with as many connections and one thread for them. Ratios are those of a round. CPU is that of service and
client side together, keeping the archive included, but not what its first reader works out of it, for each response:
on a machine that does other things as well it is the figure to compare. Every response has to be there.

Then the same recording replayed by `timed`: percentiles of how far inputs were from when they were due; and by
`serial`, in exchanges a second.
"""

import argparse
import http.client
import json
import os
import pathlib
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass

from examples.server_process import free_port
from tests.bench import clients, processes
from tests.bench.nginx_server import NginxServer

_PATIENCE_S = 600


def _differs_in_date_only(ledger: dict) -> bool:
    """In real time a request may come to nginx's next second, or to the one before."""
    divergences = ledger.get("divergences", [])
    return bool(divergences) and all(one.get("expected", "").startswith("Date: ") and
                                     one.get("actual", "").startswith("Date: ") for one in divergences)


class Nginx:
    """nginx with a configuration of its own, and a recording of it."""

    def __init__(self, reprise: str, where: pathlib.Path):
        self.reprise, self.where = reprise, where
        self.port = free_port()
        self.command = NginxServer().command(str(where), self.port)
        self.archive = str(where / "recorded.reprise")

    def _run(self, command: list[str]) -> subprocess.Popen:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        processes.wait_for(lambda: processes.accepts(self.port), "listening")
        return process

    def _quit(self, process: subprocess.Popen):
        subprocess.run(["kill", "-QUIT", (self.where / "nginx.pid").read_text().strip()], check=True)
        process.wait(_PATIENCE_S)

    def record(self, connections: int, requests: int):
        """So many clients at once, each a request a millisecond."""
        recording = self._run([self.reprise, "record", "--overwrite", "-o", self.archive, "--", *self.command])
        def client():
            connection = http.client.HTTPConnection("127.0.0.1", self.port)
            for number in range(requests):
                connection.request("GET", f"/{number}")
                connection.getresponse().read()
                time.sleep(0.001)
            connection.close()
        threads = [threading.Thread(target=client) for _ in range(connections)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        self._quit(recording)

    def replay(self, *schedule: str) -> dict:
        output = [] if "--without-agent" in schedule else ["--overwrite", "-o", str(self.where / "again.reprise")]
        done = subprocess.run([self.reprise, "replay", "--json", *output, "--schedule", *schedule, self.archive, "--",
                               *self.command],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_PATIENCE_S, check=False)
        ledger = json.loads(done.stdout) if done.stdout else {}
        if done.returncode != 0 and not _differs_in_date_only(ledger):
            raise SystemExit(f"a replay by {schedule} ended with {done.returncode}: {ledger.get('divergences')}")
        return ledger

    def wrk(self, connections: int, seconds: int) -> tuple[float, int]:
        """Requests a second that wrk reaches, and how many they were."""
        service = self._run(self.command)
        answers = clients.wrk(f"http://127.0.0.1:{self.port}/1", seconds, connections)
        self._quit(service)
        return answers.per_second, answers.count


@dataclass
class Reached:
    """By one run. CPU is in microseconds for each response."""

    per_second: float
    cpu: float


def _cpu_seconds() -> float:
    """Of all children that have ended, and theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run_once(nginx: Nginx, what: str, options: argparse.Namespace) -> Reached:
    before = _cpu_seconds()
    if what == "wrk":
        per_second, responses = nginx.wrk(options.connections, options.seconds)
    else:
        plain = ["--without-agent"] if what == "plain" else []
        measured = nginx.replay("load", "--concurrency", str(options.connections),
                                "--duration", f"{options.seconds}s", *plain)["performance"]
        per_second, responses = measured["per_second"], measured["responses"]
    return Reached(per_second, (_cpu_seconds() - before) / responses * 1e6)


def compare_loads(nginx: Nginx, options: argparse.Namespace):
    rounds = []
    for number in range(options.rounds):
        order = ["load", "plain", "wrk"]
        random.shuffle(order)
        reached = {what: run_once(nginx, what, options) for what in order}
        rounds.append(reached)
        print(f"round {number + 1}: " + ", ".join(f"{what} {reached[what].per_second:.0f} a second with"
                                                  f" {reached[what].cpu:.1f} us" for what in ("load", "plain", "wrk")),
              flush=True)

    def row(name: str, of):
        values = sorted(map(of, rounds))
        low, _, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
        print(f"  {name:<44}{statistics.median(values):10.2f}   ({low:.2f}, {high:.2f})")
    print(f"\nnginx, {options.connections} connections, {options.rounds} rounds              median   (quartiles)")
    row("load with the agent, responses a second", lambda one: one["load"].per_second)
    row("load --without-agent", lambda one: one["plain"].per_second)
    row("wrk", lambda one: one["wrk"].per_second)
    row("load with the agent over wrk", lambda one: one["load"].per_second / one["wrk"].per_second)
    row("load --without-agent over wrk", lambda one: one["plain"].per_second / one["wrk"].per_second)
    row("CPU a response, with the agent over wrk", lambda one: one["load"].cpu / one["wrk"].cpu)
    row("CPU a response, --without-agent over wrk", lambda one: one["plain"].cpu / one["wrk"].cpu)
    sys.stdout.flush()


def time_inputs(nginx: Nginx):
    for speed in ("1", "2"):
        offsets = nginx.replay("timed", "--speed", speed)["performance"]
        told = ", ".join(f"{name} {offsets['offset_us'][name] / 1000:.3f}" for name in ("p50", "p99", "max"))
        print(f"\ntimed at speed {speed}, {offsets['inputs']} inputs, ms from when they were due: {told};"
              f" held back {offsets['held_back']['inputs']}; {offsets['as_recorded']} of {offsets['responses']}"
              " responses as recorded", flush=True)


def replay_serially(nginx: Nginx):
    began = time.monotonic()
    ledger = nginx.replay("serial")
    took = time.monotonic() - began
    print(f"\nserial, start and end included: {ledger['replayed'] / took:.0f} exchanges a second")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--reprise", required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=32)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as where:
        nginx = Nginx(os.path.abspath(options.reprise), pathlib.Path(where))
        nginx.record(options.connections, 200)
        compare_loads(nginx, options)
        time_inputs(nginx)
        replay_serially(nginx)


if __name__ == "__main__":
    main()
