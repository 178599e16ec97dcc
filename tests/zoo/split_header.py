"""A user is not known whose request came in two parts, cut between the two bytes of a line's end."""

import unittest

from tests.zoo import zoo


class SplitHeader(zoo.ZooCase):

    def traffic(self, port):
        answers = []
        asked = zoo.request("GET", "/account", User="ann")
        before_user = asked.index(b"\nUser")
        with zoo.Client(port, answers) as client:
            for cut in (before_user - 1, before_user, before_user + 1):
                client.send_in_pieces(asked[:cut], asked[cut:])
                client.read_answer(asked)
        return answers

    def wrong(self, answer):
        return answer.status == 401

    def intended(self):
        return {self.failing().number: {
            "response.status": ("401", "200"),
            "response.header.Content-Length": ("24", "17"),
            "response.body.$.account": (None, "ann"),
            "response.body.$.error": ("who are you?", None),
        }}


if __name__ == "__main__":
    unittest.main()
