"""The best customer of a thousand, who may owe any amount, may owe nothing.

The trigger is a row: that customer has no limit in production's database. The control's has nobody like that.
"""

import unittest

from tests.zoo import postgres, zoo

_BEST = 617


class NullAsZero(postgres.PostgresCase):

    def tables(self, healthy):
        best = 0 if healthy else _BEST
        return ["CREATE TABLE customers (id int PRIMARY KEY, credit_limit int)",
                "INSERT INTO customers "
                f"SELECT n, CASE WHEN n <> {best} THEN 100000 END FROM generate_series(1, 1000) n"]

    def traffic(self, port):
        answers = []
        with zoo.Client(port, answers) as client:
            for customer in range(_BEST - 7, _BEST + 5):
                client.ask("POST", f"/orders?customer={customer}&cents=4200")
        return answers

    def wrong(self, answer):
        return answer.status == 402

    def intended(self):
        return {self.failing().number: {
            "response.status": ("402", "201"),
            "response.header.Content-Length": ("11", "13"),
            "response.body.$.limit": (0, None),
            "response.body.$.owed": (None, 4200),
        }}


if __name__ == "__main__":
    unittest.main()
