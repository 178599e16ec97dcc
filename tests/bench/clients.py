"""Programs that put a load on a server, and what they say of it."""

import csv
import re
import subprocess
from dataclasses import dataclass
from typing import Optional


class NotAnswered(Exception):
    """A load that was none: it was refused, or nobody answered. Has what the client said."""


@dataclass(frozen=True)
class Answers:
    """What a client says of its load."""

    count: int
    per_second: float
    p99_us: float


def wrk(url: str, seconds: int, connections: int, core: Optional[int] = None, script: str = "") -> Answers:
    """Asks over kept connections, from one thread; with `script`, a file in Lua, what that says.

    Raises NotAnswered when not all was answered well.
    """
    options = ["-s", script] if script else []
    return read_wrk(_run(core, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *options, url))


def redis_benchmark(port: int, count: int, connections: int, core: int) -> Answers:
    """Gets small values, 16 at a time."""
    return read_redis_benchmark(count, _run(core, "redis-benchmark", "-p", str(port), "-t", "get", "-P", "16",
                                            "-c", str(connections), "-n", str(count), "--csv"))


def _run(core: Optional[int], *client: str) -> str:
    """What it printed; on that core, if one is given."""
    pinned = [] if core is None else ["taskset", "-c", str(core)]
    return subprocess.run([*pinned, *client], stdout=subprocess.PIPE, text=True, check=True).stdout


def read_wrk(said: str) -> Answers:
    count = int(re.search(r"(\d+) requests in", said).group(1))
    if count == 0 or "Non-2xx" in said or "Socket errors" in said:
        raise NotAnswered(said)
    return Answers(count,
                   float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1)),
                   _latency_us(re.search(r"^ +99% +(\S+)", said, re.MULTILINE).group(1)))


def _latency_us(text: str) -> float:
    """wrk's "1.23ms" in microseconds."""
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 1, "ms": 1e3, "s": 1e6, "m": 60e6}[unit]


def read_redis_benchmark(count: int, said: str) -> Answers:
    _, rate, *_, p99_ms, _ = next(csv.reader([said.splitlines()[-1]]))
    return Answers(count, float(rate), float(p99_ms) * 1e3)
