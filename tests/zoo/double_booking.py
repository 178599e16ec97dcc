"""A seat is sold twice: the second customer came while the first was paying. The service and its evening are
those of examples/booking.

The bug is about both exchanges. The fix refuses the second customer, who then does not pay.
"""

import collections
import contextlib
import os
import unittest
from unittest import mock

from examples import http_clients
from examples.booking import traffic
from examples.booking.dependencies import Dependencies
from tests.zoo import zoo


class DoubleBooking(zoo.ZooCase):

    alone = False
    schedule = "recorded"

    @contextlib.contextmanager
    def dependencies(self, healthy):
        # Whoever asks one after the other need not wait for a bank.
        with Dependencies(charge_takes_ms=0) if healthy else Dependencies() as payments, \
                mock.patch.dict(os.environ, payments.environment):
            yield []

    def traffic(self, port):
        return zoo.received(http_clients.drive("127.0.0.1", port, traffic.scripts()))

    def has_bug(self, run):
        return bool(self._sold_again(run))

    def failing(self):
        return self._sold_again(self.recorded)[0]

    def _sold_again(self, run):
        """Of the sales of a seat all but the first."""
        sales = collections.defaultdict(list)
        for answer in run.answers:
            if answer.status == 201:
                sales[answer.asked].append(answer)
        return [answer for answers in sales.values() for answer in answers[1:]]

    def intended(self):
        return {answer.number: {
            "response.status": ("201", "409"),
            "response.header.Content-Length": ("35", "30"),
            "response.body.$.seat": (answer.json["seat"], None),
            "response.body.$.booked_for": (answer.json["booked_for"], None),
            "response.body.$.error": (None, "the seat is taken"),
            "call[0]": (zoo.ANY, None),
        } for answer in self._sold_again(self.recorded)}


if __name__ == "__main__":
    unittest.main()
