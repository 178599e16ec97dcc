"""Services behind Unix sockets, and that reach what they depend on through them, recorded and replayed with
both gone: hiredis, libpq, nginx, gunicorn; connections handed from process to process; and those within a
service."""

import concurrent.futures
import contextlib
import http.client
import os
import signal
import socket
import unittest

from examples.postgres_server import PostgresServer
from examples.redis_server import RedisServer
from examples.server_process import ServerProcess
from tests.e2e import harness
from tests.e2e.clients import Answer, ask
from tests.e2e.replay_case import ReplayTest

_UNIX_SERVICE = os.path.abspath("tests/e2e/unix_service")
_POSTGRES_SERVICE = os.path.abspath("tests/e2e/postgres_service")
_APPLICATION = """
import os
def application(environ, start_response):
    body = b"%s by one of %d\\n" % (environ["PATH_INFO"].encode(), int(os.environ.get("WORKERS", "1")))
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


class UnixConnection(http.client.HTTPConnection):
    """`path` may be an abstract name, which begins with "@"."""

    def __init__(self, path: str):
        super().__init__("localhost", timeout=harness.PATIENCE_S)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path.replace("@", "\0", 1) if self._path[0] == "@" else self._path)


def ask_at(path: str, *targets: str) -> list[Answer]:
    connection = UnixConnection(path)
    answers = []
    for target in targets:
        connection.request("GET", target)
        response = connection.getresponse()
        answers.append(Answer(target, response.status, dict(response.getheaders()), response.read()))
    connection.close()
    return answers


def listens_at(path: str) -> bool:
    connection = UnixConnection(path)
    with contextlib.closing(connection), contextlib.suppress(OSError):
        connection.connect()
        return True
    return False


class UnixTest(ReplayTest):

    def _record_at(self, path: str, *command: str) -> harness.Recording:
        recording = self.record(*command)
        harness.wait_for(lambda: recording.process.poll() is not None or listens_at(path),
                         f"listening at {path}: {recording.stderr}")
        return recording

    def _redis(self) -> tuple[RedisServer, str]:
        path = self.path("redis.sock")
        redis = RedisServer(unix=path)
        self.addCleanup(redis.stop)
        redis.run("SET pen 120", "SET ink 450")
        return redis, path

    def _start_service(self, at: str, redis_path: str) -> ServerProcess:
        service = ServerProcess([_UNIX_SERVICE, at, redis_path], ready="ready")
        self.addCleanup(service.stop)
        return service

    def _record_hiredis(self, at: str) -> tuple[harness.Recording, list[str]]:
        redis, redis_path = self._redis()
        recording = self._record_at(at, _UNIX_SERVICE, at, redis_path)
        bodies = [answer.body.decode() for answer in ask_at(at, "/pen", "/ink", "/nib")]
        recording.wait_until_recorded(3).stop()
        redis.stop()
        self.assertEqual(bodies, [f"{value} of {redis_path}\n{at}\nunnamed\n" for value in ("120", "450", "nil")])
        return recording, redis_path

    def test_a_service_at_a_path_replays_without_the_redis_it_reaches_by_one(self):
        at = self.path("service.sock")
        recording, redis_path = self._record_hiredis(at)
        with socket.socket(socket.AF_UNIX) as other:  # has the recorded path here
            os.unlink(at)
            other.bind(at)
            other.listen()
            other.setblocking(False)
            for schedule in ("serial", "recorded"):
                replay = self.replay(recording, options=["--schedule", schedule])
                self.assert_held(replay, 3)
                self.assertEqual(replay.ledger["fidelity"]["exact"], 3)
            self.assertTrue(os.path.exists(at))
            self.assertRaises(BlockingIOError, other.accept)
        # The control: without the archive there is no Redis.
        alone = self.path("alone.sock")
        self._start_service(alone, redis_path)
        by_itself, = ask_at(alone, "/pen")
        self.assertIn(b"no redis: No such file", by_itself.body)

    def test_an_abstract_name_is_a_path_like_any_other(self):
        at = f"@reprise-e2e-{os.getpid()}"
        recording, _ = self._record_hiredis(at)
        with socket.socket(socket.AF_UNIX) as other:
            other.bind("\0" + at[1:])
            other.listen()
            self.assert_held(self.replay(recording), 3)

    def test_replays_at_one_path_run_side_by_side(self):
        recording, _ = self._record_hiredis(self.path("service.sock"))
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for replay in pool.map(lambda _: self.replay(recording), range(2)):
                self.assert_held(replay, 3)

    def test_what_could_not_be_reached_cannot_be_in_the_replay(self):
        at = self.path("service.sock")
        redis_path = self.path("redis.sock")
        recording = self._record_at(at, _UNIX_SERVICE, at, redis_path)
        bodies = [ask_at(at, "/pen")[0].body]
        with socket.socket(socket.AF_UNIX) as gone:
            gone.bind(redis_path)
        bodies += [ask_at(at, "/pen")[0].body]
        os.unlink(redis_path)
        redis, _ = self._redis()
        bodies += [ask_at(at, "/pen")[0].body]
        recording.wait_until_recorded(3).stop()
        for body, what in zip(bodies, (b"no redis: No such file", b"no redis: Connection refused", b"120")):
            self.assertTrue(body.startswith(what), body)
        # It is there now, and still cannot be reached.
        self.assert_held(self.replay(recording), 3)
        redis.stop()

    def test_another_redis_is_missed(self):
        recording, _ = self._record_hiredis(self.path("service.sock"))
        redis_path = self.path("other.sock")
        with RedisServer(unix=redis_path) as redis:
            redis.run("SET pen 120")
            replay = self.replay(recording, *recording.command[:2], redis_path)
        self.assertEqual(replay.status, 4)
        self.assertEqual(replay.diff()["differ"], 3)

    def test_postgresql_by_its_directory(self):
        server = PostgresServer(unix=True)
        self.addCleanup(server.stop)
        server.run("CREATE TABLE items (id int PRIMARY KEY, name text, note text, price int, stock int)",
                   "INSERT INTO items VALUES (1, 'pen', NULL, 120, 7)")
        self.assertIn("host=/", server.conninfo)
        port = harness.free_port()
        recording = self.record(_POSTGRES_SERVICE, str(port), server.conninfo, "1")
        recording.wait_until_listening(port)
        answers = ask(port, "/item/1", "/price/1")
        recording.wait_until_recorded(2).stop()
        server.stop()
        self.assertEqual([answer.body for answer in answers], [b"1,pen,-\n", b"120\n"])
        self.assert_held(self.replay(recording), 2)
        by_itself, = self.answers_of(recording.command, port, "/item/1")
        self.assertIn(b"no database", by_itself.body)

    def test_nginx_between_two_paths(self):
        upstream, at = self.path("upstream.sock"), self.path("nginx.sock")
        redis, redis_path = self._redis()
        service = self._start_service(upstream, redis_path)
        os.chmod(self.root, 0o755)  # nginx's workers are nobody's
        os.chmod(upstream, 0o777)
        command, _ = self.nginx("location / { proxy_pass http://up; }",
                                http=f"upstream up {{ server unix:{upstream}; }}", at=f"unix:{at}")
        recording = self._record_at(at, *command)
        answers = ask_at(at, "/pen", "/ink")
        self.assertEqual(recording.stop(signal.SIGQUIT), 0)
        service.stop()
        redis.stop()
        self.assertEqual([answer.status for answer in answers], [200, 200])
        replay = self.replay(recording)
        self.assert_held(replay, 2)
        self.assertEqual(replay.ledger["exit"], {"code": 0})

    def test_gunicorn_with_its_workers(self):
        at = self.path("gunicorn.sock")
        self.write("application.py", _APPLICATION)
        recording = self._record_at(at, harness.PYTHON, "-m", "gunicorn", "--chdir", self.root, "--workers", "2",
                                    "--bind", f"unix:{at}", "--user", str(os.getuid()), "application")
        answers = [ask_at(at, f"/{number}")[0] for number in range(4)]
        recording.wait_until_recorded(4).stop()
        self.assertEqual([answer.body for answer in answers], [b"/%d by one of 1\n" % n for n in range(4)])
        self.assert_held(self.replay(recording), 4)

    def _assert_passed_on(self, read: int):
        recording, port = self.record_python("passing_server.py", str(read))
        answers = [ask(port, f"/{number}")[0] for number in range(4)]
        recording.wait_until_recorded(4).stop()
        size = len(f"GET /0 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept-Encoding: identity\r\n\r\n")
        for number, answer in enumerate(answers):
            self.assertRegex(answer.body, rb"^worker [12] saw %d bytes from 127.0.0.1\n$" % (size - read))
        exchanges = recording.archive.raw()
        self.assertEqual(len({exchange.connection for exchange in exchanges}), 4)
        for number, exchange in enumerate(exchanges):
            self.assertEqual(exchange.why, "")
            self.assertTrue(exchange.request.startswith(b"GET /%d HTTP/1.1\r\n" % number), exchange.request)
            self.assertEqual(len(exchange.request), size)
            self.assertTrue(exchange.response.endswith(answers[number].body))
        for schedule in ("serial", "recorded"):
            self.assert_held(self.replay(recording, options=["--schedule", schedule]), 4)

    def test_a_connection_that_another_process_takes_over_is_one(self):
        self._assert_passed_on(0)

    def test_what_was_read_before_belongs_to_it(self):
        self._assert_passed_on(4)

    def test_what_a_service_asks_itself_is_neither_asked_nor_answered(self):
        at = self.path("self.sock")
        recording = self._record_at(at, harness.PYTHON, str(harness.SERVICES / "self_calling_server.py"), at)
        answers = [ask_at(at, "/outer")[0] for _ in range(3)]
        recording.wait_until_recorded(3).stop()
        self.assertEqual([answer.body for answer in answers], [b"asked: inner"] * 3)
        lines = recording.archive.ls()
        self.assertEqual([line["target"] for line in lines], ["/outer"] * 3)
        self.assertEqual([line["calls"] for line in lines], [0] * 3)
        for schedule in ("serial", "recorded"):
            replay = self.replay(recording, options=["--schedule", schedule])
            self.assert_held(replay, 3)
        # The control: a replay that knew no listener at the path would refuse what is asked there.
        self.assertEqual(len(replay.archive.ls()), 3)


if __name__ == "__main__":
    unittest.main()
