"""A seat is sold twice: the second customer came while the first was paying.

The bug is about both exchanges. The fix refuses the second customer, who then does not pay.
"""

import contextlib
import threading
import unittest

from tests.e2e import harness
from tests.zoo import upstream, zoo


class DoubleBooking(zoo.ZooCase):

    alone = False
    schedule = "recorded"

    @contextlib.contextmanager
    def dependencies(self, healthy):
        # Production's first payment waits for the second to begin, and the second for the end of the first.
        self.paying = {customer: threading.Event() for customer in (b"ann", b"bob")}
        self.booked = threading.Event()

        def pay(asked, _):
            self.paying[asked.body].set()
            if not healthy:
                (self.paying[b"bob"] if asked.body == b"ann" else self.booked).wait(harness.PATIENCE_S)
            return upstream.answer({"paid": True})

        with upstream.Upstream(pay) as payments:
            yield [payments.url]

    def traffic(self, port):
        answers = []
        with zoo.Client(port, answers) as first, zoo.Client(port, answers) as second:
            of_ann, of_bob = zoo.request("POST", "/seats/12", b"ann"), zoo.request("POST", "/seats/12", b"bob")
            first.send(of_ann)
            self.paying[b"ann"].wait(harness.PATIENCE_S)
            second.send(of_bob)
            first.read_answer(of_ann)
            self.booked.set()
            second.read_answer(of_bob)
        return answers

    def wrong(self, answer):
        return b"bob" in answer.body

    def intended(self):
        return {self.failing().number: {
            "response.status": ("201", "409"),
            "response.header.Content-Length": ("20", "17"),
            "response.body.$.booked_for": ("bob", None),
            "response.body.$.error": (None, "taken"),
            "call[0]": (zoo.ANY, None),
        }}


if __name__ == "__main__":
    unittest.main()
