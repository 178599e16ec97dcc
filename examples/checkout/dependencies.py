#!/usr/bin/env python3
"""What the checkout service depends on, real and on free ports: redis-server and the payments API.

As a module:

    with Dependencies() as dependencies:
        subprocess.run(["checkout", *dependencies.service_flags()])

As a command it prints one line, {"redis": …, "payments_url": …, "service_flags": […]}, and runs
until SIGINT or SIGTERM. With a command of your own after --, it runs that with the service's flags
at the end, and ends with it:

    dependencies.py -- bazel-bin/examples/checkout/checkout --port 8000
"""

import argparse
import contextlib
import json
import pathlib
import signal
import socket
import subprocess
import sys
import time

_HERE = pathlib.Path(__file__).absolute().parent
sys.path.insert(0, str(_HERE.parents[1]))  # As a command it is run by path.

from examples.redis_server import RedisServer
from examples.server_process import ServerProcess


def _payments_host() -> str:
    """A name for the payments API that libcurl has to look up: it knows "localhost" by heart."""
    name = socket.gethostname()
    try:
        if socket.gethostbyname(name).startswith("127."):
            return name
    except OSError:
        pass
    return "localhost"


class Dependencies:
    """A context manager; all of it runs from construction to stop(), stocked with shop.json.

    Attributes:
        redis: the RedisServer.
        payments: the ServerProcess of the payments API.
        payments_url: where that is.
    """

    def __init__(self, review_every: int = 40):
        """`review_every` is the flag of payments.py."""
        with contextlib.ExitStack() as stack:
            self.redis = stack.enter_context(RedisServer())
            host = _payments_host()
            self.payments = stack.enter_context(ServerProcess(
                [sys.executable, str(_HERE.parent / "payments.py"), "--host", host,
                 "--review-every", str(review_every)],
                ready=r"listening on (\d+)"))
            self.payments_url = f"http://{host}:{self.payments.ready[1]}"
            self._fill_stock()
            self._stack = stack.pop_all()

    def _fill_stock(self):
        shop = json.loads((_HERE / "shop.json").read_text(encoding="utf-8"))
        commands = []
        for product in shop["products"]:
            prices = " ".join(f"{currency} {cents}"
                              for currency, cents in product["prices"].items())
            commands.append(f"HSET sku:{product['sku']} {prices}")
            commands.append(f"SET stock:{product['sku']} {product['stock']}")
        for coupon in shop["coupons"]:
            expires = int(time.time()) + coupon["expires_in_s"]
            commands.append(
                f"HSET coupon:{coupon['code']} percent {coupon['percent']} expires {expires}")
        self.redis.run(*commands)

    def service_flags(self) -> list[str]:
        """The flags that point the service here."""
        return ["--redis", self.redis.address, "--payments-url", self.payments_url]

    def stop(self):
        self._stack.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class _Terminated(Exception):
    """SIGTERM came."""


def _terminate(*_):
    raise _Terminated


def _run(argv: list[str]) -> int:
    """Runs a command to its end and passes SIGTERM on; returns the status a shell would give."""
    with subprocess.Popen(argv) as process:
        while True:
            try:
                status = process.wait()
                return status if status >= 0 else 128 - status
            except _Terminated:
                process.terminate()
            except KeyboardInterrupt:
                pass  # The terminal has sent it SIGINT, too.


def main() -> int:
    parser = argparse.ArgumentParser(description="Runs what the checkout service depends on.")
    parser.add_argument("--review-every", type=int, default=40, metavar="N",
                        help="the payments API reviews every Nth charge; 0 for none")
    parser.add_argument("command", nargs="*", help="what to run instead of waiting for a signal")
    options = parser.parse_args()
    # Before anything is started, so that a signal never leaves a server behind.
    signal.signal(signal.SIGTERM, _terminate)
    try:
        with Dependencies(options.review_every) as dependencies:
            if options.command:
                return _run(options.command + dependencies.service_flags())
            print(json.dumps({"redis": dependencies.redis.address,
                              "payments_url": dependencies.payments_url,
                              "service_flags": dependencies.service_flags()}), flush=True)
            signal.pause()
    except (_Terminated, KeyboardInterrupt):
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
