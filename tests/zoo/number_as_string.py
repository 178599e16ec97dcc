"""One thing in a thousand is free: its price is a string in the catalogue.

The trigger is the dependency's answer. Production's catalogue has one such price among its thousand; the
control's has none.
"""

import contextlib
import unittest

from tests.zoo import upstream, zoo

_ODD = 617


class NumberAsString(zoo.ZooCase):

    @contextlib.contextmanager
    def dependencies(self, healthy):
        def tell(asked, _):
            thing = int(asked.target.rsplit("/", 1)[1])
            price = 10 + thing / 100
            return upstream.answer({"thing": thing, "price": str(price) if thing == _ODD and not healthy else price})

        with upstream.Upstream(tell) as catalogue:
            yield [catalogue.url]

    def traffic(self, port):
        answers = []
        with zoo.Client(port, answers) as client:
            for thing in range(_ODD - 20, _ODD + 10):
                client.ask("GET", f"/things/{thing}")
        return answers

    def wrong(self, answer):
        return answer.json["cents"] == 0

    def intended(self):
        return {self.failing().number: {
            "response.header.Content-Length": ("11", "14"),
            "response.body.$.cents": (0, 1000 + _ODD),
        }}


if __name__ == "__main__":
    unittest.main()
