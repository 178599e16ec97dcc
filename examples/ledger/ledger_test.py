"""The ledger against a real Redis, in every way it can be run."""

import itertools
import json
import os
import signal
import socket
import subprocess
import unittest

from examples.http_clients import Received, Request, drive, has_hung_up
from examples.ledger import traffic
from examples.redis_server import RedisServer
from examples.server_process import ServerProcess

_BINARY = os.path.join("examples", "ledger", "ledger")
_THREADINGS = ("pool", "thread-per-connection")
_PROTOCOLS = ((), ("--resp3",))


def _start(redis: RedisServer, *flags: str) -> ServerProcess:
    return ServerProcess([_BINARY, "--redis-port", str(redis.port), *flags],
                         ready=r"^listening on (\d+)$")


def _exchange(service: ServerProcess, *requests: Request) -> list[Received]:
    """The answers to requests on one connection."""

    def script():
        for request in requests:
            yield request

    return drive("127.0.0.1", int(service.ready[1]), [script()])[0]


class TrafficTest(unittest.TestCase):

    def test_sixteen_clerks_at_once_are_all_served(self):
        for threading, protocol in itertools.product(_THREADINGS, _PROTOCOLS):
            with self.subTest(threading=threading, protocol=protocol), RedisServer() as redis:
                with _start(redis, "--threading", threading, *protocol) as service:
                    notes = drive("127.0.0.1", int(service.ready[1]),
                                  [traffic.clerk(1, client, 40) for client in range(16)])
                    self.assertEqual(service.stop(), 0)
                answers = [answer for received in notes for answer in received]
                self.assertEqual(len(answers), 640)
                self.assertEqual({answer.error for answer in answers}, {None})
                self.assertEqual({answer.status for answer in answers}, {200, 201, 400, 404})
                entries = [json.loads(answer.body)["entry"] for answer in answers
                           if answer.status == 201]
                self.assertEqual(sorted(entries), list(range(1, len(entries) + 1)))
                self.assertEqual(len(service.lines), len(answers) + 2)
                self.assertEqual(service.lines[-1], "stopped")

    def test_both_protocols_of_redis_give_the_same_answers(self):
        answers = []
        for protocol in _PROTOCOLS:
            with RedisServer() as redis, _start(redis, *protocol) as service:
                notes = drive("127.0.0.1", int(service.ready[1]), [traffic.clerk(1, 0, 300)])[0]
                answers.append([(answer.status, answer.body) for answer in notes])
                # Redis itself tells what it was asked in.
                spoken = "resp=3" if protocol else "resp=2"
                ours = [line for line in redis.run("CLIENT LIST") if "cmd=client" not in line]
                self.assertTrue(ours)
                self.assertTrue(all(spoken in line for line in ours), ours)
        self.assertEqual(answers[0], answers[1])


class AccountTest(unittest.TestCase):

    def test_an_account_has_an_owner_entries_and_totals(self):
        for protocol in _PROTOCOLS:
            with self.subTest(protocol=protocol), RedisServer() as redis, \
                    _start(redis, *protocol) as service:
                entries = "/accounts/a/entries"
                answers = _exchange(
                    service, Request("GET", "/accounts/a"), Request("POST", entries, b"5"),
                    Request("PUT", "/accounts/a", "Zoë".encode()), Request("GET", "/accounts/a"),
                    Request("POST", entries, b"5"), Request("POST", entries, b"-7"),
                    Request("POST", entries, b"20"), Request("GET", entries),
                    Request("GET", entries + "?from=-2&to=-1"), Request("GET", entries + "?from=x"),
                    Request("GET", "/accounts/a/totals"), Request("GET", "/accounts/b/totals"))
                self.assertEqual(
                    [(answer.status, json.loads(answer.body)) for answer in answers],
                    [(404, {"error": "there is no account 'a'"}),
                     (404, {"error": "there is no account 'a'"}),
                     (200, {"owner": "Zoë"}), (200, {"owner": "Zoë"}),
                     (201, {"entry": 1}), (201, {"entry": 2}), (201, {"entry": 3}),
                     (200, ["1 5", "2 -7", "3 20"]), (200, ["2 -7", "3 20"]),
                     (400, {"error": "'from' and 'to' must be whole numbers"}),
                     (200, {"credit": "25", "debit": "7"}), (200, {})])
                self.assertEqual(redis.run("ZSCORE ledger:turnover a"), ["32"])

    def test_an_answer_larger_than_a_read_is_whole(self):
        for protocol in _PROTOCOLS:
            with self.subTest(protocol=protocol), RedisServer() as redis, \
                    _start(redis, *protocol) as service:
                redis.run(*(f"RPUSH account:a:entries {number}" for number in range(20000)))
                answer, = _exchange(service, Request("GET", "/accounts/a/entries"))
                self.assertEqual(json.loads(answer.body), [str(number) for number in range(20000)])


class FailureTest(unittest.TestCase):

    def test_without_redis_it_says_so_and_finds_it_again(self):
        for protocol in _PROTOCOLS:
            with self.subTest(protocol=protocol), RedisServer() as redis, \
                    _start(redis, "--redis-connections", "1", *protocol) as service:
                # Redis hangs up on every client but the one that asks for it.
                redis.run("CLIENT KILL TYPE normal SKIPME yes")
                request = Request("PUT", "/accounts/a", b"Ada")
                self.assertEqual([answer.status for answer in _exchange(service, request, request)],
                                 [503, 200])
                redis.stop()
                self.assertEqual([answer.status for answer in _exchange(service, request, request)],
                                 [503, 503])

    def test_a_value_of_another_type_is_an_error_of_its_request_alone(self):
        for protocol in _PROTOCOLS:
            with self.subTest(protocol=protocol), RedisServer() as redis, \
                    _start(redis, "--redis-connections", "1", *protocol) as service:
                redis.run("SET account:a:owner Ada", "SET account:a:totals x")
                statuses = [answer.status for answer in _exchange(
                    service, Request("GET", "/accounts/a/totals"),
                    Request("POST", "/accounts/a/entries", b"5"), Request("GET", "/accounts/a"))]
                self.assertEqual(statuses, [503, 503, 200])

    def test_a_huge_body_is_refused_and_the_connection_kept(self):
        with RedisServer() as redis, _start(redis) as service:
            statuses = [answer.status for answer in _exchange(
                service, Request("PUT", "/accounts/a", b"x" * 100_000),
                Request("PUT", "/accounts/a", b"x" * 10_000), Request("DELETE", "/accounts/a"),
                Request("GET", "/"))]
            self.assertEqual(statuses, [413, 200, 405, 404])


class LifeTest(unittest.TestCase):

    def test_it_stops_although_clients_are_connected(self):
        for threading, number in itertools.product(_THREADINGS, (signal.SIGTERM, signal.SIGINT)):
            with self.subTest(threading=threading, number=number), RedisServer() as redis:
                service = _start(redis, "--threading", threading)
                address = ("127.0.0.1", int(service.ready[1]))
                with socket.create_connection(address, timeout=60) as silent:
                    self.assertEqual(service.stop(number), 0)
                    self.assertTrue(has_hung_up(silent))

    def test_bad_flags_and_a_port_in_use_are_explained(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            for flags, complaint in ((["--threads", "1"], "--threads"),
                                     (["--threading", "fork"], "--threading"),
                                     (["--redis-port", "0"], "--redis-port"),
                                     (["--redis-port", "1", "--port", port], f"port {port}")):
                done = subprocess.run([_BINARY, *flags], stdin=subprocess.DEVNULL, check=False,
                                      capture_output=True, text=True, timeout=60)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(complaint, done.stderr)


if __name__ == "__main__":
    unittest.main()
