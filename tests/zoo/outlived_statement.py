"""A lamp costs as much as there are lamps: a prepared statement outlived a change of its table.

Production's table loses a column and gets another one while the service runs; the control's has done so before
it begins. The bug is about the exchanges before too, in which the price was elsewhere in the row.
"""

import unittest

from tests.zoo import postgres, zoo

_CHANGE = ["ALTER TABLE things DROP COLUMN colour", "ALTER TABLE things ADD COLUMN stock int DEFAULT 3"]


class OutlivedStatement(postgres.PostgresCase):

    alone = False

    def tables(self, healthy):
        return ["CREATE TABLE things (name text PRIMARY KEY, colour text, cents int)",
                "INSERT INTO things VALUES ('lamp', 'red', 1995), ('tea', 'green', 450)",
                *(_CHANGE if healthy else [])]

    def traffic(self, port):
        answers = []
        with zoo.Client(port, answers) as client:
            client.ask("GET", "/lamp")
            client.ask("GET", "/tea")
            self.server.run(*_CHANGE)
            client.ask("GET", "/lamp")
            client.ask("GET", "/tea")
        return answers

    def wrong(self, answer):
        return answer.json["cents"] == 3

    def intended(self):
        lamp, tea = (answer.number for answer in self.recorded.answers if self.wrong(answer))
        return {number: {
            "response.header.Content-Length": ("11", str(9 + len(str(cents)) + 1)),
            "response.body.$.cents": (3, cents),
        } for number, cents in ((lamp, 1995), (tea, 450))}


if __name__ == "__main__":
    unittest.main()
