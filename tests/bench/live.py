"""What a load that replays a recording reaches beside wrk, and how near timed inputs come to their time.

    bazel run --config=opt //tests/bench:live -- [--pairs N] [--seconds S] [--connections C]

Three tables:
  - nginx with one worker answering 200 bytes on kept connections: `replay --schedule load` with the agent in
    nginx, in turn with wrk on the same nginx without anything, each with as many connections. The ratio is
    that of pairs that ran one after the other, the order of each shuffled. Every response has to be there;
  - the same recording replayed by `timed`: percentiles of how far inputs were from when they were due;
  - the same by `serial`, in exchanges a second.
A machine that does other things as well shows in all of them.
"""

import argparse
import http.client
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
import threading
import time

_PATIENCE_S = 600
_NGINX_CONF = """
daemon off;
worker_processes 1;
pid {root}/nginx.pid;
error_log {root}/error.log;
events {{ worker_connections 4096; }}
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


class Nginx:
    """nginx with a configuration of its own, and a recording of it."""

    def __init__(self, reprise: str, where: pathlib.Path):
        self.reprise, self.where = reprise, where
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        conf = where / "nginx.conf"
        conf.write_text(_NGINX_CONF.format(root=where, port=self.port, body="x" * 200))
        self.command = ["nginx", "-p", str(where), "-c", str(conf)]
        self.archive = str(where / "recorded.reprise")

    def _run(self, command: list[str]) -> subprocess.Popen:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        limit = time.monotonic() + 60
        while time.monotonic() < limit:
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", self.port)) == 0:
                    return process
            time.sleep(0.01)
        raise SystemExit("nginx does not listen")

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
        clients = [threading.Thread(target=client) for _ in range(connections)]
        for one in clients:
            one.start()
        for one in clients:
            one.join()
        self._quit(recording)

    def replay(self, *schedule: str) -> dict:
        done = subprocess.run([self.reprise, "replay", "--json", "--overwrite", "-o", str(self.where / "again.reprise"),
                               "--schedule", *schedule, self.archive, "--", *self.command],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_PATIENCE_S, check=False)
        if done.returncode != 0:
            raise SystemExit(f"a replay by {schedule} ended with {done.returncode}: {done.stdout[-2000:].decode()}")
        return json.loads(done.stdout)

    def wrk(self, connections: int, seconds: int) -> float:
        """Requests a second that wrk reaches, with one thread as the replay's clients have."""
        service = self._run(self.command)
        done = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}", f"http://127.0.0.1:{self.port}/1"],
                              stdout=subprocess.PIPE, text=True, check=True)
        self._quit(service)
        if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
            raise SystemExit(done.stdout)
        return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])


def compare_loads(nginx: Nginx, options: argparse.Namespace):
    def load() -> tuple[float, dict]:
        measured = nginx.replay("load", "--concurrency", str(options.connections),
                                "--duration", f"{options.seconds}s")["performance"]
        return measured["per_second"], measured
    loads, plains, last = [], [], {}
    for pair in range(options.pairs):
        turns = ["load", "wrk"]
        random.shuffle(turns)
        for turn in turns:
            if turn == "wrk":
                plains.append(nginx.wrk(options.connections, options.seconds))
            else:
                reached, last = load()
                loads.append(reached)
        print(f"pair {pair + 1}: load {loads[-1]:.0f}, wrk {plains[-1]:.0f} a second", flush=True)
    ratios = sorted(load / plain for load, plain in zip(loads, plains))
    quartiles = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    print(f"\nnginx, {options.connections} connections, {options.pairs} pairs          median")
    print(f"  load with the agent, responses a second    {statistics.median(loads):.0f}")
    print(f"  wrk on nginx alone                         {statistics.median(plains):.0f}")
    print(f"  load over wrk                              {statistics.median(ratios):.2f}"
          f"   (quartiles {quartiles[0]:.2f}, {quartiles[2]:.2f})")
    print(f"  latency of the last load, us               p50 {last['latency_us']['p50']:.0f}, "
          f"p99 {last['latency_us']['p99']:.0f}", flush=True)


def time_inputs(nginx: Nginx):
    for speed in ("1", "2"):
        offsets = nginx.replay("timed", "--speed", speed)["performance"]
        told = ", ".join(f"{name} {offsets['offset_us'][name] / 1000:.3f}" for name in ("p50", "p99", "max"))
        print(f"\ntimed at speed {speed}, {offsets['inputs']} inputs, ms from when they were due: {told};"
              f" held back {offsets['held_back']['inputs']}", flush=True)


def replay_serially(nginx: Nginx):
    began = time.monotonic()
    ledger = nginx.replay("serial")
    took = time.monotonic() - began
    print(f"\nserial, start and end included               {ledger['replayed'] / took:.0f} exchanges a second")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--reprise", required=True)
    parser.add_argument("--pairs", type=int, default=7)
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
