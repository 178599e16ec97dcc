"""HTTP in all its forms, recorded and replayed: what a client of the replay sees is what clients saw."""

import os
import socket
import unittest

from tests.e2e import harness
from tests.e2e.replay_case import ReplayTest
from tests.e2e.services import scripted_server


def _head(method: str, path: str, *headers: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: test", *headers, "", ""]).encode()


def _post(path: str, body: bytes, method: str = "POST") -> bytes:
    return _head(method, path, f"Content-Length: {len(body)}") + body


class TrafficReplayTest(ReplayTest):

    def record_traffic(self, talk) -> harness.Recording:
        """`talk(port)` is what the clients do; returns how many exchanges that is."""
        recording, port = self.record_python("scripted_server.py", options=["--lossless"])
        return recording.wait_until_recorded(talk(port))

    def assert_replays(self, talk):
        recording = self.record_traffic(talk)
        recording.stop()
        self.assert_held(self.replay(recording), len(recording.archive.ls()))

    def test_every_kind_of_answer(self):
        def talk(port: int) -> int:
            with harness.connect(port) as client:
                for path in scripted_server.RESPONSES:
                    client.sendall(_head("GET", path.decode()))
                    if path == b"/chunked":
                        received = b""
                        while not received.endswith(b"Trailer: t\r\n\r\n"):
                            received += client.recv(65536)
                    else:
                        harness.read_response(client)
                client.sendall(_head("GET", "/now"))
                harness.read_response(client)
            with harness.connect(port) as client:
                client.sendall(b"GET /close-delimited HTTP/1.0\r\n\r\n")
                harness.read_to_end(client)
            return len(scripted_server.RESPONSES) + 2
        self.assert_replays(talk)

    def test_every_kind_of_request(self):
        def talk(port: int) -> int:
            with harness.connect(port) as client:
                client.sendall(b"".join(_head("GET", "/now") for _ in range(5)))  # pipelined
                for _ in range(5):
                    harness.read_response(client)
                for method in ("PURGE", "QUERY", "PUT"):
                    client.sendall(_post("/echo", b"q=1", method))
                    harness.read_response(client)
                client.sendall(_head("HEAD", "/now"))
                while b"\r\n\r\n" not in client.recv(65536):
                    pass
                client.sendall(_head("POST", "/echo", "Content-Length: 5", "Expect: 100-continue"))
                harness.read_response(client)
                client.sendall(b"hello")
                harness.read_response(client)
            return 10
        self.assert_replays(talk)

    def test_a_large_upload(self):
        def talk(port: int) -> int:
            with harness.connect(port) as client:
                client.sendall(_post("/length", os.urandom(16 << 20)))
                harness.read_response(client)
            return 1
        self.assert_replays(talk)

    def test_a_connection_that_goes_over_to_another_protocol(self):
        def talk(port: int) -> int:
            with harness.connect(port) as client:
                client.sendall(_head("GET", "/upgrade", "Connection: Upgrade", "Upgrade: lines"))
                harness.read_exactly(client, len(scripted_server.UPGRADED))
                for number in range(3):
                    client.sendall(b"line %d\n" % number)
                    received = b""
                    while not received.endswith(b"\n"):
                        received += client.recv(65536)
                client.shutdown(socket.SHUT_WR)
                harness.read_to_end(client)
            return 4
        self.assert_replays(talk)

    def test_a_request_in_many_pieces(self):
        request = _post("/echo", b"in pieces")

        def talk(port: int) -> int:
            with harness.connect(port) as client:
                for byte in request:
                    client.sendall(bytes([byte]))
                harness.read_response(client)
            return 1
        self.assert_replays(talk)

    def test_another_answer_is_told(self):
        """The control: a service in another mood says something else, and only where it tells its mood."""
        def talk(port: int) -> int:
            with harness.connect(port) as client:
                for path in ("/now", "/none", "/now"):
                    client.sendall(_head("GET", path))
                    harness.read_response(client)
            return 3
        recording = self.record_traffic(talk)
        recording.stop()
        replay = self.replay(recording, *recording.command, "grumpy")
        self.assertEqual(replay.status, 1)
        self.assertEqual([(d["exchange"], d["kind"]) for d in replay.ledger["divergences"]],
                         [(1, "response"), (3, "response")])
        differences = replay.diff()["differences"]
        self.assertEqual({d["exchange"] for d in differences}, {1, 3})
        bodies = [d for d in differences if d["where"].startswith("response.body")]
        for body in bodies:
            self.assertEqual(body["candidate"].removesuffix("grumpy"), body["base"])
        self.assertEqual(len(bodies), 2)


if __name__ == "__main__":
    unittest.main()
