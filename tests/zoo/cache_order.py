"""A price is the old one again: the list in which it stands was asked for before it changed, and came after.

Production's catalogue takes its time with the list. The bug is about all three exchanges: the list, the fresh
price, and the question for it.
"""

import contextlib
import threading
import unittest

from tests.e2e import harness
from tests.zoo import upstream, zoo


class CacheOrder(zoo.ZooCase):

    alone = False
    schedule = "recorded"

    @contextlib.contextmanager
    def dependencies(self, healthy):
        self.list_asked, self.refreshed = threading.Event(), threading.Event()

        def tell(asked, _):
            if asked.target == "/fresh/tea":
                return upstream.answer(b"4")
            self.list_asked.set()
            if not healthy:
                self.refreshed.wait(harness.PATIENCE_S)
            return upstream.answer(b"lamp 30\ntea 5\n")

        with upstream.Upstream(tell) as catalogue:
            yield [catalogue.url]

    def traffic(self, port):
        answers = []
        load = zoo.request("POST", "/list")
        with zoo.Client(port, answers) as first, zoo.Client(port, answers) as second:
            first.send(load)
            self.list_asked.wait(harness.PATIENCE_S)
            second.ask("POST", "/things/tea")
            self.refreshed.set()
            first.read_answer(load)
            second.ask("GET", "/things/tea")
        return answers

    def wrong(self, answer):
        return answer.asked == "GET /things/tea" and answer.json["price"] != 4

    def intended(self):
        return {self.failing().number: {"response.body.$.price": (5, 4)}}


if __name__ == "__main__":
    unittest.main()
