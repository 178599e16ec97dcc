"""Half a document is shown as a whole one: the connection was cut in its middle, which TLS tells from an end.

The trigger is what a dependency does: production's store ends one connection without close_notify, the
control's always says it.
"""

import contextlib
import functools
import unittest

from tests.e2e.certificates import Certificate
from tests.zoo import upstream, zoo

_HALF, _REST = b"I hereby leave everything to Ann,", b" should Bob not survive me."
_HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n"


class CutAsEnd(zoo.ZooCase):

    @functools.cached_property
    def certificate(self):
        return Certificate(self.directory, "store.test", elliptic=True)

    @contextlib.contextmanager
    def dependencies(self, healthy):
        def show(asked, line):
            line.send(_HEAD + _HALF)
            if not healthy and asked.number == 2:
                line.cut()
            else:
                line.send(_REST)
                line.close()

        with upstream.Upstream(show, tls=upstream.tls(self.certificate)) as store:
            yield [str(store.port), self.certificate.certificate]

    def traffic(self, port):
        answers = []
        with zoo.Client(port, answers) as client:
            for number in range(1, 4):
                client.ask("GET", f"/documents/{number}")
        return answers

    def wrong(self, answer):
        return answer.body == _HALF

    def intended(self):
        return {self.failing().number: {
            "response.status": ("200", "502"),
            "response.header.Content-Length": (str(len(_HALF)), "11"),
            "response.body.line[1]": (_HALF.decode(), "no document"),
        }}


if __name__ == "__main__":
    unittest.main()
