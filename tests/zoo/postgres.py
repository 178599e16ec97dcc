"""Cases whose service depends on PostgreSQL: a real server, which takes encrypted connections."""

import contextlib
from typing import Sequence

from examples.postgres_server import PostgresServer
from tests.e2e.certificates import Certificate
from tests.zoo import zoo

_EMPTY = ["SET client_min_messages TO warning", "DROP SCHEMA public CASCADE", "CREATE SCHEMA public"]


class PostgresCase(zoo.ZooCase):
    """Starting a server takes seconds: the tries of the control share one, and each begins with tables of its own."""

    def tables(self, healthy: bool) -> Sequence[str]:
        """The statements that make them, as production had them or as a desk has."""
        raise NotImplementedError

    @contextlib.contextmanager
    def dependencies(self, healthy):
        self.server.run(*_EMPTY, *self.tables(healthy))
        yield [self.server.conninfo]

    def record_production(self):
        with self._started():
            super().record_production()

    def test_b_sending_the_requests_again_does_not_bring_it_back(self):
        with self._started():
            super().test_b_sending_the_requests_again_does_not_bring_it_back()

    @contextlib.contextmanager
    def _started(self):
        own = Certificate(self.directory, "database.test", elliptic=True)
        with PostgresServer((own.certificate, own.key)) as self.server:
            yield
