"""A subscription that was paid on 29 February cannot be renewed a year later.

The trigger lies in a dependency's answer: the provider of payments says which day it is. The machine's date
cannot be set, so it is the provider's days that pass over a 29 February in production, and over the end of
February of a common year in the control.
"""

import contextlib
import datetime
import unittest

from tests.zoo import upstream, zoo


class LeapDay(zoo.ZooCase):

    @contextlib.contextmanager
    def dependencies(self, healthy):
        first_day = datetime.date(2027 if healthy else 2028, 2, 28)

        def pay(asked, _):
            day = first_day + datetime.timedelta(days=asked.number - 1)
            return upstream.answer({"paid_on": day.isoformat()})

        with upstream.Upstream(pay) as payments:
            yield [payments.url]

    def traffic(self, port):
        answers = []
        with zoo.Client(port, answers) as client:
            for customer in ("ann", "bob", "cyd"):
                client.ask("POST", "/subscriptions", customer.encode())
        return answers

    def wrong(self, answer):
        return answer.status == 500

    def intended(self):
        return {self.failing().number: {
            "response.status": ("500", "201"),
            "response.header.Content-Length": ("23", "27"),
            "response.body.$.error": ("no such day", None),
            "response.body.$.renewed_on": (None, "2029-02-28"),
        }}


if __name__ == "__main__":
    unittest.main()
