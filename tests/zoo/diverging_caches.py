"""Ann has logged out, and is still logged in when the other worker has her request.

The trigger is what a dependency says: production's service for sessions is busy, and allows its answers to be
kept for a minute; the control's is not, and they may not be kept at all. Which worker has a connection is luck:
production's customers come until the worker that ends a session is not the one that keeps it. The bug is about
these requests too.
"""

import contextlib
import functools
import ssl
import unittest

from tests.e2e.certificates import Certificate
from tests.zoo import upstream, zoo


class DivergingCaches(zoo.ZooCase):

    alone = False
    schedule = "recorded"

    @functools.cached_property
    def own(self):
        return Certificate(self.directory, zoo.SERVICE_NAME, elliptic=True)

    @functools.cached_property
    def peer(self):
        return Certificate(self.directory, "sessions.test", elliptic=True)

    @functools.cached_property
    def tls(self):
        return ssl.create_default_context(cafile=self.own.certificate)

    @contextlib.contextmanager
    def dependencies(self, healthy):
        ended = set()

        def tell(asked, _):
            if asked.method == "DELETE":
                ended.add(asked.target)
            user = "" if asked.target in ended else "ann"
            return upstream.answer({"user": user, "keep": 0 if healthy else 60})

        with upstream.Upstream(tell, tls=upstream.tls(self.peer)) as sessions:
            yield [self.own.certificate, self.own.key, str(sessions.port), self.peer.certificate]

    def traffic(self, port):
        answers = []
        while not any(self.wrong(answer) for answer in answers):
            session = len(answers)
            for asked in (("GET", "/account"), ("DELETE", "/session"), ("GET", "/orders")):
                with zoo.Client(port, answers, self.tls) as client:
                    client.ask(asked[0], f"{asked[1]}?token={session}")
        return answers

    def wrong(self, answer):
        return "/orders" in answer.asked and answer.status == 200

    def intended(self):
        return {self.failing().number: {
            "response.status": ("200", "401"),
            "response.header.Content-Length": ("14", "2"),
            "response.body.$.user": ("ann", None),
        }}


if __name__ == "__main__":
    unittest.main()
