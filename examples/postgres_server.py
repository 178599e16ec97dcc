"""A real PostgreSQL server on a free port of 127.0.0.1, with a database of its own that is gone with it.

Its one user is `shop`; it asks for the password with SCRAM-SHA-256.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
from typing import Iterator, Sequence

from examples.server_process import NotReady, ServerProcess, free_port

# PostgreSQL takes no port 0, so a port found free may be taken when the server gets to it.
_ATTEMPTS = 5
_PASSWORD = "wooden spoon"


def _program(name: str) -> str:
    """Of the newest version that is installed; Debian has them outside of the path."""
    installed = sorted(pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(installed[-1]) if installed else name


class PostgresServer:
    """A context manager; the server runs from construction to stop()."""

    user = "shop"
    password = _PASSWORD

    def __init__(self, tls: Sequence[str] = (), unix: bool = False):
        """`tls`: paths of a certificate and of its key, for a server that takes encrypted connections.
        `unix`: it listens on a Unix socket alone.

        Raises NotReady or OSError when PostgreSQL does not run here.
        """
        self._root = tempfile.mkdtemp(prefix="postgres-", dir="/tmp")
        # The server refuses to run as root.
        self._as = []
        if os.getuid() == 0:
            self._as = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            shutil.chown(self._root, "postgres")
        self._settings = []
        self._host = self._root if unix else "127.0.0.1"
        self._listening = ["listen_addresses=", f"unix_socket_directories={self._root}"] if unix else [
            "listen_addresses=127.0.0.1", "unix_socket_directories="]
        try:
            self._make_database()
            if tls:
                self._take_certificate(*tls)
            self._start()
        except BaseException:
            shutil.rmtree(self._root, ignore_errors=True)
            raise

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "LC_ALL": "C", "HOME": self._root}

    def _make_database(self):
        secret = os.path.join(self._root, "password")
        pathlib.Path(secret).write_text(_PASSWORD + "\n", encoding="ascii")
        done = subprocess.run(
            [*self._as, _program("initdb"), "--pgdata", f"{self._root}/data", "--username", self.user,
             "--pwfile", secret, "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-sync"],
            env=self._environment(), cwd=self._root, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NotReady(f"initdb: {done.stdout}{done.stderr}")

    def _take_certificate(self, certificate: str, key: str):
        """Into the database's directory: the server reads no key that others may read."""
        for source, name in ((certificate, "server.crt"), (key, "server.key")):
            target = os.path.join(self._root, "data", name)
            shutil.copyfile(source, target)
            os.chmod(target, 0o600)
            if self._as:
                shutil.chown(target, "postgres", "postgres")
        self._settings = ["ssl=on"]

    def _start(self):
        for attempt in range(_ATTEMPTS):
            self.port = free_port()
            settings = [*self._listening, "fsync=off", f"port={self.port}", "shared_buffers=1MB",
                        "autovacuum=off", *self._settings]
            command = [*self._as, "sh", "-c", 'exec "$@" 2>&1', "sh", _program("postgres"),
                       "-D", f"{self._root}/data"]
            for setting in settings:
                command += ["-c", setting]
            try:
                self._process = ServerProcess(
                    command, ready="ready to accept connections", env=self._environment(), cwd=self._root)
                return
            except NotReady:
                if attempt == _ATTEMPTS - 1:
                    raise

    @property
    def conninfo(self) -> str:
        """What libpq connects with."""
        return (f"host={self._host} port={self.port} user={self.user} dbname=postgres "
                f"password='{self.password}'")

    def run(self, *statements: str) -> list[str]:
        """Runs statements; returns the lines of their results, columns separated by `|`.

        Raises:
            RuntimeError: PostgreSQL did not take a statement.
        """
        done = subprocess.run(self._psql, input="".join(f"{statement};\n" for statement in statements),
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"psql: {done.stdout}{done.stderr}")
        return done.stdout.splitlines()

    @contextlib.contextmanager
    def transaction(self, statement: str) -> Iterator[None]:
        """A context manager: a transaction that has run a statement, and is rolled back at the end.

        Raises:
            RuntimeError: PostgreSQL did not take the statement.
        """
        with subprocess.Popen(self._psql, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as psql:
            psql.stdin.write(f"BEGIN;\n{statement};\n\\echo done\n")
            psql.stdin.flush()
            while (line := psql.stdout.readline()) != "done\n":
                if not line:
                    raise RuntimeError(f"PostgreSQL did not take {statement}")
            yield

    @property
    def _psql(self) -> list[str]:
        return ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1",
                self.conninfo]

    def stop(self):
        self._process.stop(signal.SIGINT)  # SIGTERM would wait for the clients
        shutil.rmtree(self._root, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
