"""Two customers are told that a seat is theirs: the second one's transaction could not be serialized, and its
second try found the first one's.

In production both transactions begin while a third one, an audit, holds the row. What the database told the
second one is all that the bug needs.
"""

import unittest

from tests.e2e import harness
from tests.zoo import postgres, zoo

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


class TakenByAnother(postgres.PostgresCase):

    def tables(self, healthy):
        return ["CREATE TABLE seats (number int PRIMARY KEY, holder text)", "INSERT INTO seats VALUES (7, NULL)"]

    def traffic(self, port):
        answers = []
        of_ann, of_bob = (zoo.request("POST", f"/seats?seat=7&customer={name}") for name in ("ann", "bob"))
        with zoo.Client(port, answers) as first, zoo.Client(port, answers) as second:
            with self.server.transaction("SELECT * FROM seats FOR UPDATE"):
                for number, (client, asked) in enumerate(((first, of_ann), (second, of_bob)), 1):
                    client.send(asked)
                    harness.wait_for(lambda: self.server.run(_WAITING) == [str(number)], "waiting for the row")
            first.read_answer(of_ann)
            second.read_answer(of_bob)
        return answers

    def wrong(self, answer):
        return answer.status == 201 and answer.json["holder"] not in answer.asked

    def intended(self):
        return {self.failing().number: {"response.status": ("201", "409")}}


if __name__ == "__main__":
    unittest.main()
