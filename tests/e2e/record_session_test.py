"""`reprise record` is transparent to the service, and says in words what it cannot record."""

import os
import pathlib
import pty
import signal
import stat
import subprocess
import unittest

from tests.e2e import harness


class TransparencyTest(harness.EndToEndTest):

    def _record_shell(self, script: str, **kwargs) -> harness.Recording:
        return self.record("/bin/sh", "-c", script, **kwargs)

    def test_exit_codes_are_passed_on(self):
        for code in (0, 1, 7, 255):
            with self.subTest(code=code):
                recording = self._record_shell(f"exit {code}")
                self.assertEqual(recording.wait(), code)
                self.assertEqual(recording.archive.stats()["exit"], {"code": code})

    def test_a_fatal_signal_is_reported_as_a_shell_would(self):
        recording = self._record_shell("kill -SEGV $$")
        self.assertEqual(recording.wait(), 128 + signal.SIGSEGV)
        self.assertEqual(recording.archive.stats()["exit"], {"signal": signal.SIGSEGV})

    def test_standard_streams_are_the_services_own(self):
        done = harness.run_reprise("record", "-o", self.path("cat.reprise"), "--", "/bin/sh", "-c",
                                   "cat; echo to-stderr >&2", input="through and through")
        self.assertEqual(done.stdout, "through and through")
        self.assertIn("to-stderr\n", done.stderr)

    def test_the_last_lines_name_the_file_and_the_next_command(self):
        archive = self.path("named.reprise")
        done = harness.run_reprise("record", "-o", archive, "--", "/bin/true")
        self.assertRegex(done.stderr, r"recorded 0 connections from clients, .* 0 gaps; .* in " + archive)
        self.assertIn("reprise ls " + archive, done.stderr)

    def test_an_archive_is_not_overwritten_without_being_told(self):
        archive = self.path("once.reprise")
        harness.run_reprise("record", "-o", archive, "--", "/bin/true")
        before = pathlib.Path(archive).read_bytes()
        refused = harness.run_reprise("record", "-o", archive, "--", "/bin/false", status=2)
        self.assertIn("exists", refused.stderr)
        self.assertEqual(pathlib.Path(archive).read_bytes(), before)
        harness.run_reprise("record", "-o", archive, "--overwrite", "--", "/bin/false", status=1)
        self.assertEqual(harness.Archive(archive).stats()["exit"], {"code": 1})

    def test_without_a_name_the_archive_is_named_after_the_program(self):
        harness.run_reprise("record", "--", "/bin/true", cwd=self.root)
        self.assertEqual(len(list(pathlib.Path(self.root).glob("true-*.reprise"))), 1)

    def test_an_existing_preload_is_kept(self):
        done = harness.run_reprise("record", "-o", self.path("preload.reprise"), "--", "/bin/sh", "-c",
                                   'echo "$LD_PRELOAD"',
                                   env=dict(os.environ, LD_PRELOAD="/usr/lib/x86_64-linux-gnu/libm.so.6"))
        agent, other = done.stdout.strip().split(":")
        self.assertTrue(agent.endswith("libreprise.so"))
        self.assertEqual(other, "/usr/lib/x86_64-linux-gnu/libm.so.6")

    def test_the_session_directory_is_gone_afterwards(self):
        recording, _ = self.record_python("scripted_server.py")
        session = recording.session()
        self.assertTrue(os.path.exists(session))
        recording.stop()
        self.assertFalse(os.path.exists(session))

    def test_secrets_of_the_command_line_are_not_shown(self):
        recording = self.record("/bin/echo", "--db-password=pa55w0rd", "--token", "pa55w0rd", "--port", "80")
        recording.wait()
        stats = recording.archive.stats()
        self.assertEqual(stats["command"][1:], ["--db-password=***", "--token", "***", "--port", "80"])
        text = harness.run_reprise("stats", recording.archive.path).stdout
        self.assertIn("--port 80", text)
        self.assertNotIn("pa55w0rd", text)
        # The control: the service was told the password, and the archive knows it.
        self.assertIn(b"--db-password=pa55w0rd", recording.archive.payloads())

    def test_secrets_of_the_environment_are_not_in_the_archive(self):
        environment = dict(os.environ, API_TOKEN="tok-5ecret", DB="postgres://u:pa55word@h/db",
                           HARMLESS="plain-text")
        recording = self.record("/bin/true", env=environment)
        recording.wait()
        printed = subprocess.run([harness.RAW_EXCHANGES, "--environment", recording.archive.path],
                                 capture_output=True, text=True, check=True).stdout
        self.assertIn("HARMLESS=plain-text", printed)
        self.assertIn("API_TOKEN=***", printed)
        self.assertNotIn("tok-5ecret", printed)
        self.assertNotIn("pa55word", printed)


class SignalTest(harness.EndToEndTest):

    _COUNTER = """
import signal, socket, sys, time
count = 0
def on_signal(number, frame):
    global count
    count += 1
signal.signal(signal.SIGTERM, on_signal)
signal.signal(signal.SIGINT, on_signal)
signal.signal(signal.SIGUSR1, lambda *_: sys.exit(count))
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    try:
        listener.accept()
    except InterruptedError:
        pass
"""

    def _record_counter(self, **kwargs) -> harness.Recording:
        port = harness.free_port()
        recording = self.record(harness.PYTHON, "-c", self._COUNTER, str(port), **kwargs)
        return recording.wait_until_listening(port)

    def _signals_seen(self, recording: harness.Recording, number: int) -> int:
        """Ends the service, which exits with the number of signals it counted."""
        # Queued after the others: when it is handled, they were.
        recording.process.send_signal(signal.SIGUSR1)
        return recording.wait()

    def test_a_signal_to_the_recorder_reaches_the_service_once(self):
        recording = self._record_counter()
        recording.process.send_signal(signal.SIGTERM)
        self._wait_for_pause()
        self.assertEqual(self._signals_seen(recording, signal.SIGTERM), 1)

    def test_a_signal_to_the_whole_group_is_not_passed_on_again(self):
        recording = self._record_counter(start_new_session=True)
        os.killpg(recording.process.pid, signal.SIGTERM)
        self._wait_for_pause()
        self.assertEqual(self._signals_seen(recording, signal.SIGTERM), 1)

    def _wait_for_pause(self):
        """Signals are passed on after a grace of 200 ms; this recording takes longer."""
        harness.run_reprise("record", "-o", self.path(f"pause-{os.urandom(4).hex()}.reprise"), "--",
                            "/bin/sleep", "0.5")

    def test_ctrl_c_reaches_the_service_by_the_terminal_and_only_once(self):
        port = harness.free_port()
        archive = self.path("terminal.reprise")
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(harness.REPRISE, [harness.REPRISE, "record", "-o", archive, "--", harness.PYTHON,
                                       "-c", self._COUNTER, str(port)])
        harness.wait_for(lambda: harness.accepts(port), "the service")
        os.write(terminal, b"\x03")
        self._wait_for_pause()
        os.kill(pid, signal.SIGUSR1)
        _, status = os.waitpid(pid, 0)
        os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(status), 1)
        self.assertEqual(harness.Archive(archive).stats()["exit"], {"code": 1})

    def test_a_service_that_goes_into_the_background_is_recorded_to_its_end(self):
        port = harness.free_port()
        daemon = """
import os, sys
if os.fork(): os._exit(3)
os.setsid()
sys.argv = ["scripted_server.py", sys.argv[2]]
exec(open(sys.argv[0] if False else %r).read())
""" % str(harness.SERVICES / "scripted_server.py")
        recording = self.record(harness.PYTHON, "-c", daemon, "-", str(port))
        recording.wait_until_listening(port)
        with harness.connect(port) as client:
            request = b"GET /gzip HTTP/1.1\r\nHost: test\r\n\r\n"
            client.sendall(request)
            response = harness.read_response(client)
        recording.wait_until_recorded(1)
        self.assertIsNone(recording.process.poll())
        recording.process.send_signal(signal.SIGTERM)  # passed on to what is left
        self.assertEqual(recording.wait(), 3)
        self.assert_whole(recording.archive.raw()[0], request, response)


class RefusalTest(harness.EndToEndTest):

    def _refused(self, program: str) -> str:
        archive = self.path("none.reprise")
        done = harness.run_reprise("record", "-o", archive, "--", program, status=2)
        self.assertFalse(os.path.exists(archive))
        return done.stderr

    def _compiled(self, name: str, *flags: str) -> str:
        source = self.write(name + ".c", "int main(void) { return 0; }\n")
        subprocess.run(["gcc", *flags, "-o", self.path(name), source], check=True)
        return self.path(name)

    def test_a_static_program_is_refused_with_what_to_do(self):
        for flags in (["-static"], ["-static-pie"]):
            with self.subTest(flags=flags):
                message = self._refused(self._compiled("static", *flags))
                self.assertIn("statically linked", message)
                self.assertIn("without -static", message)

    def test_a_setuid_program_is_refused_with_what_to_do(self):
        program = self._compiled("elevated")
        os.chmod(program, 0o755)
        if os.geteuid() == 0:
            os.chown(program, 65534, 65534)
        else:
            self.skipTest("only root can make another user's program")
        os.chmod(program, 0o4755)
        self.assertIn("setuid", self._refused(program))
        os.chmod(program, 0o2755)
        self.assertIn("setgid", self._refused(program))
        os.chmod(program, 0o755)
        harness.run_reprise("record", "-o", self.path("plain.reprise"), "--", program)

    def test_missing_and_unusable_programs_are_refused(self):
        self.assertIn("there is no program `no-such-program`", self._refused("no-such-program"))
        self.assertIn("No such file", self._refused(self.path("missing")))
        self.assertIn("is a directory", self._refused(self.root))
        plain = self.write("plain.txt", "text\n")
        self.assertIn("chmod +x", self._refused(plain))
        os.chmod(plain, os.stat(plain).st_mode | stat.S_IXUSR)
        self.assertIn("neither a program nor a script", self._refused(plain))
        script = self.write("script", "#!/no/such/interpreter\n")
        os.chmod(script, 0o755)
        self.assertIn("/no/such/interpreter", self._refused(script))

    def test_a_script_is_recorded_through_its_interpreter(self):
        script = self.write("service.py", "#!/usr/bin/python3\nimport sys\nsys.exit(5)\n")
        os.chmod(script, 0o755)
        recording = self.record(script)
        self.assertEqual(recording.wait(), 5)
        self.assertGreater(recording.archive.stats()["events"], 0)

    def test_a_service_without_the_agent_runs_on_and_the_archive_says_so(self):
        recording = self.record("/usr/bin/env", "-u", "LD_PRELOAD", "/bin/sh", "-c", "exit 4")
        self.assertEqual(recording.wait(), 4)
        # env itself had the agent; what it executed carries it again or is told uncaptured.
        self.assertGreater(recording.archive.stats()["events"], 0)

    def test_an_archive_that_cannot_be_written_is_refused_before_anything_starts(self):
        marker = self.path("started")
        done = harness.run_reprise("record", "-o", self.path("no/such/dir/a.reprise"), "--", "/bin/touch",
                                   marker, status=2)
        self.assertIn("a.reprise", done.stderr)
        self.assertFalse(os.path.exists(marker))


if __name__ == "__main__":
    unittest.main()
