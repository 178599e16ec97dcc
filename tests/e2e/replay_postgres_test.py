"""A service on libpq (services/postgres_service.cc), recorded with a real PostgreSQL server and replayed
without it: simple and prepared statements, a pipeline, COPY both ways, a transaction that fails,
notifications, SCRAM."""

import concurrent.futures
import os
import unittest

from examples.postgres_server import PostgresServer
from tests.e2e import harness
from tests.e2e.clients import ask
from tests.e2e.replay_case import ReplayTest

_SERVICE = os.path.abspath("tests/e2e/postgres_service")
_TABLES = [
    "CREATE TABLE items (id int PRIMARY KEY, name text, note text, price int, stock int)",
    "INSERT INTO items VALUES (1, 'pen', NULL, 120, 7), (2, 'ink', '', 450, 3), (3, 'nib', 'NULL', NULL, 0)",
    "CREATE TABLE imported (id int, note text)",
    "CREATE TABLE transfers (id int PRIMARY KEY)",
]
_EVERYTHING = ["/item/1", "/item/2", "/item/3", "/item/x", "/price/1", "/price/3", "/several", "/basket",
               "/import/simple", "/import/extended", "/import/broken", "/export", "/transfer/7",
               "/transfer/7", "/hear/me", "/price/2"]


class PostgresTest(ReplayTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.enterClassContext(PostgresServer())
        cls.server.run(*_TABLES)

    def _record(self, targets: list[str], threads: int = 1, clients: int = 1) -> harness.Recording:
        port = harness.free_port()
        self.port = port
        recording = self.record(_SERVICE, str(port), self.server.conninfo, str(threads))
        recording.wait_until_listening(port)
        with concurrent.futures.ThreadPoolExecutor(clients) as pool:
            answers = list(pool.map(lambda target: ask(port, target)[0], targets))
        self.answers = [answer.body.decode() for answer in answers]
        recording.stop()
        return recording

    def test_statements(self):
        recording = self._record(["/item/1"])
        self.assertEqual(self.answers, ["1,pen,-\n"])
        replay = self.replay(recording)
        self.assert_held(replay, 1)


if __name__ == "__main__":
    unittest.main()
