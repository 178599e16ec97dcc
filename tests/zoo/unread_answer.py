"""A customer is greeted with a number: a connection to Redis came out of the pool with somebody's count of visits
unread. The service and its morning are those of examples/loyalty.

The trigger is a dependency's answer: production's Redis does not have a card any more, which the control's has. The
bug is about that exchange too, in which the connection went back into the pool.
"""

import contextlib
import os
import unittest
from unittest import mock

from examples import http_clients
from examples.loyalty import traffic
from examples.loyalty.dependencies import CARDS, VISITS_SO_FAR, Dependencies
from tests.zoo import zoo


class UnreadAnswer(zoo.ZooCase):

    alone = False

    @contextlib.contextmanager
    def dependencies(self, healthy):
        with Dependencies(closed_card=None) if healthy else Dependencies() as redis, \
                mock.patch.dict(os.environ, redis.environment):
            yield []

    def traffic(self, port):
        return zoo.received(http_clients.drive("127.0.0.1", port, traffic.scripts()))

    def wrong(self, answer):
        return answer.status == 200 and not answer.json["name"].isalpha()

    def intended(self):
        changed = {}
        visits = dict(VISITS_SO_FAR)
        for answer in self.recorded.answers:
            card = answer.asked.rpartition("/")[2]
            visits[card] += 1
            if self.wrong(answer):
                changed[answer.number] = {
                    "response.header.Content-Length": ("24", "26"),
                    "response.body.$.name": (answer.json["name"], CARDS[card]),
                    "response.body.$.visits": (0, visits[card]),
                }
        return changed


if __name__ == "__main__":
    unittest.main()
