"""Processes of a run: which there are, on which core, and what processor time they took."""

import contextlib
import os
import pathlib
import socket
import subprocess
import time

PATIENCE_S = 30
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of one process."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS


def cpu_seconds_at_end(process: subprocess.Popen) -> float:
    """The same when it has ended; not those of its children."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        # WNOWAIT leaves the process readable in /proc as a zombie, with its final times.
        if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return cpu_seconds(process.pid)
        time.sleep(0.01)
    raise TimeoutError(f"{process.args[0]} did not end")


def named(root_pid: int, name: str) -> list[int]:
    """Those called `name` at and below `root_pid`, parents first."""
    return [pid for pid in [root_pid, *_descendants(root_pid)]
            if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == name]


def _descendants(pid: int) -> list[int]:
    found = []
    for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += [int(child), *_descendants(int(child))]
    return found


def pin(pid: int, core: int):
    """Puts all threads of a process on one core."""
    os.sched_setaffinity(pid, {core})  # First: threads that it makes from now on are there.
    for thread in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread), {core})


@contextlib.contextmanager
def starting_on(core: int):
    """What is started within is on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def wait_for(condition, what: str):
    """What `condition` returns once that is true."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise TimeoutError(f"{what} did not happen in {PATIENCE_S} s")


def accepts(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
