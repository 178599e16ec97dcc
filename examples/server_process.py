"""Starts a server, waits until it says that it is ready, and stops it again."""

import os
import re
import signal
import socket
import subprocess
import threading
from typing import Mapping, Optional, Sequence

# A server that is neither ready nor gone after this many seconds is taken for stuck.
_PATIENCE_S = 60


class NotReady(Exception):
    """The server ended, or was ended, before it was ready."""


def free_port() -> int:
    """A port of 127.0.0.1 that is free now, for servers that take no port 0."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class ServerProcess:
    """A process that prints a line on its stdout when it is ready; stdout is read until its end.

    Attributes:
        ready: the match of the line it was ready with.
        lines: what it printed so far, without line ends; all of it after stop().
        pid: of the process.
    """

    def __init__(self, argv: Sequence[str], ready: str, env: Optional[Mapping[str, str]] = None,
                 cwd: Optional[os.PathLike] = None):
        """Starts `argv` and returns when a line matches the regular expression `ready`.

        Raises:
            NotReady: with what it printed instead.
            OSError: it could not be started.
        """
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace",
            env=env, cwd=cwd)
        self.pid = self._process.pid
        watchdog = threading.Timer(_PATIENCE_S, self._process.kill)
        watchdog.start()
        try:
            match = self._read_until(ready)
        except BaseException:  # KeyboardInterrupt: nobody has the object to stop it with.
            self.stop()
            raise
        finally:
            watchdog.cancel()
        if match is None:
            status = self.stop()
            raise NotReady(f"{argv[0]} ended with status {status}; it printed {self.lines}")
        self.ready = match
        self._reader = threading.Thread(target=self._read_until, args=(None,), daemon=True)
        self._reader.start()

    def _read_until(self, pattern: Optional[str]) -> Optional[re.Match]:
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))
            match = re.search(pattern, line) if pattern is not None else None
            if match is not None:
                return match
        return None

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Sends a signal unless the process has ended; returns its exit status, -N for signal N."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            status = self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        if hasattr(self, "_reader"):
            self._reader.join()
        self._process.stdout.close()
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
