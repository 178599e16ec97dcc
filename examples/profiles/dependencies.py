"""What the profiles service depends on: the directory of users, on a free port."""

import pathlib
import sys

from examples.server_process import ServerProcess

_DIRECTORY = pathlib.Path(__file__).absolute().parent / "directory.py"
TOKEN_LIFE_MS = 1500
_SLOW = "u-105"


class Dependencies:
    """A context manager; all of it runs from construction to stop().

    Attributes:
        environment: variables that point the service here.
    """

    def __init__(self, slow: str = _SLOW):
        """`slow`: a user who is looked up for as long as a token is good."""
        self._directory = ServerProcess(
            [sys.executable, str(_DIRECTORY), "--token-life-ms", str(TOKEN_LIFE_MS),
             "--slow", slow],
            ready=r"listening on (\d+)")
        self.environment = {"DIRECTORY_URL": f"http://localhost:{self._directory.ready[1]}"}

    def stop(self):
        self._directory.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
