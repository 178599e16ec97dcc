"""Services that speak TLS to their clients and their peers, recorded and replayed: nginx, and Python by
memory BIOs and by OpenSSL's own sockets. What is recorded is what was encrypted, and no secret."""

import os
import pathlib
import re
import signal
import ssl
import subprocess
import unittest

from tests.e2e import harness
from tests.e2e.certificates import Certificate
from tests.e2e.clients import Answer, ask, ask_all
from tests.e2e.replay_case import ReplayTest

_WAYS = ("asyncio", "threads")
_GNUTLS_SERVICE = os.path.abspath("tests/e2e/gnutls_service")


class TlsTest(ReplayTest):

    def setUp(self):
        super().setUp()
        self._own = Certificate(self.root, "service.test")
        self._peer = Certificate(self.root, "upstream.test")
        self._client = ssl.create_default_context(cafile=self._own.certificate)

    def _start_peer(self, peer: Certificate) -> int:
        self._server, port = self.start_upstream(0, peer.certificate, peer.key)
        return port

    def _record_python(self, way: str, targets: list[str], peer: Certificate,
                       *more: str) -> tuple[harness.Recording, list[Answer]]:
        """The service asked for `targets` by one client; its peer is gone afterwards."""
        upstream = self._start_peer(peer)
        recording, self._port = self.record_python(
            "tls_service.py", self._own.certificate, self._own.key, peer.certificate, str(upstream), way, *more)
        answers = ask(self._port, *targets, tls=self._client)
        recording.stop()
        self._server.stop()
        return recording, answers

    def _nginx(self, upstream: int, more: str = "") -> dict[str, str]:
        return {"listen": "ssl",
                "http": f"upstream up {{ server 127.0.0.1:{upstream}; keepalive 4; }}",
                "server": f"ssl_certificate {self._own.certificate}; ssl_certificate_key {self._own.key}; "
                          "location / { proxy_pass https://up; proxy_http_version 1.1; "
                          f'proxy_set_header Connection ""; {more} }}'}

    def test_a_proxy_under_tls_replays_without_its_upstream(self):
        upstream = self._start_peer(self._peer)
        recording, port = self.record_nginx(**self._nginx(upstream))
        answers = ask_all(port, clients=8, requests=10, tls=self._client)
        self.assertEqual(recording.stop(signal.SIGQUIT), 0)
        self._server.stop()
        for schedule in ("serial", "recorded"):
            replay = self.replay(recording, options=["--schedule", schedule])
            self.assert_held(replay, len(answers))
            self.assertEqual(replay.ledger["fidelity"]["exact"], len(answers))
        for options in (["timed"], ["load", "--concurrency", "4"]):
            performance = self.replay(recording, options=["--schedule", *options]).ledger["performance"]
            self.assertEqual(performance["errors"], {"missing": 0, "statuses": 0, "connections": 0})
            self.assertEqual(performance["responses"], len(answers))
        # What was encrypted is there to be read, and compared.
        recorded = {exchange.response.split(b"\r\n\r\n")[-1] for exchange in recording.archive.raw()}
        self.assertEqual(recorded, {answer.body for answer in answers})
        shown = recording.archive.show(1)
        # This nginx speaks no other unless it is told to.
        self.assertEqual((shown["tls"], shown["external_calls"][0]["tls"]), ("TLS 1.2", "TLS 1.2"))
        command, _ = self.nginx(port=port, **self._nginx(upstream, "add_header X-Build changed;"))
        changed = self.replay(recording, *command)
        self.assertEqual({d["where"] for d in changed.diff()["differences"]}, {"response.header.X-Build"})
        # The control: without the archive there is no upstream.
        by_itself, = self.answers_of(recording.command, port, answers[0].target, tls=self._client)
        self.assertEqual(by_itself.status, 502)

    def test_python_replays_without_its_peer(self):
        for way in _WAYS:
            with self.subTest(way):
                recording, answers = self._record_python(way, ["/a", "/b", "/c"], self._peer)
                for answer in answers:
                    self.assertRegex(answer.body.decode(), rf"answer \d+ to {answer.target} from upstream.test, ")
                self.assertEqual(recording.archive.show(1)["tls"], "TLS 1.3")
                for schedule in ("serial", "recorded"):
                    replay = self.replay(recording, options=["--schedule", schedule])
                    # The peer's certificate is in the answers.
                    self.assert_held(replay, len(answers))
                by_itself, = self.answers_of(recording.command, self._port, "/a", tls=self._client)
                self.assertIn(b"failed: ", by_itself.body)

    def test_a_peer_that_is_asked_for_real_is_asked_under_tls(self):
        recording, _ = self._record_python("threads", ["/a"], self._peer)
        port = int(recording.command[-2])  # of the peer
        server, _ = self.start_upstream(port, self._peer.certificate, self._peer.key)
        replay = self.replay(recording, *recording.command, "", "/more", options=["--on-miss", "passthrough"])
        server.stop()
        self.assertEqual(replay.ledger["fidelity"]["missed"], 1)
        self.assertIn(b"answer 1 to /more", replay.archive.payloads())

    def test_a_certificate_that_was_refused_is_refused_again(self):
        expired = Certificate(self.root, "upstream.test", expired=True)
        for way in _WAYS:
            with self.subTest(way):
                recording, answers = self._record_python(way, ["/a", "/b"], expired)
                for answer in answers:
                    self.assertIn(b"certificate has expired", answer.body)
                replay = self.replay(recording)
                self.assert_held(replay, len(answers))

    def _record_gnutls(self, way: str, targets: list[str],
                       peer: Certificate) -> tuple[harness.Recording, list[Answer]]:
        upstream = self._start_peer(peer)
        self._port = harness.free_port()
        recording = self.record(_GNUTLS_SERVICE, str(self._port), self._own.certificate, self._own.key,
                                peer.certificate, str(upstream), way)
        recording.wait_until_listening(self._port)
        answers = ask(self._port, *targets, tls=self._client)
        recording.wait_until_recorded(len(answers)).stop()
        self._server.stop()
        return recording, answers

    def test_gnutls_replays_without_its_peer(self):
        for way in ("early", "late"):
            with self.subTest(way):
                recording, answers = self._record_gnutls(way, ["/a", "/b", "/c"], self._peer)
                for answer in answers:
                    self.assertRegex(answer.body.decode(), rf"^answer \d+ to {answer.target}\n$")
                for schedule in ("serial", "recorded"):
                    self.assert_held(self.replay(recording, options=["--schedule", schedule]), len(answers))
                by_itself, = self.answers_of(recording.command, self._port, "/a", tls=self._client)
                self.assertIn(b"failed: no upstream", by_itself.body)

    def test_what_gnutls_refused_is_refused_again(self):
        expired = Certificate(self.root, "upstream.test", expired=True)
        for way in ("early", "late"):
            with self.subTest(way):
                recording, answers = self._record_gnutls(way, ["/a", "/b"], expired)
                for answer in answers:
                    self.assertEqual(answer.body.decode(), f"failed: refused {way}\n")
                self.assert_held(self.replay(recording), len(answers))

    def test_tls_that_cannot_be_read_is_told(self):
        # A relay: its TLS is its clients' and its server's business, as that of a library inside a program
        # would be.
        upstream = self._start_peer(self._peer)
        recording, port = self.record_python("relay_server.py", str(upstream))
        client = ssl.create_default_context(cafile=self._peer.certificate)
        answer, = ask(port, "/a", tls=client)
        self.assertIn(b"answer 1 to /a", answer.body)
        recording.stop()
        self.assertIn("2 connections spoke TLS through a library that cannot be read", recording.stderr)
        self.assertNotIn(b"GET /a", recording.archive.payloads())
        # The control: what can be read is not told.
        recording, _ = self._record_python("threads", ["/a"], self._peer)
        self.assertNotIn("cannot be read", recording.stderr)
        self.assertIn(b"GET /a", recording.archive.payloads())

    def test_no_secret_is_in_the_archive(self):
        for way in _WAYS:
            with self.subTest(way):
                secrets = self.path(f"secrets-{way}")
                recording, answers = self._record_python(way, ["/a", "/b"], self._peer, secrets)
                archive = recording.archive.payloads()
                # The control: what was encrypted is there.
                for answer in answers:
                    self.assertIn(answer.body, archive)
                lines = [line.split() for line in pathlib.Path(secrets).read_text(encoding="ascii").splitlines()
                         if not line.startswith("#")]
                self.assertGreaterEqual(len({random for _, random, _ in lines}), 3)
                for _, random, secret in lines:
                    self.assertNotIn(bytes.fromhex(secret), archive)
                    self.assertNotIn(bytes.fromhex(random), archive)
                for key in (self._own.key, self._peer.key):
                    for number in self._private_numbers(key):
                        self.assertNotIn(number, archive)

    def _private_numbers(self, key: str) -> list[bytes]:
        """Of an RSA key: what only its owner knows, as bytes and in the form the file has it."""
        text = subprocess.run(["openssl", "rsa", "-in", key, "-noout", "-text"], check=True,
                              capture_output=True, text=True).stdout
        numbers = re.findall(r"(?:privateExponent|prime1|prime2):\n((?:\s+[0-9a-f:]+\n)+)", text)
        self.assertEqual(len(numbers), 3)
        plain = [bytes.fromhex(re.sub(r"[\s:]", "", number)).lstrip(b"\0") for number in numbers]
        return plain + [pathlib.Path(key).read_bytes()[100:164]]


if __name__ == "__main__":
    unittest.main()
