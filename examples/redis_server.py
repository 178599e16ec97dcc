"""A real redis-server on a free port of 127.0.0.1, or at the path of a Unix socket, which keeps nothing on
disk."""

import os
import subprocess

from examples.server_process import NotReady, ServerProcess, free_port

# redis-server takes no port 0, so a port found free may be taken when the server gets to it.
_ATTEMPTS = 5


class RedisServer:
    """A context manager; the server runs from construction to stop()."""

    def __init__(self, unix: str = ""):
        """`unix`: the path to listen at, and on no port. Raises NotReady or OSError when redis-server does not
        run here."""
        self._unix = unix
        for attempt in range(_ATTEMPTS):
            self.port = 0 if unix else free_port()
            where = ["--unixsocket", unix] if unix else ["--bind", "127.0.0.1"]
            try:
                self._process = ServerProcess(
                    ["redis-server", *where, "--port", str(self.port), "--save", "", "--appendonly", "no"],
                    ready="(?i)ready to accept connections", env={**os.environ, "LC_ALL": "C"})
                return
            except NotReady:
                if attempt == _ATTEMPTS - 1:
                    raise

    @property
    def address(self) -> str:
        """HOST:PORT, the host by name."""
        return f"localhost:{self.port}"

    def run(self, *commands: str) -> list[str]:
        """Runs commands in the notation of redis-cli; returns the lines of their replies.

        Raises:
            RuntimeError: Redis did not take a command.
        """
        where = ["-s", self._unix] if self._unix else ["-h", "127.0.0.1", "-p", str(self.port)]
        done = subprocess.run(["redis-cli", "-e", *where],
                              input="\n".join(commands), capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise RuntimeError(f"redis-cli: {done.stdout}{done.stderr}")
        return done.stdout.splitlines()

    def stop(self):
        self._process.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
