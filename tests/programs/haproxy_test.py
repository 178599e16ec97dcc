"""HAProxy in front of a backend, which is a peer like any other. Of many clients' requests it is often not seen
for whom a call is made; it is found by what it says."""

import signal
import unittest

from tests.e2e import harness
from tests.programs.program_case import Program, ProgramTest, web_traffic

_CONF = """
global
 nbthread {threads}
defaults
 mode {mode}
 timeout connect 5s
 timeout client 30s
 timeout server 30s
frontend front
 bind 127.0.0.1:{port}
 default_backend back
backend back
 server one 127.0.0.1:{upstream}
"""


class HaproxyTest(ProgramTest):

    def _record(self, mode: str, clients: int = 1, threads: int = 1) -> tuple[harness.Recording, int, str]:
        server, upstream = self.start_upstream()
        port = harness.free_port()
        conf = _CONF.format(mode=mode, port=port, upstream=upstream, threads=threads)
        program = Program(["haproxy", "-db", "-f", self.write("haproxy.cfg", conf)], port,
                          ends_with=signal.SIGUSR1)
        if mode == "http":
            program.exchanges = 1  # that a client came and said nothing is answered
        recording, exchanges = self.record_under_load(
            program, lambda to: web_traffic(to, clients))
        server.stop()
        return recording, exchanges, conf

    def test_requests_passed_on_to_a_backend(self):
        recording, exchanges, conf = self._record("http")
        self.assert_answers_replay(recording, exchanges)
        changed = conf.replace("frontend front\n", "frontend front\n http-response set-header X-Build 2\n")
        replay = self.replay(recording, "haproxy", "-db", "-f", self.write("changed.cfg", changed))
        self.assertEqual(replay.ledger["fidelity"]["missed"], 0)
        self.assertEqual({d["where"] for d in replay.diff()["differences"]}, {"response.header.x-build"})

    def test_bytes_passed_on_to_a_backend(self):
        recording, exchanges, _ = self._record("tcp")
        self.assert_answers_replay(recording, exchanges)

    def test_many_clients_of_one_thread_and_of_several(self):
        for mode in ("http", "tcp"):
            for threads in (1, 4):
                with self.subTest(mode=mode, threads=threads):
                    recording, exchanges, _ = self._record(mode, clients=8, threads=threads)
                    self.assert_answers_replay(recording, exchanges)


if __name__ == "__main__":
    unittest.main()
