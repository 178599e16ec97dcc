"""`reprise debug`, as a script meets it and as a person at a terminal does."""

import contextlib
import os
import pathlib
import pty
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

from tests.e2e import harness

ERRANDS = os.path.abspath("replayer/gdb/testing/errands")


def _gdb_calls_functions() -> bool:
    """gdb before 14 cannot where the kernel saves more of the processor's state than it knows of."""
    done = subprocess.run(["gdb", "--batch", "-ex", "break main", "-ex", "run", "-ex", "call StartOver()", ERRANDS],
                          capture_output=True, text=True, timeout=60, check=False)
    return "Couldn't write extended state" not in done.stderr


class _Upstream:
    """Answers every connection's first bytes after a tenth of a second, as long as it lives."""

    def __init__(self, line: bytes):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._line = line
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection:
                    connection.recv(64)
                    time.sleep(0.1)  # what the recording is about, not synchronisation
                    connection.sendall(self._line)

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class DebugTestCase(harness.EndToEndTest):
    """What tests of `reprise debug` need."""

    def record_errands(self, *targets: str, workers: int = 0, line: bytes = b"half past nine\n"):
        """Records the service answering GETs of `targets` on one connection. Its upstream is gone
        when this returns. Returns archive and service command."""
        upstream = _Upstream(line)
        self.addCleanup(upstream.close)
        port = harness.free_port()
        command = [ERRANDS, str(port), str(upstream.port), *([str(workers)] if workers else [])]
        recording = self.record(*command).wait_until_listening(port)
        with harness.connect(port) as client:
            for target in targets:
                client.sendall(f"GET {target} HTTP/1.1\r\nHost: errands\r\n\r\n".encode())
                harness.read_response(client)
        if "/crash" not in targets:
            recording.wait_until_recorded(len(targets))
            recording.stop()
        recording.wait()
        upstream.close()
        return recording.archive.path, command

    def debug(self, archive: str, command, script: str, *options: str, status: int = 0) -> str:
        """What `reprise debug --batch` prints with the gdb commands of `script`."""
        path = self.write("look.gdb", script)
        done = harness.run_reprise("debug", archive, "--batch", "-x", path, *options, "--", *command,
                                   status=status)
        return done.stdout + done.stderr

    # Stops in the thread that ticks, while the other one waits for the upstream.
    HOLD = ("break AnswerComes\ncontinue\nbreak Tick\ncontinue\n"
            "thread apply all backtrace -frame-info short-location\n"
            "print hundredths\nshell sleep {seconds}\nprint hundredths\ndelete\n")

    def assert_no_time_out(self, seconds: float):
        archive, command = self.record_errands("/ask", "/b")
        output = self.debug(archive, command, self.HOLD.format(seconds=seconds) +
                            "reprise next\nreprise divergences\n")
        self.assertIn("in AnswerComes", output)
        before, after = re.findall(r"\$\d+ = .*?(\d+)\b", output)
        self.assertEqual(before, after)
        self.assertIn("Exchange 2 of 2 arrives", output)
        self.assertIn("none so far", output)


class DebugTest(DebugTestCase):

    # --- Arrivals ---

    def test_it_stops_in_the_service_where_the_exchange_arrives(self):
        archive, command = self.record_errands("/a", "/b", "/c")
        output = self.debug(archive, command, "print served\nprint $reprise_exchange\nbacktrace 3\n",
                            "--at", "2")
        self.assertIn("Exchange 2 of 3 arrives: GET /b", output)
        self.assertRegex(output, r"#0 .* ReadRequest.*\(connection=\d+\) at .*errands\.cc")
        self.assertRegex(output, r"#1 .* Serve ")
        self.assertRegex(output, r"\$1 = .*1")  # the first exchange was replayed before
        self.assertIn("$2 = 2", output)

    def test_without_a_number_it_stops_at_the_first(self):
        archive, command = self.record_errands("/a", "/b")
        output = self.debug(archive, command, "print served\n")
        self.assertIn("Exchange 1 of 2 arrives: GET /a", output)

    def test_next_goes_to_the_next_arrival_or_a_later_one_and_not_back(self):
        archive, command = self.record_errands("/a", "/b", "/c", "/d")
        output = self.debug(archive, command,
                            "reprise next\nprint served\nreprise next 4\nprint served\n"
                            "reprise next 2\n", status=1)
        self.assertRegex(output, r"(?s)1 of 4 arrives.*2 of 4 arrives: GET /b.*= .*1.*"
                                 r"4 of 4 arrives: GET /d.*= .*3")
        self.assertNotIn("3 of 4 arrives", output)
        self.assertIn("exchange 2 has arrived already", output)

    def test_breakpoints_and_steps_work_as_always(self):
        archive, command = self.record_errands("/a", "/b")
        output = self.debug(archive, command,
                            "break Answer\ncontinue\nprint target._M_dataplus._M_p\nnext\nnext\n"
                            "next\nprint served\nfinish\n", "--at", "2")
        self.assertRegex(output, r"Breakpoint 1, Answer")
        self.assertRegex(output, r'\$1 = .*0x[0-9a-f]+ "/b"')
        self.assertRegex(output, r"\$2 = .*2")
        self.assertRegex(output, r"Value returned is .*HTTP/1\.1 200 OK")

    def test_an_exchange_that_a_child_serves_stops_the_child(self):
        archive, command = self.record_errands("/a", "/b", workers=2)
        output = self.debug(archive, command, "info inferiors\nbacktrace 1\nreprise next\nprint served\n")
        self.assertIn("Exchange 1 of 2 arrives: GET /a", output)
        self.assertRegex(output, r"\* [23] +process")
        self.assertIn("Exchange 2 of 2 arrives: GET /b", output)

    def test_a_fault_stops_it_before_the_next_arrival(self):
        archive, command = self.record_errands("/a", "/crash")
        output = self.debug(archive, command, "reprise next\nreprise next\nbacktrace 1\n")
        self.assertIn("Exchange 2 of 2 arrives: GET /crash", output)
        self.assertRegex(output, r"(?s)SIGSEGV.*#0 .* Answer ")

    def test_to_the_end_it_says_how_the_service_ended_and_does_not_run_again(self):
        archive, command = self.record_errands("/a", "/b")
        output = self.debug(archive, command, "continue\nrun\n", status=1)
        self.assertIn("The service exited with code 0 after 2 of 2 exchanges.", output)
        self.assertIn("a replay runs once", output)

    def test_a_service_that_never_listens_does_not_hang(self):
        archive, _ = self.record_errands("/a")
        idle = [harness.PYTHON, "-c", "import signal; signal.pause()"]
        output = self.debug(archive, idle, "print 6 * 7\n", status=2)
        self.assertRegex(output, r"the service never listened on 127\.0\.0\.1:\d+, where")

    def test_a_script_is_debugged_in_its_interpreter_with_the_arguments_it_was_given(self):
        archive, command = self.record_errands("/a", "/b")
        script = self.write("start it", "#!/bin/sh -e\n[ \"$1\" = 'two $words' ]\nshift\nexec \"$@\"\n")
        os.chmod(script, 0o755)
        output = self.debug(archive, [script, "two $words", *command], "backtrace 1\n", "--at", "2")
        self.assertIn("Exchange 2 of 2 arrives: GET /b", output)
        self.assertRegex(output, r"#0 .* ReadRequest")

    # --- Looking things up ---

    def test_where_tells_exchange_time_and_the_last_answer(self):
        archive, command = self.record_errands("/ask", "/b")
        output = self.debug(archive, command, "reprise where\n", "--at", "2")
        self.assertRegex(output, r"exchange 2 of 2: GET /b, on connection \d+")
        self.assertRegex(output, r"virtual time \d{4}-\d\d-\d\d .* UTC, \d+\.\d+ s into the recording")
        self.assertIn("1 of 2 exchanges replayed; waiting for their answer: 2", output)
        self.assertRegex(output, r"last answer: call\[0\] of exchange 1, .*exact")
        self.assertIn("half past nine", output)

    def test_the_recording_can_be_looked_up(self):
        archive, command = self.record_errands("/ask", "/b")
        output = self.debug(archive, command,
                            "reprise ls --target '/a*'\nreprise calls\nreprise show\n"
                            "reprise calls 2\nreprise show 2\nreprise show 7\n", status=1)
        self.assertEqual(len(re.findall(r"200 .* GET /ask", output)), 1)
        self.assertRegex(output, r"call\[0\] .*to 127\.0\.0\.1:\d+")
        self.assertIn("exchange 1  GET /ask -> 200", output)
        self.assertIn("exchange 2 made no external call", output)
        self.assertIn("exchange 2  GET /b -> 200", output)
        self.assertRegex(output, r"reprise: .*exchange 7")

    def test_divergences_are_listed_as_they_happen(self):
        archive, command = self.record_errands("/a", "/b")
        output = self.debug(archive, command,
                            "reprise divergences\nset var served = 40\nreprise next\n"
                            "reprise divergences\n")
        self.assertIn("none so far", output)
        self.assertRegex(output, r"exchange 1: response, recorded .*, now ")

    # --- Time ---

    def test_no_time_passes_while_it_is_held(self):
        """The upstream is waited for 0.3 s at most; gdb holds the service longer than that in the
        middle of the wait, and the recorded answer is still in time."""
        self.assert_no_time_out(1)

    def test_without_the_replay_a_hold_is_too_long(self):
        """The control: under gdb alone the same stop makes the same answer late."""
        upstream = _Upstream(b"half past nine\n")
        self.addCleanup(upstream.close)
        port = harness.free_port()
        script = self.write("hold.gdb", "break main\nrun\n" +
                            self.HOLD.format(seconds=1) + "continue\n")
        gdb = subprocess.Popen(["gdb", "-q", "-batch", "-iex", "set debuginfod enabled off", "-x",
                                script, "--args", ERRANDS, str(port), str(upstream.port)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(gdb.wait)
        self.addCleanup(gdb.kill)
        harness.wait_for(lambda: harness.accepts(port), "a service under gdb")
        with harness.connect(port) as client:
            client.sendall(b"GET /ask HTTP/1.1\r\n\r\n")
            self.assertIn(b"504", harness.read_response(client))

    @unittest.skipUnless(_gdb_calls_functions(), "gdb itself can call none on this processor")
    def test_a_function_of_the_service_can_be_called(self):
        archive, command = self.record_errands("/ask", "/b")
        output = self.debug(archive, command, "print served\ncall StartOver()\nprint served\n"
                            "reprise where\n", "--at", "2")
        self.assertRegex(output, r"(?s)\$1 = .*1.*\$2 = .*0")
        self.assertIn("1 of 2 exchanges replayed", output)

    # --- The session ---

    def test_what_happens_can_be_kept_as_an_archive(self):
        archive, command = self.record_errands("/a", "/b")
        kept = self.path("kept.reprise")
        self.debug(archive, command, "continue\n", "-o", kept)
        self.assertEqual([line["target"] for line in harness.Archive(kept).ls()], ["/a", "/b"])
        harness.run_reprise("diff", archive, kept)

    def test_bad_input_is_told_before_gdb_starts(self):
        archive, command = self.record_errands("/a")
        for options, words in ((["--at", "9"], "has no exchange 9: its last is 1"),
                               (["--gdb", "no-such-gdb"], "no-such-gdb is not installed"),
                               (["--gdb", "/no/such/gdb"], "is no program that can be run")):
            done = harness.run_reprise("debug", archive, *options, "--", *command, status=2)
            self.assertIn(words, done.stderr)
            self.assertEqual(done.stdout, "")
        env = {**os.environ, "PATH": self.root}
        done = harness.run_reprise("debug", archive, "--", *command, status=2, env=env)
        self.assertIn("gdb is not installed", done.stderr)
        self.assertIn("apt-get install gdb", done.stderr)

    def at_a_terminal(self, archive: str, command) -> tuple[int, "_Screen"]:
        """`reprise debug` on a terminal: its pid and what the terminal shows."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ["TERM"] = "dumb"
            os.execv(harness.REPRISE, [harness.REPRISE, "debug", archive, "--", *command])
        self.addCleanup(os.close, terminal)
        self.addCleanup(_end, pid)
        screen = _Screen(terminal)
        screen.expect(r"Exchange 1 of 2 arrives.*\(gdb\) ")
        return pid, screen

    def test_at_a_terminal_ctrl_c_interrupts_the_service_and_nothing_else(self):
        archive, command = self.record_errands("/a", "/b")
        pid, screen = self.at_a_terminal(archive, command)
        screen.type("set var spinning = true\n", r"\(gdb\) ")
        screen.type("reprise next\n", "")
        # gdb, and the service below it, which does nothing but spin.
        harness.wait_for(lambda: any(_cpu_ticks(child) > 20 for child in harness.descendants(pid)
                                     if _name(child) == "errands"), "a spinning service")
        screen.type("\x03", r"received signal SIGINT.*\(gdb\) ")
        screen.type("reprise where\n", r"waiting for their answer: 1.*\(gdb\) ")
        screen.type("set var spinning = false\n", r"\(gdb\) ")
        screen.type("reprise next\n", r"Exchange 2 of 2 arrives.*\(gdb\) ")
        screen.type("\x03", r"\(gdb\) ")  # at the prompt it is gdb's to shrug off
        screen.type("print served\n", r"= .*1.*\(gdb\) ")

    def test_at_a_terminal_there_is_a_prompt(self):
        archive, command = self.record_errands("/a", "/b")
        pid, screen = self.at_a_terminal(archive, command)
        screen.type("reprise where\n", r"exchange 1 of 2.*\(gdb\) ")
        screen.type("break AskUpstream\n", r"\(gdb\) ")
        screen.type("set var served = 100\n", r"\(gdb\) ")
        screen.type("reprise next\n", r"Exchange 2 of 2 arrives.*\(gdb\) ")
        screen.type("print served\n", r"101.*\(gdb\) ")
        screen.type("quit\n", r"Quit anyway\?.*")
        screen.type("y\n", "")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)


class _Screen:
    """What a program prints on a terminal, and what is typed there."""

    def __init__(self, terminal: int):
        self._terminal = terminal
        self._text = ""

    def expect(self, pattern: str):
        def seen() -> bool:
            with contextlib.suppress(OSError):
                self._text += os.read(self._terminal, 65536).decode(errors="replace")
            return re.search(pattern, self._text, re.DOTALL) is not None
        harness.wait_for(seen, f"{pattern!r} on the terminal")
        self._text = ""

    def type(self, text: str, pattern: str):
        os.write(self._terminal, text.encode())
        if pattern:
            self.expect(pattern)


def _name(pid: int) -> str:
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def _cpu_ticks(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11])
    return 0


def _end(pid: int):
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    unittest.main()
