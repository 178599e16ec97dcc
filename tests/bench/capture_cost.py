"""What capture costs: nginx answering 200 bytes, recorded and not, in pairs.

    bazel run -c opt //tests/bench:capture_cost -- [--pairs N] [--seconds S]

Server and client share one core and the recorder has the other, so the throughput shows what capture
costs the service, and CPU per answer shows what it costs the machine. The order of each pair is shuffled,
every run has a fresh server, and ratios are printed with their quartiles: single figures of a shared
machine say little.
"""

import argparse
import json
import os
import pathlib
import random
import re
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
  server {{
    listen 127.0.0.1:{port};
    location / {{ return 200 "{body}"; }}
  }}
}}
"""


@dataclass
class Run:
    """One measured run."""

    requests_per_second: float
    answered: int
    service_cpu_s: float
    recorder_cpu_s: float
    p99_us: float
    recorded: int

    @property
    def cpu_us_per_answer(self) -> float:
        return (self.service_cpu_s + self.recorder_cpu_s) / self.answered * 1e6


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


def nginx_processes(root_pid: int) -> list[int]:
    """Master and worker below `root_pid`, itself included when it is nginx."""
    found = []
    for pid in [root_pid, *descendants(root_pid)]:
        if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == "nginx":
            found.append(pid)
    return found


def measure(reprise: str | None, seconds: int, connections: int) -> Run:
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as root:
        port = free_port()
        conf = pathlib.Path(root, "nginx.conf")
        conf.write_text(_NGINX_CONF.format(root=root, port=port, body="x" * 200))
        command = ["nginx", "-p", root, "-c", str(conf)]
        archive = os.path.join(root, "bench.reprise")
        if reprise:
            command = [reprise, "record", "-o", archive, "--"] + command
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: accepts(port), "nginx listening")
            nginx = wait_for(lambda: (lambda p: p if len(p) == 2 else None)(
                nginx_processes(process.pid)), "master and worker")
            for pid in nginx:
                os.sched_setaffinity(pid, {0})
            if reprise:
                os.sched_setaffinity(process.pid, {1})
            before = sum(map(cpu_seconds, nginx))
            recorder_before = cpu_seconds(process.pid) if reprise else 0.0
            wrk = subprocess.run(
                ["taskset", "-c", "0", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency",
                 f"http://127.0.0.1:{port}/"], capture_output=True, text=True, check=True).stdout
            service = sum(map(cpu_seconds, nginx)) - before
            master = nginx[0]
            os.kill(master, 15)
            # What the recorder still does to finish the archive is part of the bill.
            recorder = _finish(process, recorder_before) if reprise else 0.0
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(_PATIENCE_S)
        answered = int(re.search(r"(\d+) requests in", wrk).group(1))
        recorded = 0
        if reprise:
            stats = subprocess.run([reprise, "stats", "--json", archive], capture_output=True,
                                   text=True, check=True).stdout
            recorded = json.loads(stats)["exchanges"]
        return Run(requests_per_second=float(re.search(r"Requests/sec:\s+([\d.]+)", wrk).group(1)),
                   answered=answered, service_cpu_s=service, recorder_cpu_s=recorder,
                   p99_us=latency_us(re.search(r"99%\s+(\S+)", wrk).group(1)), recorded=recorded)


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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--reprise", required=True, help="the reprise program")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=4, help="load in each run")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1, help="of the shuffled order")
    options = parser.parse_args()
    options.reprise = os.path.abspath(options.reprise)

    order = random.Random(options.seed)
    with_capture, without = [], []
    for pair in range(options.pairs):
        runs = {}
        for recorded in order.sample([True, False], 2):
            runs[recorded] = measure(options.reprise if recorded else None, options.seconds,
                                     options.connections)
        with_capture.append(runs[True])
        without.append(runs[False])
        print(f"pair {pair + 1}: {runs[True].requests_per_second:.0f} / "
              f"{runs[False].requests_per_second:.0f} requests/s, "
              f"{runs[True].cpu_us_per_answer:.2f} / {runs[False].cpu_us_per_answer:.2f} us CPU",
              flush=True)

    pairs = list(zip(with_capture, without))
    print("\nnginx, 200 B, capture over without         median  [quartiles]")
    print("  throughput                               ",
          summary([a.requests_per_second / b.requests_per_second for a, b in pairs]))
    print("  CPU of service and recorder per answer   ",
          summary([a.cpu_us_per_answer / b.cpu_us_per_answer for a, b in pairs]))
    print("  CPU of the service alone per answer      ",
          summary([a.service_cpu_s / a.answered / (b.service_cpu_s / b.answered)
                   for a, b in pairs]))
    print("  p99 latency                              ",
          summary([a.p99_us / b.p99_us for a, b in pairs]))
    print("  exchanges recorded over answered         ",
          summary([run.recorded / run.answered for run in with_capture]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
