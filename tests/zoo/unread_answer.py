"""A user's name is a number: a connection to Redis came out of the pool with somebody's count of visits unread.

The trigger is a dependency's answer: production's Redis had evicted a user, whom the control's still has. The
bug is about that exchange too, in which the connection went back into the pool.
"""

import contextlib
import unittest

from examples.redis_server import RedisServer
from tests.zoo import zoo


class UnreadAnswer(zoo.ZooCase):

    alone = False

    @contextlib.contextmanager
    def dependencies(self, healthy):
        with RedisServer() as redis:
            redis.run("SET name:ann Ann", "SET visits:ann 4", "SET name:bob Bob", "SET visits:bob 6")
            if not healthy:
                redis.run("DEL name:ann")
            yield [str(redis.port)]

    def traffic(self, port):
        answers = []
        for user in ("bob", "ann", "bob"):
            with zoo.Client(port, answers) as client:
                client.ask("GET", f"/{user}")
        return answers

    def wrong(self, answer):
        return answer.status == 200 and not answer.json["name"].isalpha()

    def intended(self):
        return {self.failing().number: {
            "response.header.Content-Length": ("23", "25"),
            "response.body.$.name": ("5", "Bob"),
            "response.body.$.visits": (0, 8),
        }}


if __name__ == "__main__":
    unittest.main()
