"""Whoever asks for the price of tea is told that of a lamp: it came too late for the one who had asked.

The trigger is what a dependency does: production's upstream is slow once, the control's never. The bug is about
the exchange before too, which gave up. The fix gives up the connection with it, and so does not get the late
answer. The last answer of production's upstream does not come at all: the fix shows that, where the recording
has the price of tea.
"""

import contextlib
import threading
import unittest

from tests.e2e import harness
from tests.zoo import upstream, zoo


class LateAnswer(zoo.ZooCase):

    alone = False
    open_calls = 1
    schedule = "recorded"

    @contextlib.contextmanager
    def dependencies(self, healthy):
        self.gave_up, self.sent, self.over = threading.Event(), threading.Event(), threading.Event()

        def tell(asked, line):
            reply = upstream.answer({"price of": asked.target[1:]})
            if not healthy and asked.target == "/lamp":
                self.gave_up.wait(harness.PATIENCE_S)
                line.send(reply)
                self.sent.set()
                return None
            if not healthy and asked.target == "/milk":
                self.over.wait(harness.PATIENCE_S)
                return None
            return reply

        with upstream.Upstream(tell) as prices:
            yield [str(prices.port)]

    def traffic(self, port):
        answers = []
        with zoo.Client(port, answers) as client:
            client.ask("GET", "/lamp")
            self.gave_up.set()
            self.sent.wait(harness.PATIENCE_S)
            client.ask("GET", "/tea")
            client.ask("GET", "/milk")
            self.over.set()
        return answers

    def wrong(self, answer):
        return answer.status == 200 and answer.json["price of"] not in answer.asked

    def intended(self):
        lamp, tea, milk = (answer.number for answer in self.recorded.answers)
        return {
            lamp: {"call[0]": ("answered", "not answered in full")},
            tea: {
                "response.header.Content-Length": ("20", "19"),
                'response.body.$["price of"]': ("lamp", "tea"),
            },
            milk: {
                "response.status": ("200", "504"),
                "response.header.Content-Length": ("19", "20"),
                'response.body.$["price of"]': ("tea", None),
                "response.body.$.error": (None, "too slow"),
            },
        }


if __name__ == "__main__":
    unittest.main()
