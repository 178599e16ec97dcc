"""A service that asks and tells by datagrams (services/datagram_service.cc), replayed with nobody there:
metrics, questions through sockets that are connected and that are not, several in one call, c-ares."""

import base64
import os
import socket
import struct
import threading
import unittest

from tests.e2e import harness
from tests.e2e.clients import ask
from tests.e2e.replay_case import ReplayTest

_SERVICE = os.path.abspath("tests/e2e/datagram_service")


class Peer:
    """Answers each datagram with its number and itself, one with "twice" in it in two, a question for an
    address (DNS) with one made from its name, and metrics not at all."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.heard: list[bytes] = []
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self):
        while True:
            datagram, source = self._socket.recvfrom(2048)
            if not datagram:
                return
            self.heard.append(datagram)
            if b"|c" in datagram or b"lost" in datagram:
                continue
            if b"\0\0\1\0\1" in datagram:
                self._socket.sendto(_address_of(datagram), source)
                continue
            for part in range(2 if b"twice" in datagram else 1):
                self._socket.sendto(b"%d.%d %s" % (len(self.heard), part, datagram), source)

    def stop(self):
        if self._thread.is_alive():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", ("127.0.0.1", self.port))
            self._thread.join()
        self._socket.close()


def _address_of(question: bytes) -> bytes:
    """RFC 1035: the answer to a question for an A record."""
    end = question.index(b"\0", 12) + 5
    record = b"\xc0\x0c" + struct.pack(">HHIH4s", 1, 1, 60, 4, bytes([10, 0, 0, question[12]]))
    return question[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + question[12:end] + record


class DatagramsTest(ReplayTest):

    def _record(self, *targets: str, peer: bool = True) -> tuple[harness.Recording, list[str]]:
        """The service asked for `targets`; whom it asks is gone afterwards, or never was there."""
        self._peer = Peer()
        self.addCleanup(self._peer.stop)
        if not peer:
            self._peer.stop()
        self._port = harness.free_port()
        recording = self.record(_SERVICE, str(self._port), str(self._peer.port))
        recording.wait_until_listening(self._port)
        answers = ask(self._port, *targets)
        recording.wait_until_recorded(len(targets)).stop()
        self._peer.stop()
        return recording, [answer.body.decode() for answer in answers]

    def _calls(self, archive: harness.Archive) -> list[list[tuple[str, bytes, bytes]]]:
        """Of each exchange: protocol, request and response of its calls."""
        return [[(call["protocol"], base64.b64decode(call["request"]["body_base64"]),
                  base64.b64decode(call["response"]["body_base64"]))
                 for call in archive.show(line["exchange"])["external_calls"]] for line in archive.ls()]

    def test_what_is_told_and_never_answered(self):
        recording, answers = self._record(*(f"/told/order{number}" for number in range(40)))
        self.assertEqual(answers, ["told\n"] * 40)
        self.assertEqual(self._calls(recording.archive),
                         [[("udp", b"shop.order%d:1|c" % number, b"")] for number in range(40)])
        replay = self.replay(recording)
        self.assert_held(replay, 40)
        self.assertEqual(replay.ledger["fidelity"]["exact"], 40)
        renamed = self.replay(recording, *recording.command, "renamed")
        self.assertEqual(renamed.ledger["fidelity"]["substituted"], 40)
        self.assertEqual(renamed.diff()["differ"], 40)

    def test_questions_have_the_recorded_answers(self):
        targets = ["/connected/a", "/unconnected/b", "/unconnected/twice", "/several/c", "/connected/d"]
        recording, answers = self._record(*targets)
        at = f"127.0.0.1:{self._peer.port}"
        self.assertEqual(answers[0], f"1.0 a from {at}\n")
        self.assertEqual(answers[1], f"2.0 b from {at}\n")
        self.assertEqual(answers[2].splitlines()[:2], [f"3.0 twice from {at}", f"3.1 twice from {at}"])
        self.assertEqual(answers[3], f"4.0 c-one from {at}\n5.0 c-two from {at}\n")
        self.assertEqual([len(calls) for calls in self._calls(recording.archive)], [1, 1, 1, 2, 1])
        heard = len(self._peer.heard)
        for schedule in ("serial", "recorded"):
            replay = self.replay(recording, options=["--schedule", schedule])
            self.assert_held(replay, len(targets))
            self.assertEqual(replay.ledger["fidelity"]["exact"], 6)
        self.assertEqual(len(self._peer.heard), heard)
        # The control: without the archive nobody answers.
        by_itself, = self.answers_of(recording.command, self._port, "/unconnected/b")
        self.assertEqual(by_itself.body, b"Resource temporarily unavailable\n")

    def test_a_peer_that_nobody_recorded_is_missed(self):
        recording, _ = self._record("/connected/a")
        replay = self.replay(recording, *recording.command[:2], str(self._peer.port + 1))
        self.assertEqual(replay.status, 4)

    def test_lost_and_refused_datagrams_are_so_again(self):
        recording, answers = self._record("/connected/lost", "/unconnected/lost")
        self.assertEqual(answers, ["Resource temporarily unavailable\n"] * 2)
        self.assert_held(self.replay(recording), 2)
        recording, answers = self._record("/connected/a", peer=False)
        self.assertEqual(answers, ["Connection refused\n"])
        self.assert_held(self.replay(recording), 1)

    def test_c_ares_resolves_without_a_server(self):
        recording, answers = self._record("/resolved/one.example", "/resolved/four.example")
        self.assertEqual(answers, ["10.0.0.3\n", "10.0.0.4\n"])
        replay = self.replay(recording)
        self.assert_held(replay, 2)
        self.assertEqual(replay.ledger["fidelity"]["exact"], 2)
        by_itself, = self.answers_of(recording.command, self._port, "/resolved/one.example")
        self.assertNotIn(b"10.0.0.3", by_itself.body)


if __name__ == "__main__":
    unittest.main()
