"""`reprise replay` as a script relies on it: exit statuses, what each option tolerates, and words that
help where a replay cannot be had."""

import http.server
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import threading
import unittest

from tests.e2e import harness


class _Upstream:
    """Counts what it is asked, and answers with it."""

    def __init__(self):
        upstream = self
        self.asked: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                upstream.asked.append(f"{self.path} {body}".strip())
                text = f"price {len(upstream.asked)}".encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def _damage_the_index(path: str):
    """Changes a byte of a table, without which every exchange is still read (docs/archive_format.md)."""
    harness.run_reprise("ls", path)  # makes events of its journal
    data = bytearray(pathlib.Path(path).read_bytes())
    at, last = 0, 0
    while at < len(data):
        if data[at + 12] == 5:
            last = at
        at += 72 + int.from_bytes(data[at + 16:at + 20], "little")
    data[last + 80] ^= 0xff
    pathlib.Path(path).write_bytes(data)


class ReplayTestCase(harness.EndToEndTest):
    """A recording of asking_server.py, and replays of it."""

    def record_asking(self, *targets: str) -> tuple[str, list[str], _Upstream]:
        """Returns the archive, the service's command and its upstream, which still runs."""
        upstream = _Upstream()
        self.addCleanup(upstream.close)
        recording, port = self.record_python("asking_server.py", str(upstream.port))
        for target in targets:
            with harness.connect(port) as client:
                client.sendall(f"GET {target} HTTP/1.1\r\n\r\n".encode())
                harness.read_to_end(client)
        recording.wait_until_recorded(len(targets)).stop()
        return recording.archive.path, [
            harness.PYTHON, str(harness.SERVICES / "asking_server.py"), str(port),
            str(upstream.port)], upstream

    def replay(self, archive: str, command, *options: str, status: int) -> dict:
        """The ledger of a replay that ends with `status`."""
        done = harness.run_reprise("replay", archive, "-o", self.path("replay.reprise"), "--overwrite",
                                   "--json", *options, "--", *command, status=status)
        return json.loads(done.stdout)

    def refuse(self, *words: str) -> str:
        """What `reprise` says when it refuses; it has started nothing and printed no ledger."""
        done = harness.run_reprise(*words, status=2)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def replayed_body(self, number: int) -> bytes:
        response = [one for one in harness.Archive(self.path("replay.reprise")).raw()
                    if one.number == number][0].response
        return response.partition(b"\r\n\r\n")[2]


class PolicyTest(ReplayTestCase):

    def test_the_same_build_holds_under_every_policy(self):
        archive, command, upstream = self.record_asking("/tea", "/milk")
        upstream.close()
        for policy in ("exact", "relaxed", "substituted"):
            ledger = self.replay(archive, command, "--policy", policy, status=0)
            self.assertEqual(ledger["fidelity"]["exact"], 2)
            self.assertEqual(ledger["divergences"], [])

    def test_a_header_that_may_differ_is_below_exact_alone(self):
        archive, command, _ = self.record_asking("/tea")
        changed = [*command, "header=X-Request-Id:7"]
        for policy, status in (("exact", 4), ("relaxed", 0), ("substituted", 0)):
            ledger = self.replay(archive, changed, "--policy", policy, status=status)
            self.assertEqual(ledger["fidelity"]["relaxed"], 1)

    def test_a_changed_request_is_below_relaxed_and_always_differs(self):
        archive, command, _ = self.record_asking("/tea")
        changed = [*command, "body=/coffee"]
        for policy, status in (("exact", 4), ("relaxed", 4), ("substituted", 1)):
            ledger = self.replay(archive, changed, "--policy", policy, status=status)
            self.assertEqual(ledger["fidelity"]["substituted"], 1)
            self.assertEqual(len(ledger["divergences"]), 1)
        self.assertEqual(self.replayed_body(1), b"price 1")  # the recorded answer all the same

    def test_damage_counts_more_than_a_policy_and_usage_more_than_damage(self):
        archive, command, _ = self.record_asking("/tea")
        _damage_the_index(archive)
        changed = [*command, "body=/coffee"]
        self.replay(archive, changed, status=3)
        harness.run_reprise("replay", archive, "--policy", "none", "--", *changed, status=2)


class MissTest(ReplayTestCase):
    """A build that asks for something nobody recorded."""

    def setUp(self):
        super().setUp()
        self.archive, command, self.upstream = self.record_asking("/tea", "/milk")
        self.changed = [*command, "extra=/new"]
        self.upstream.asked.clear()

    def test_by_default_the_call_fails_and_the_replay_goes_on(self):
        ledger = self.replay(self.archive, self.changed, status=4)
        self.assertEqual(ledger["replayed"], 2)
        self.assertEqual(ledger["fidelity"]["missed"], 2)
        self.assertRegex(self.replayed_body(1), b"^price 1 and (Connection|RemoteDisconnected)")
        self.assertEqual(self.upstream.asked, [])

    def test_fail_stops_the_replay_and_says_where(self):
        ledger = self.replay(self.archive, self.changed, "--on-miss", "fail", status=4)
        self.assertEqual(ledger["fidelity"]["missed"], 1)
        self.assertLess(ledger["replayed"], 2)
        self.assertRegex("\n".join(ledger["notes"]), r"stopped: .*127\.0\.0\.1:\d+")
        self.assertEqual(self.upstream.asked, [])

    def test_passthrough_asks_the_real_peer_for_what_is_missing_and_nothing_else(self):
        ledger = self.replay(self.archive, self.changed, "--on-miss", "passthrough", status=4)
        self.assertEqual(ledger["replayed"], 2)
        self.assertEqual(ledger["fidelity"]["exact"], 2)
        self.assertEqual(self.upstream.asked, ["/new", "/new"])
        self.assertEqual(self.replayed_body(1), b"price 1 and price 1")
        self.assertEqual(self.replayed_body(2), b"price 2 and price 2")


class RefusalTest(ReplayTestCase):

    def test_programs_that_cannot_be_replayed_are_refused(self):
        archive, _, _ = self.record_asking("/tea")
        source = self.write("quiet.c", "int main(void) { return 0; }\n")
        static, elevated = self.path("static"), self.path("elevated")
        subprocess.run(["gcc", "-static", "-o", static, source], check=True)
        subprocess.run(["gcc", "-o", elevated, source], check=True)
        cases = [(static, "statically linked"), (self.path("none"), "No such file"),
                 ("no-such-program", "there is no program `no-such-program`")]
        if os.geteuid() == 0:
            os.chown(elevated, 65534, 65534)
            os.chmod(elevated, 0o4755)
            cases.append((elevated, "setuid"))
        for program, words in cases:
            for command in ("replay", "debug"):
                self.assertIn(words, self.refuse(command, archive, "--", program))

    def test_an_exchange_that_is_not_there_is_refused(self):
        archive, command, _ = self.record_asking("/tea", "/milk")
        for number in ("3", "0"):
            words = self.refuse("replay", archive, "--only", number, "--", *command)
            self.assertIn(f"has no exchange {number}: its last is 2", words)
        self.assertIn("--only", self.refuse("replay", archive, "--with-prefix", "--", *command))

    def test_an_output_that_exists_or_cannot_be_written_is_refused_before_anything_starts(self):
        archive, _, _ = self.record_asking("/tea")
        started = self.path("started")
        taken = self.write("taken.reprise", "mine\n")
        for output, words in ((taken, "--overwrite"), (self.path("no/dir/a.reprise"), "no/dir"),
                              (self.root, self.root)):
            said = self.refuse("replay", archive, "-o", output, "--", "/bin/touch", started)
            self.assertIn(words, said)
        self.assertEqual(pathlib.Path(taken).read_text(encoding="utf-8"), "mine\n")
        self.assertFalse(os.path.exists(started))

    def test_tls_to_the_service_is_refused(self):
        key, certificate = self.path("key.pem"), self.path("certificate.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
                        "/CN=localhost", "-keyout", key, "-out", certificate], check=True,
                       stderr=subprocess.DEVNULL)
        port = harness.free_port()
        command = ["openssl", "s_server", "-quiet", "-www", "-accept", str(port), "-key", key, "-cert",
                   certificate]
        recording = self.record(*command).wait_until_listening(port)
        trusting = ssl.create_default_context(cafile=certificate)
        with harness.connect(port) as plain, \
                trusting.wrap_socket(plain, server_hostname="localhost") as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            self.assertIn(b"200", client.recv(64))
        recording.stop()
        for command_name in ("replay", "debug"):
            words = self.refuse(command_name, recording.archive.path, "--", *command)
            self.assertRegex(words, r"speaks TLS to the service, which cannot be replayed yet; let TLS "
                                    r"end in front")


class OlderArchiveTest(ReplayTestCase):
    """Archives without what agents of older versions did not record, or a recorder lost."""

    MODES = (("replay",), ("replay", "--schedule", "recorded"), ("replay", "--only", "1"),
             ("replay", "--only", "1", "--with-prefix"), ("replay", "--repeat", "2"),
             ("debug", "--batch"), ("debug", "--batch", "--schedule", "recorded", "--at", "1"))

    def without(self, archive: str, *what: str) -> str:
        """A copy of an archive that lacks it."""
        copy = self.path(f"without-{'-'.join(what)}.reprise")
        subprocess.run([os.path.abspath("tests/e2e/older_archive"), archive, copy, *what], check=True)
        return copy

    def test_what_no_replay_can_do_without_is_told_before_anything_starts(self):
        archive, _, upstream = self.record_asking("/tea", "/milk")
        upstream.close()
        started = self.path("started")
        cases = [(self.without(archive, "accepts"), "accepted: an agent of an older version made it"),
                 (self.without(archive, "listens"), "where the service began to listen for connection"),
                 (self.without(archive, "clock"), "no moment in it is known"),
                 (os.path.abspath("tests/golden/format_1_0.reprise"), "record the service again")]
        for older, words in cases:
            for command, *options in self.MODES:
                said = self.refuse(command, older, *options, "--", "/bin/touch", started)
                self.assertIn(words, said)
                self.assertIn(older, said)
        self.assertFalse(os.path.exists(started))

    def test_what_a_replay_goes_without_is_remarked_and_the_rest_holds(self):
        archive, command, upstream = self.record_asking("/tea", "/milk")
        upstream.close()
        cases = [("environment", "does not have the environment of the service"),
                 ("processes", "does not have the environment of the service"),
                 ("modules", "does not have where libraries were loaded"),
                 ("threads", "does not have which thread or process took")]
        for what, words in cases:
            done = harness.run_reprise("replay", self.without(archive, what), "-o", self.path(what),
                                       "--schedule", "recorded", "--", *command, status=0)
            self.assertIn(words, done.stderr)
        # The control: the archive as it was made, and a schedule that has no use for the threads.
        for older, schedule in ((self.without(archive), "recorded"),
                                (self.without(archive, "threads"), "serial")):
            done = harness.run_reprise("replay", older, "-o", self.path("whole"), "--overwrite",
                                       "--schedule", schedule, "--", *command, status=0)
            self.assertNotIn("does not have", done.stderr)


class PortTest(ReplayTestCase):

    def test_a_port_in_use_is_the_services_own_failure_when_it_is_recorded(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            recording = self.record(harness.PYTHON, str(harness.SERVICES / "asking_server.py"),
                                    str(taken.getsockname()[1]), "1")
            self.assertEqual(recording.wait(), 1)
        self.assertIn("Address already in use", recording.stderr)
        self.assertEqual(recording.archive.stats()["exit"], {"code": 1})
        self.assertIn("nobody spoke to the recorded service",
                      self.refuse("replay", recording.archive.path, "--", "/bin/true"))

    def test_a_port_in_use_is_nothing_to_a_replay(self):
        archive, command, _ = self.record_asking("/tea")
        with socket.create_server(("127.0.0.1", int(command[2]))):
            self.replay(archive, command, status=0)
            without = subprocess.run(command, capture_output=True, text=True, check=False)
            self.assertIn("Address already in use", without.stderr)

    def test_a_service_on_another_port_is_replayed_and_said_to_differ(self):
        archive, command, _ = self.record_asking("/tea")
        other = [*command[:2], str(harness.free_port()), *command[3:]]
        ledger = self.replay(archive, other, status=1)
        self.assertEqual(ledger["replayed"], 1)
        divergence, = ledger["divergences"]
        self.assertIn(command[2], divergence["expected"])
        self.assertIn(other[2], divergence["actual"])

    def test_a_service_that_never_listens_is_refused_with_what_it_does_instead(self):
        archive, command, _ = self.record_asking("/tea")
        idle = [harness.PYTHON, "-c", "import signal; signal.pause()"]
        words = self.refuse("replay", archive, "--", *idle)
        self.assertIn(f"the service never listened on 127.0.0.1:{command[2]}", words)
        self.assertIn("waits for a signal", words)

    def test_a_service_that_listens_without_accepting_is_said_to(self):
        archive, command, _ = self.record_asking("/tea", "/milk")
        deaf = [harness.PYTHON, "-c", "import signal, socket, sys\n"
                "listener = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
                "signal.pause()", command[2]]
        ledger = self.replay(archive, deaf, status=1)
        told = [(one["exchange"], one["kind"], one["actual"]) for one in ledger["divergences"]
                if one["kind"] == "no response"]
        self.assertEqual([exchange for exchange, _, _ in told], [1, 2])
        for _, _, actual in told:
            self.assertIn("the service never accepted the connection", actual)
            self.assertIn("waits for a signal", actual)
        self.assertEqual(ledger["waits"]["bounded"], ledger["waits"]["expired"])
        self.assertGreater(ledger["waits"]["expired"], 0)

    def test_a_service_on_a_unix_socket_is_refused_with_where_it_listens(self):
        archive, command, _ = self.record_asking("/tea")
        path = self.path("socket")
        other = [harness.PYTHON, "-c", "import socket, sys\n"
                 "listener = socket.socket(socket.AF_UNIX)\n"
                 "listener.bind(sys.argv[1])\n"
                 "listener.listen()\n"
                 "listener.accept()", path]
        words = self.refuse("replay", archive, "--", *other)
        self.assertIn(f"never listened on 127.0.0.1:{command[2]}", words)
        self.assertIn(f"but on unix:{path}", words)

    def test_a_service_that_speaks_another_protocol_differs(self):
        archive, command, _ = self.record_asking("/tea")
        other = [harness.PYTHON, "-c", "import socket, sys\n"
                 "listener = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
                 "while True:\n"
                 "    with listener.accept()[0] as client:\n"
                 "        client.recv(65536)\n"
                 "        client.sendall(b'-ERR unknown command\\r\\n')", command[2]]
        ledger = self.replay(archive, other, status=1)
        response, = [one for one in ledger["divergences"] if one["kind"] == "response"]
        self.assertEqual(response["expected"], "status 200")
        self.assertEqual(response["actual"], "an answer without a status")

    def test_more_workers_than_recorded_serve_all_the_same_and_are_counted(self):
        forking = ("import os, socket, sys\n"
                   "listener = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
                   "for _ in range(int(sys.argv[2])):\n"
                   "    if os.fork() == 0: break\n"
                   "while True:\n"
                   "    with listener.accept()[0] as client:\n"
                   "        if client.recv(65536):\n"
                   "            client.sendall(b'HTTP/1.1 204 No Content\\r\\n\\r\\n')\n")
        port = harness.free_port()
        recording = self.record(harness.PYTHON, "-c", forking, str(port), "1").wait_until_listening(port)
        for _ in range(4):
            with harness.connect(port) as client:
                client.sendall(b"GET / HTTP/1.1\r\n\r\n")
                harness.read_response(client)
        recording.wait_until_recorded(4)
        for pid in harness.descendants(recording.service_pid()):
            os.kill(pid, signal.SIGTERM)
        recording.stop()
        for workers, told in (("1", False), ("3", True)):
            command = [*recording.command[:-1], workers]
            ledger = self.replay(recording.archive.path, command, status=0)
            self.assertEqual(ledger["replayed"], 4)
            self.assertEqual("the service started 4 processes, recorded 2" in "\n".join(ledger["notes"]), told)

    def test_a_service_that_ends_early_differs(self):
        archive, command, _ = self.record_asking("/tea", "/milk", "/salt")
        ledger = self.replay(archive, [*command, "exit-after=1"], status=1)
        self.assertEqual(ledger["replayed"], 1)
        self.assertIn("ended before 2 of the selected exchanges", "\n".join(ledger["notes"]))
        self.assertEqual(ledger["exit"], {"code": 9})
        self.assertIn("exit", [divergence["kind"] for divergence in ledger["divergences"]])


if __name__ == "__main__":
    unittest.main()
