"""The checkout service against a real Redis and a real payments API."""

import json
import os
import signal
import socket
import subprocess
import unittest

from examples.checkout import traffic
from examples.checkout.dependencies import Dependencies
from examples.http_clients import Received, Request, drive, has_hung_up
from examples.server_process import ServerProcess

_BUILDS = os.path.join("examples", "checkout")
_EXPECTED_STATUSES = {200, 201, 400, 402, 404, 409, 422}


def _start(build: str, dependencies: Dependencies, *flags: str) -> ServerProcess:
    return ServerProcess([os.path.join(_BUILDS, build), *dependencies.service_flags(), *flags],
                         ready=r"^listening on (\d+)$")


def _exchange(service: ServerProcess, *requests: Request) -> list[Received]:
    """The answers to requests on one connection."""

    def script():
        for request in requests:
            yield request

    return drive("127.0.0.1", int(service.ready[1]), [script()])[0]


def _talk(service: ServerProcess, data: bytes) -> bytes:
    """What comes back for `data` until the service closes the connection."""
    with socket.create_connection(("127.0.0.1", int(service.ready[1])), timeout=60) as connection:
        connection.sendall(data)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def _cart(quantity: int = 1) -> Request:
    """A tea for 7.90, so many times."""
    return Request("POST", "/checkout", json.dumps({
        "cart": "c-1", "customer": "u-1", "currency": "EUR",
        "items": [{"sku": "tea-250", "quantity": quantity, "price_cents": 790}]}).encode())


class TrafficTest(unittest.TestCase):

    def test_sixteen_customers_at_once_are_all_served(self):
        with Dependencies() as dependencies, _start("checkout", dependencies) as service:
            notes = drive("127.0.0.1", int(service.ready[1]),
                          [traffic.customer(1, client, 60) for client in range(16)])
            audited = dependencies.redis.run("ZCARD orders:audit")
            self.assertEqual(service.stop(), 0)
        answers = [answer for received in notes for answer in received]
        self.assertEqual(len(answers), 960)
        self.assertEqual({answer.error for answer in answers}, {None})
        self.assertLessEqual({answer.status for answer in answers}, _EXPECTED_STATUSES)

        placed = {}
        for answer in answers:
            if answer.status == 201:
                order = json.loads(answer.body)
                placed[order["order"]] = order
                self.assertEqual(order["total_cents"], order["subtotal_cents"] -
                                 order["discount_cents"] + order["payment_fee_cents"])
        self.assertEqual(sorted(order["number"] for order in placed.values()),
                         list(range(1, len(placed) + 1)))
        shown = [json.loads(answer.body) for answer in answers
                 if answer.status == 200 and answer.request.target.startswith("/orders/")]
        self.assertTrue(shown)
        for order in shown:
            self.assertEqual(order, placed[order["order"]])
        # Declined sales were audited when they were reserved.
        declined = sum(answer.status == 402 for answer in answers)
        self.assertEqual(audited, [str(len(placed) + declined)])

        logged = {line.split()[0] for line in service.lines if line.startswith("request=")}
        self.assertEqual(logged, {"request=" + dict(answer.headers)["X-Request-Id"]
                                  for answer in answers})
        self.assertEqual(service.lines[-1], "stopped")


class BugTest(unittest.TestCase):
    """The payments API writes the fee of a reviewed charge, which is ten, as 1E+1."""

    def _fees(self, build: str) -> list[tuple[int, str]]:
        """The fee of three sales, the second of them reviewed, and how the API wrote it."""
        with Dependencies(review_every=2) as dependencies, _start(build, dependencies) as service:
            orders = [json.loads(answer.body)
                      for answer in _exchange(service, _cart(), _cart(), _cart())]
            shown = [json.loads(answer.body) for answer in _exchange(
                service, *(Request("GET", f"/orders/{order['order']}") for order in orders))]
            self.assertEqual(shown, orders)
            charges = [json.loads(dependencies.redis.run(f"HGET order:{order['order']} charge")[0])
                       for order in orders]
        for order in orders:
            self.assertEqual(order["total_cents"], 790 + order["payment_fee_cents"])
        return [(order["payment_fee_cents"], charge["fee"])
                for order, charge in zip(orders, charges)]

    def test_the_service_takes_a_fee_of_ten_for_one(self):
        self.assertEqual(self._fees("checkout"),
                         [(36, "0.36 EUR"), (100, "1E+1 EUR"), (36, "0.36 EUR")])

    def test_the_fixed_build_does_not(self):
        self.assertEqual(self._fees("checkout_fixed"),
                         [(36, "0.36 EUR"), (1000, "1E+1 EUR"), (36, "0.36 EUR")])


class ChangedBuildsTest(unittest.TestCase):

    def _audited(self, build: str) -> list[str]:
        with Dependencies() as dependencies, _start(build, dependencies) as service:
            order = json.loads(_exchange(service, _cart())[0].body)["order"]
            entries = dependencies.redis.run("ZRANGE orders:audit 0 -1")
        return [entry.removesuffix(" " + order) for entry in entries if entry]

    def test_a_sale_is_audited_once_more_or_less(self):
        self.assertEqual(self._audited("checkout"), ["reserved"])
        self.assertEqual(self._audited("checkout_added"), ["reserved", "charged"])
        self.assertEqual(self._audited("checkout_removed"), [])


class FailingDependencyTest(unittest.TestCase):

    def _assert_unavailable(self, answer: Received, who: str):
        self.assertEqual(answer.status, 503)
        failure = json.loads(answer.body)
        self.assertEqual(failure["error"], "dependency_unavailable")
        self.assertTrue(failure["message"].startswith(who), failure)

    def test_without_redis_it_says_so_and_goes_on(self):
        with Dependencies() as dependencies, _start("checkout", dependencies) as service:
            self.assertEqual(_exchange(service, _cart())[0].status, 201)
            dependencies.redis.stop()
            sale, order, health = _exchange(service, _cart(), Request("GET", "/orders/ord_1"),
                                            Request("GET", "/health"))
            self._assert_unavailable(sale, "redis")
            self._assert_unavailable(order, "redis")
            self.assertEqual(health.status, 200)
            self.assertEqual(service.stop(), 0)

    def test_without_payments_nothing_stays_reserved(self):
        with Dependencies() as dependencies, _start("checkout", dependencies) as service:
            before = dependencies.redis.run("GET stock:tea-250")
            dependencies.payments.stop()
            self._assert_unavailable(_exchange(service, _cart(3))[0], "payments")
            self.assertEqual(dependencies.redis.run("GET stock:tea-250"), before)

    def test_it_starts_without_them_and_finds_no_warehouse(self):
        with Dependencies() as dependencies, _start(
                "checkout", dependencies, "--warehouse-host", "no.such.invalid") as service:
            self._assert_unavailable(_exchange(service, _cart())[0], "warehouse")
            dependencies.stop()
            with _start("checkout", dependencies) as orphan:
                self._assert_unavailable(_exchange(orphan, _cart())[0], "redis")

    def test_the_last_pieces_are_sold_once(self):
        cup = Request("POST", "/checkout", json.dumps({
            "cart": "c-1", "customer": "u-1", "currency": "EUR",
            "items": [{"sku": "tea-250", "quantity": 1, "price_cents": 790},
                      {"sku": "cup-signed", "quantity": 2, "price_cents": 4500}]}).encode())
        with Dependencies() as dependencies, _start("checkout", dependencies) as service:
            before = int(dependencies.redis.run("GET stock:tea-250")[0])
            statuses = [answer.status for answer in _exchange(service, cup, cup, cup)]
            self.assertEqual(statuses, [201, 201, 409])  # There are five.
            self.assertEqual(dependencies.redis.run("GET stock:cup-signed", "GET stock:tea-250"),
                             ["1", str(before - 2)])


class HttpTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.dependencies = Dependencies()
        cls.service = _start("checkout", cls.dependencies)

    @classmethod
    def tearDownClass(cls):
        cls.service.stop()
        cls.dependencies.stop()

    def test_pipelined_requests_are_answered_in_order(self):
        health = b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n"
        unknown = b"GET /nowhere HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        answers = _talk(self.service, health * 4 + unknown)
        self.assertEqual(answers.count(b"HTTP/1.1 200 OK"), 4)
        self.assertGreater(answers.index(b"HTTP/1.1 404"), answers.rindex(b"HTTP/1.1 200 OK"))

    def test_head_has_no_body(self):
        answer = _talk(self.service, b"HEAD /health HTTP/1.0\r\n\r\n")
        self.assertIn(b"Content-Length: 16\r\n", answer)
        self.assertTrue(answer.endswith(b"\r\n\r\n"), answer)

    def test_bytes_that_are_no_request_are_refused(self):
        self.assertTrue(_talk(self.service, b"\x16\x03\x01\r\n\r\n").startswith(b"HTTP/1.1 400 "))

    def test_a_huge_body_is_refused(self):
        header = b"POST /checkout HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n"
        self.assertTrue(_talk(self.service, header).startswith(b"HTTP/1.1 413 "))

    def test_a_method_that_fits_nothing_is_refused(self):
        answer, = _exchange(self.service, Request("DELETE", "/checkout"))
        self.assertEqual(answer.status, 405)


class LifeTest(unittest.TestCase):

    def test_it_stops_although_clients_are_connected(self):
        with Dependencies() as dependencies:
            for number in (signal.SIGTERM, signal.SIGINT):
                service = _start("checkout", dependencies)
                address = ("127.0.0.1", int(service.ready[1]))
                with socket.create_connection(address, timeout=60) as silent, \
                        socket.create_connection(address, timeout=60) as halfway:
                    halfway.sendall(b"GET /hea")
                    self.assertEqual(service.stop(number), 0)
                    self.assertTrue(has_hung_up(silent) and has_hung_up(halfway))

    def test_bad_flags_and_a_port_in_use_are_explained(self):
        binary = os.path.join(_BUILDS, "checkout")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            for flags, complaint in (
                    (["--redis", "localhost"], "is not HOST:PORT"),
                    (["--threads", "0"], "--threads"),
                    (["--port", "65536"], "--port"),
                    (["--port", port, "--redis", "localhost:1"], f"port {port}")):
                done = subprocess.run([binary, *flags], stdin=subprocess.DEVNULL, check=False,
                                      capture_output=True, text=True, timeout=60)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(complaint, done.stderr)


if __name__ == "__main__":
    unittest.main()
