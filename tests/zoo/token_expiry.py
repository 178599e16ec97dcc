"""A profile may be kept for 136 years, because its token expired while the directory was asked. The service and its
users are those of examples/profiles.

Production's directory takes longer for one of the profiles than the token is good.
"""

import contextlib
import os
import unittest
from unittest import mock

from examples import http_clients
from examples.profiles import traffic
from examples.profiles.dependencies import Dependencies
from tests.zoo import zoo


class TokenExpiry(zoo.ZooCase):

    @contextlib.contextmanager
    def dependencies(self, healthy):
        with Dependencies(slow="") if healthy else Dependencies() as directory, \
                mock.patch.dict(os.environ, directory.environment):
            yield []

    def traffic(self, port):
        return zoo.received(http_clients.drive("127.0.0.1", port, traffic.scripts()))

    def wrong(self, answer):
        return answer.headers.get("cache-control") == f"max-age={2 ** 32 - 1}"

    def intended(self):
        return {self.failing().number: {
            "response.header.Cache-Control": (f"max-age={2 ** 32 - 1}", "max-age=0"),
        }}


if __name__ == "__main__":
    unittest.main()
