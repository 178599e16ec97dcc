"""An invoice has a negative number: it was the 2,147,483,648th.

The trigger is a dependency's answer: production's Redis has counted for years, the control's begins.
"""

import contextlib
import unittest

from examples.redis_server import RedisServer
from tests.zoo import zoo


class Counter231(zoo.ZooCase):

    @contextlib.contextmanager
    def dependencies(self, healthy):
        with RedisServer() as redis:
            redis.run(f"SET invoices {0 if healthy else 2**31 - 2}")
            yield [str(redis.port)]

    def traffic(self, port):
        answers = []
        with zoo.Client(port, answers) as client:
            for customer in (b"ann", b"bob"):
                client.ask("POST", "/invoices", customer)
        return answers

    def wrong(self, answer):
        return answer.json["number"] < 0

    def intended(self):
        failing = self.failing()
        return {failing.number: {
            "response.header.Content-Length": (str(len(failing.body)), str(len(failing.body) - len("-"))),
            "response.body.$.number": (-2**31, 2**31),
        }}


if __name__ == "__main__":
    unittest.main()
