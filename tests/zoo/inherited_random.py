"""Two users have the same session: their workers drew its token from the same inherited state.

The second worker is forked because the first one waits for a dependency when the second user comes. The bug is
about both exchanges.
"""

import contextlib
import threading
import unittest

from tests.e2e import harness
from tests.zoo import upstream, zoo


class InheritedRandom(zoo.ZooCase):

    alone = False
    schedule = "recorded"

    @contextlib.contextmanager
    def dependencies(self, healthy):
        self.asked = {user: threading.Event() for user in ("ann", "bob")}

        def tell(asked, _):
            user = asked.target.rsplit("/", 1)[1]
            self.asked[user].set()
            if not healthy and user == "ann":
                self.asked["bob"].wait(harness.PATIENCE_S)
            return upstream.answer({"user": user})

        with upstream.Upstream(tell) as users:
            yield [users.url]

    def traffic(self, port):
        answers = []
        of_ann, of_bob = (zoo.request("POST", "/sessions", user) for user in (b"ann", b"bob"))
        with zoo.Client(port, answers) as first:
            first.send(of_ann)
            self.asked["ann"].wait(harness.PATIENCE_S)
            with zoo.Client(port, answers) as second:
                second.send(of_bob)
                first.read_answer(of_ann)
                second.read_answer(of_bob)
        return answers

    def has_bug(self, run):
        tokens = [answer.json["token"] for answer in run.answers]
        return len(set(tokens)) < len(tokens)

    def failing(self):
        return self.recorded.answers[-1]

    def intended(self):
        failing = self.failing()
        return {failing.number: {"response.body.$.token": (failing.json["token"], zoo.ANY)}}


if __name__ == "__main__":
    unittest.main()
