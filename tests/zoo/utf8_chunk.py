"""Two question marks stand for a letter that came in two chunks.

The trigger is in the framing of a dependency's answer: production's archive sends the text as it reads it
from its pages, the control's sends it at once.
"""

import contextlib
import unittest

from tests.zoo import upstream, zoo

_REVIEWS = {"/reviews/1": "Plain, and good.", "/reviews/2": "Très léger, à lire l'été."}
_PAGE = 15


def chunked(text: bytes) -> bytes:
    body = b""
    for at in range(0, len(text), _PAGE):
        page = text[at:at + _PAGE]
        body += b"%x\r\n%s\r\n" % (len(page), page)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n"


class Utf8Chunk(zoo.ZooCase):

    @contextlib.contextmanager
    def dependencies(self, healthy):
        def tell(asked, _):
            text = _REVIEWS[asked.target].encode()
            return upstream.answer(text) if healthy else chunked(text)

        with upstream.Upstream(tell) as archive:
            yield [archive.url]

    def traffic(self, port):
        answers = []
        with zoo.Client(port, answers) as client:
            for review in _REVIEWS:
                client.ask("GET", review)
        return answers

    def wrong(self, answer):
        return b"?" in answer.body

    def intended(self):
        return {self.failing().number: {
            "response.body.line[1]": ("Très léger, ?? lire l'été.", "Très léger, à lire l'été."),
        }}


if __name__ == "__main__":
    unittest.main()
