"""A rate of exchange may be kept for 136 years: the partner's certificate expired between two looks at the clock.

Production's partner has a certificate that expires in a moment, and tells the rate when it has. The control's
is valid for a month. At replay the certificate expired long ago, and the service has to see it as it was.
"""

import contextlib
import functools
import time
import unittest

from tests.e2e import harness
from tests.e2e.certificates import Certificate
from tests.zoo import upstream, zoo

_AGES = 1 << 31
_SHORT = "partner.test"


class CertificateExpiry(zoo.ZooCase):

    last = 0  # second at which production's partner has a valid certificate

    @functools.cached_property
    def lasting(self):
        return Certificate(self.directory, "lasting.test", elliptic=True)

    @contextlib.contextmanager
    def dependencies(self, healthy):
        def tell(*_):
            if not healthy:
                harness.wait_for(lambda: zoo.coarse_time() >= self.last + 1, "the end of the certificate")
            return upstream.answer({"cents": 93})

        self.identity = upstream.tls(self.lasting)
        with upstream.Upstream(tell, tls=self.identity) as partner:
            yield [str(partner.port), self.lasting.certificate if healthy else f"{self.directory}/{_SHORT}.pem"]

    def traffic(self, port):
        answers = []
        with zoo.Client(port, answers) as client:
            # On a busy machine the certificate may have expired when the service gets to see it.
            while not any(self.wrong(answer) for answer in answers):
                self.last = int(time.time()) + 3
                short = Certificate(self.directory, _SHORT, not_after=self.last, elliptic=True)
                self.identity.load_cert_chain(short.certificate, short.key)
                client.ask("GET", "/rates/usd")
        return answers

    def wrong(self, answer):
        return answer.status == 200 and answer.json["keep"] > _AGES

    def intended(self):
        failing = self.failing()
        return {failing.number: {
            "response.header.Content-Length": ("30", "21"),
            "response.body.$.keep": (failing.json["keep"], 0),
        }}


if __name__ == "__main__":
    unittest.main()
