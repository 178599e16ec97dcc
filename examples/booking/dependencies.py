"""What the booking service depends on: the payments API, on a free port."""

import pathlib
import sys

from examples.server_process import ServerProcess

_PAYMENTS = pathlib.Path(__file__).absolute().parents[1] / "payments.py"
# A customer's bank thinks for so long.
_CHARGE_TAKES_MS = 200


class Dependencies:
    """A context manager; all of it runs from construction to stop().

    Attributes:
        environment: variables that point the service here.
    """

    def __init__(self, charge_takes_ms: int = _CHARGE_TAKES_MS):
        self._payments = ServerProcess(
            [sys.executable, str(_PAYMENTS), "--charge-takes-ms", str(charge_takes_ms)],
            ready=r"listening on (\d+)")
        self.environment = {"PAYMENTS_URL": f"http://localhost:{self._payments.ready[1]}"}

    def stop(self):
        self._payments.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
