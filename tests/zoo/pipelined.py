"""A visitor sees a user's account, whose request came right before through the same proxy.

The bug is about both requests: the visitor's alone is refused.
"""

import unittest

from tests.zoo import zoo


class Pipelined(zoo.ZooCase):

    alone = False

    def traffic(self, port):
        answers = []
        user = zoo.request("GET", "/account", User="ann")
        visitor = zoo.request("GET", "/account?visitor")
        with zoo.Client(port, answers) as client:
            client.send(user + visitor)
            client.read_answer(user)
            client.read_answer(visitor)
            client.exchange(visitor)
        return answers

    def wrong(self, answer):
        return "visitor" in answer.asked and answer.status == 200

    def intended(self):
        return {self.failing().number: {
            "response.status": ("200", "401"),
            "response.header.Content-Length": ("17", "24"),
            "response.body.$.account": ("ann", None),
            "response.body.$.error": (None, "who are you?"),
        }}


if __name__ == "__main__":
    unittest.main()
