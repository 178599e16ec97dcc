"""A profile may be kept for half a billion years, because its token expired while the upstream was asked.

Production's upstream takes longer for one of the profiles than the token is good.
"""

import contextlib
import time
import unittest

from tests.e2e import harness
from tests.zoo import upstream, zoo

_LIFETIME_MS = 1500


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class TokenExpiry(zoo.ZooCase):

    @contextlib.contextmanager
    def dependencies(self, healthy):
        expires_ms = 0

        def tell(asked, _):
            nonlocal expires_ms
            if asked.target == "/tokens":
                expires_ms = now_ms() + _LIFETIME_MS
                return upstream.answer({"token": f"t{asked.number}", "expires_ms": expires_ms})
            if not healthy and "bob" in asked.target:
                harness.wait_for(lambda: now_ms() > expires_ms, "the end of the token")
            return upstream.answer({"likes": "tea"})

        with upstream.Upstream(tell) as users:
            yield [users.url]

    def traffic(self, port):
        answers = []
        with zoo.Client(port, answers) as client:
            for user in ("bob", "cyd"):
                client.ask("GET", f"/profiles/{user}")
        return answers

    def wrong(self, answer):
        return answer.json["keep_ms"] > _LIFETIME_MS

    def intended(self):
        failing = self.failing()
        length = len(failing.body)
        fixed_length = length - len(str(failing.json["keep_ms"])) + len("0")
        return {failing.number: {
            "response.header.Content-Length": (str(length), str(fixed_length)),
            "response.body.$.keep_ms": (zoo.ANY, 0),
        }}


if __name__ == "__main__":
    unittest.main()
