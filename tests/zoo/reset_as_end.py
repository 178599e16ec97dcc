"""Half a document is shown as a whole one: the store reset the connection in the middle.

The trigger is what a dependency does: production's store resets a connection, the control's does not.
"""

import contextlib
import unittest

from tests.zoo import upstream, zoo

_HALF, _REST = b"I hereby leave everything to Ann,", b" should Bob not survive me."
_HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n"


class ResetAsEnd(zoo.ZooCase):

    @contextlib.contextmanager
    def dependencies(self, healthy):
        def show(asked, line):
            line.send(_HEAD + _HALF)
            if not healthy and asked.number == 2:
                line.reset()
            else:
                line.send(_REST)
                line.close()

        with upstream.Upstream(show) as store:
            yield [str(store.port)]

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
