"""An order gets the number of another one, and its items.

Production's Redis keeps the orders of years, most of the 65,536 there can be; the control's is new, and its
numbers are as random.
"""

import contextlib
import unittest

from examples.redis_server import RedisServer
from tests.zoo import zoo

_YEARS = ("EVAL \"for n = 0, 65535 do if n % 3 > 0 then redis.call('RPUSH', 'order:' .. n, 'lamp') end end\" 0")


class CollidingId(zoo.ZooCase):

    @contextlib.contextmanager
    def dependencies(self, healthy):
        with RedisServer() as redis:
            if not healthy:
                redis.run(_YEARS)
            yield [str(redis.port)]

    def traffic(self, port):
        answers = []
        with zoo.Client(port, answers) as client:
            while not any(self.wrong(answer) for answer in answers):
                client.ask("POST", "/tea")
        return answers

    def wrong(self, answer):
        return answer.status == 201 and answer.json["items"] != 1

    def intended(self):
        failing = self.failing()
        return {failing.number: {
            "response.status": ("201", "503"),
            "response.header.Content-Length": (str(len(failing.body)), "21"),
            "response.body.$.error": (None, "try again"),
            "response.body.$.items": (2, None),
            "response.body.$.order": (failing.json["order"], None),
        }}


if __name__ == "__main__":
    unittest.main()
