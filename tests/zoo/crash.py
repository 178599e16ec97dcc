"""The 4,713th request ends the service: it is the one that looks for a setting which is gone.

The trigger is a dependency's answer: production's Redis loses the setting, the control's keeps it. Clients send
many requests at once, as a proxy does.
"""

import contextlib
import unittest

from examples.redis_server import RedisServer
from tests.zoo import zoo

_LAST = 4713
_AT_ONCE = 38  # 4,712 are 124 times as many


class Crash(zoo.ZooCase):

    crashes = True

    @contextlib.contextmanager
    def dependencies(self, healthy):
        with RedisServer() as redis:
            redis.run("SET hits:listed 10")
            self.redis = redis
            yield [str(redis.port)]

    def traffic(self, port):
        answers = []
        hits = [zoo.request("GET", f"/pages/{number % 23}") for number in range(_LAST)]
        with zoo.Client(port, answers) as client:
            for first in range(0, _LAST - 1, _AT_ONCE):
                batch = hits[first:first + _AT_ONCE]
                client.send(b"".join(batch))
                for hit in batch:
                    client.read_answer(hit)
            self.redis.run("DEL hits:listed")
            client.exchange(hits[-1])
        return answers

    def wrong(self, answer):
        return answer.status == 0

    def has_bug(self, run):
        return run.exit == {"signal": 11}

    def intended(self):
        return {
            self.failing().number: {
                "exchange": ("incomplete: the service was killed", "complete"),
                "response.status": ("", "200"),
            },
            # The fixed service runs until the replay stops it.
            None: {"exit": ("signal 11 (SIGSEGV)", "signal 15 (SIGTERM)")},
        }


if __name__ == "__main__":
    unittest.main()
