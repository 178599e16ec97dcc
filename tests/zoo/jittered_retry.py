"""A payment is declined that nobody declined: its second try came too soon for the provider's rate limit.

How long the service waits is random in every run. Production's provider is not well at the first try of each
payment; the control's is, and no second one is made.
"""

import contextlib
import time
import unittest

from tests.zoo import upstream, zoo

_LIMIT_S = 0.06


class JitteredRetry(zoo.ZooCase):

    @contextlib.contextmanager
    def dependencies(self, healthy):
        refused: dict[bytes, float] = {}  # payment -> when it was refused

        def charge(asked, _):
            if healthy:
                return upstream.answer({})
            if asked.body not in refused:
                refused[asked.body] = time.monotonic()
                return upstream.answer({}, 503)
            early = time.monotonic() - refused[asked.body] < _LIMIT_S
            return upstream.answer({}, 429 if early else 200)

        with upstream.Upstream(charge) as provider:
            yield [provider.url]

    def traffic(self, port):
        answers = []
        with zoo.Client(port, answers) as client:
            while not any(self.wrong(answer) for answer in answers):
                client.ask("POST", "/payments", b"payment %d" % len(answers))
        return answers

    def wrong(self, answer):
        return answer.status == 402

    def intended(self):
        return {self.failing().number: {
            "response.status": ("402", "503"),
            "response.header.Content-Length": ("20", "17"),
            "response.body.$.error": ("declined", "later"),
        }}


if __name__ == "__main__":
    unittest.main()
