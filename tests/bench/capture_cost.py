"""What capture costs: real servers under load, recorded and not, in pairs.

    bazel run --config=opt //tests/bench:capture_cost -- [--pairs N] [--seconds S] [--only LOAD]

Server and client share one core and the recorder has the other, so the throughput shows what capture
costs the service, and CPU per answer shows what it costs the machine. The order of each pair is shuffled,
every run has a fresh server, and ratios are printed with their quartiles: single figures of a shared
machine say little.
"""

import argparse
import csv
import json
import os
import pathlib
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
_PATIENCE_S = 30

_NGINX_CONF = """
daemon off;
worker_processes 1;
pid {root}/nginx.pid;
error_log {root}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 1000000;
  client_body_temp_path {root}/body;
  proxy_temp_path {root}/proxy;
  fastcgi_temp_path {root}/fastcgi;
  uwsgi_temp_path {root}/uwsgi;
  scgi_temp_path {root}/scgi;
  server {{ listen 127.0.0.1:{port} {listen}; root {root}; {server} }}
}}
"""
_SMALL = 'location / {{ return 200 "{body}"; }}'.format(body="x" * 200)
_FILE = "page"
_FILE_BYTES = 16 * 1024


@dataclass(frozen=True)
class Answers:
    """What a client says of its load."""

    count: int
    per_second: float
    p99_us: float


class Nginx:
    """One worker, asked by wrk.

    Args:
        server: the inside of its server block; with `tls` it speaks that.
    """

    processes = ("nginx", 2)  # name, and how many: a master and a worker

    def __init__(self, server: str, target: str = "/", tls: bool = False):
        self._server = server
        self._target = target
        self._tls = tls

    def command(self, root: str, port: int) -> list[str]:
        server = self._server
        if self._tls:
            _make_certificate(root)
            server += f" ssl_certificate {root}/own.pem; ssl_certificate_key {root}/own.key;"
        pathlib.Path(root, _FILE).write_bytes(bytes(ord("a") + i % 26 for i in range(_FILE_BYTES)))
        conf = pathlib.Path(root, "nginx.conf")
        conf.write_text(_NGINX_CONF.format(root=root, port=port, server=server,
                                           listen="ssl" if self._tls else ""))
        return ["nginx", "-p", root, "-c", str(conf)]

    def load(self, port: int, seconds: int, connections: int) -> Answers:
        url = f"{'https' if self._tls else 'http'}://127.0.0.1:{port}{self._target}"
        said = _pinned("wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", url)
        if "Non-2xx" in said or "Socket errors" in said:
            raise SystemExit(said)
        return Answers(int(re.search(r"(\d+) requests in", said).group(1)),
                       float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1)),
                       latency_us(re.search(r"99%\s+(\S+)", said).group(1)))


class Redis:
    """redis-server, asked by redis-benchmark for small values, 16 at a time."""

    processes = ("redis-server", 1)
    _PER_SECOND = 200_000  # about what it answers: redis-benchmark counts requests and not time

    def command(self, root: str, port: int) -> list[str]:
        return ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", root, "--save", "",
                "--appendonly", "no"]

    def load(self, port: int, seconds: int, connections: int) -> Answers:
        count = self._PER_SECOND * seconds
        said = _pinned("redis-benchmark", "-p", str(port), "-t", "get", "-P", "16", "-c", str(connections),
                       "-n", str(count), "--csv")
        _, rate, *_, p99, _ = next(csv.reader([said.splitlines()[-1]]))
        return Answers(count, float(rate), float(p99) * 1e3)


# Name -> load. What is aimed at, throughput and CPU over those without capture, is beside it.
_LOADS = {
    "nginx, 200 B": Nginx(_SMALL),                                                    # 0.97, 1.05
    "nginx, 16 KiB by sendfile": Nginx("sendfile on;", f"/{_FILE}"),                  # 0.97, 1.08
    "nginx, 16 KiB copied": Nginx("sendfile off;", f"/{_FILE}"),                      # 0.90, 1.30
    "nginx, 200 B over TLS": Nginx(_SMALL, tls=True),                                 # 0.97, 1.05
    "redis-server, pipeline of 16": Redis(),                                          # 0.97, 1.10
}


def _pinned(*client: str) -> str:
    """Runs a client on the server's core; what it printed."""
    return subprocess.run(["taskset", "-c", "0", *client], capture_output=True, text=True,
                          check=True).stdout


def _make_certificate(root: str):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{root}/own.key",
                    "-out", f"{root}/own.pem", "-days", "1", "-subj", "/CN=bench"], check=True,
                   capture_output=True)


@dataclass
class Run:
    """One measured run."""

    answers: Answers
    service_cpu_s: float
    recorder_cpu_s: float
    recorded: int

    @property
    def cpu_us_per_answer(self) -> float:
        return (self.service_cpu_s + self.recorder_cpu_s) / self.answers.count * 1e6

    @property
    def service_us_per_answer(self) -> float:
        return self.service_cpu_s / self.answers.count * 1e6


def cpu_seconds(pid: int) -> float:
    """User and system time of one process."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS


def children(pid: int) -> list[int]:
    return [int(child) for child in
            pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def descendants(pid: int) -> list[int]:
    found = []
    for child in children(pid):
        found += [child, *descendants(child)]
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, what: str):
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise TimeoutError(f"{what} did not happen in {_PATIENCE_S} s")


def accepts(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def latency_us(text: str) -> float:
    """wrk's "1.23ms" in microseconds."""
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]


def service_processes(root_pid: int, name: str) -> list[int]:
    """Those called `name` at and below `root_pid`."""
    return [pid for pid in [root_pid, *descendants(root_pid)]
            if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == name]


def measure(load: Nginx | Redis, reprise: str | None, seconds: int, connections: int) -> Run:
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as root:
        os.chmod(root, 0o755)  # started by root, nginx's worker is another user
        port = free_port()
        command = load.command(root, port)
        archive = os.path.join(root, "bench.reprise")
        if reprise:
            command = [reprise, "record", "-o", archive, "--"] + command
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: accepts(port), "listening")
            name, count = load.processes
            service = wait_for(lambda: (lambda p: p if len(p) == count else None)(
                service_processes(process.pid, name)), f"{count} processes of {name}")
            for pid in service:
                os.sched_setaffinity(pid, {0})
            if reprise:
                os.sched_setaffinity(process.pid, {1})
            before = sum(map(cpu_seconds, service))
            recorder_before = cpu_seconds(process.pid) if reprise else 0.0
            answers = load.load(port, seconds, connections)
            service_cpu = sum(map(cpu_seconds, service)) - before
            os.kill(service[0], signal.SIGTERM)
            # What the recorder still does to finish the archive is part of the bill.
            recorder = _finish(process, recorder_before) if reprise else 0.0
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(_PATIENCE_S)
        recorded = 0
        if reprise:
            stats = subprocess.run([reprise, "stats", "--json", archive], capture_output=True,
                                   text=True, check=True).stdout
            recorded = json.loads(stats)["exchanges"]
        return Run(answers, service_cpu, recorder, recorded)


def _finish(process: subprocess.Popen, before: float) -> float:
    """CPU seconds of the recorder until its end; the service's are not in them."""
    pid = process.pid
    last = cpu_seconds(pid)
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        # WNOWAIT leaves the process readable in /proc as a zombie, with its final times.
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        last = cpu_seconds(pid)
        if ended is not None:
            return last - before
        time.sleep(0.01)
    raise TimeoutError("the recorder did not end")


def summary(values: list[float]) -> str:
    quartiles = statistics.quantiles(values, n=4) if len(values) > 1 else [values[0]] * 3
    return f"{quartiles[1]:.3f}  [{quartiles[0]:.3f} … {quartiles[2]:.3f}]"


def compare(load: Nginx | Redis, options: argparse.Namespace, order: random.Random) -> list[tuple[Run, Run]]:
    """Pairs of runs, recorded and not."""
    pairs = []
    for pair in range(options.pairs):
        runs = {}
        for recorded in order.sample([True, False], 2):
            runs[recorded] = measure(load, options.reprise if recorded else None, options.seconds,
                                     options.connections)
        pairs.append((runs[True], runs[False]))
        print(f"  pair {pair + 1}: {runs[True].answers.per_second:.0f} / "
              f"{runs[False].answers.per_second:.0f} answers/s, "
              f"{runs[True].cpu_us_per_answer:.2f} / {runs[False].cpu_us_per_answer:.2f} us CPU, "
              f"of the service {runs[True].service_us_per_answer:.2f} / {runs[False].service_us_per_answer:.2f}",
              flush=True)
    return pairs


def tell(pairs: list[tuple[Run, Run]]):
    print("  recorded over not                          median  [quartiles]")
    print("  throughput                               ",
          summary([a.answers.per_second / b.answers.per_second for a, b in pairs]))
    print("  CPU of service and recorder per answer   ",
          summary([a.cpu_us_per_answer / b.cpu_us_per_answer for a, b in pairs]))
    print("  CPU of the service alone per answer      ",
          summary([a.service_us_per_answer / b.service_us_per_answer for a, b in pairs]))
    print("  CPU of the recorder, us per answer       ",
          summary([a.recorder_cpu_s / a.answers.count * 1e6 for a, _ in pairs]))
    print("  p99 latency                              ",
          summary([a.answers.p99_us / b.answers.p99_us for a, b in pairs]))
    print("  exchanges recorded over answered         ",
          summary([run.recorded / run.answers.count for run, _ in pairs]), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--reprise", required=True, help="the reprise program")
    parser.add_argument("--only", choices=_LOADS, action="append", help="this load; may be repeated")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=4, help="load in each run")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1, help="of the shuffled order")
    options = parser.parse_args()
    options.reprise = os.path.abspath(options.reprise)

    order = random.Random(options.seed)
    for name in options.only or _LOADS:
        print(f"\n{name}", flush=True)
        tell(compare(_LOADS[name], options, order))
    return 0


if __name__ == "__main__":
    sys.exit(main())
