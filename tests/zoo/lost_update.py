"""Of two payments into an account at the same time, one is lost.

Both ask for a rate: in production the second one does before the first has its answer. The bug is about both.
"""

import contextlib
import threading
import unittest

from tests.e2e import harness
from tests.zoo import upstream, zoo


class LostUpdate(zoo.ZooCase):

    alone = False
    schedule = "recorded"

    @contextlib.contextmanager
    def dependencies(self, healthy):
        # Production's first payment waits for the second to ask, and the second for the end of the first.
        self.asked = {currency: threading.Event() for currency in ("eur", "usd")}
        self.paid = threading.Event()

        def tell(asked, _):
            currency = asked.target.rsplit("/", 1)[1]
            self.asked[currency].set()
            if not healthy:
                (self.asked["usd"] if currency == "eur" else self.paid).wait(harness.PATIENCE_S)
            return upstream.answer({"cents": 100 if currency == "eur" else 90})

        with upstream.Upstream(tell) as rates:
            yield [rates.url]

    def traffic(self, port):
        answers = []
        with zoo.Client(port, answers) as first, zoo.Client(port, answers) as second:
            euros = zoo.request("POST", "/ann?amount=5&currency=eur")
            dollars = zoo.request("POST", "/ann?amount=7&currency=usd")
            first.send(euros)
            self.asked["eur"].wait(harness.PATIENCE_S)
            second.send(dollars)
            first.read_answer(euros)
            self.paid.set()
            second.read_answer(dollars)
        return answers

    def wrong(self, answer):
        return "usd" in answer.asked and answer.json["after"] != 1130

    def intended(self):
        return {self.failing().number: {
            "response.header.Content-Length": ("24", "25"),
            "response.body.$.after": (630, 1130),
        }}


if __name__ == "__main__":
    unittest.main()
