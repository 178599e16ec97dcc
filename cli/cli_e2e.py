"""`reprise` as a person and a script meet it: the JSON contract, exit codes, messages, colours."""

import base64
import json
import os
import pty
import shutil
import subprocess
import tempfile
import unittest

REPRISE = os.path.abspath(os.environ["REPRISE"])
WRITE_SAMPLE = os.path.abspath(os.environ["WRITE_SAMPLE"])
TIMEOUT = 60


class CommandLine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.archive = os.path.join(cls.folder, "sample.reprise")
        cls.cut = os.path.join(cls.folder, "cut.reprise")
        subprocess.run([WRITE_SAMPLE, cls.archive, "20"], check=True, timeout=TIMEOUT)
        subprocess.run([WRITE_SAMPLE, cls.cut, "20", "cut"], check=True, timeout=TIMEOUT)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def run_cli(self, *words, **environment):
        env = {"PATH": os.environ["PATH"], "TERM": "xterm", **environment}
        return subprocess.run([REPRISE, *words], cwd=self.folder, env=env, timeout=TIMEOUT,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run_ok(self, *words, code=0, **environment):
        done = self.run_cli(*words, **environment)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    # --- The machine-readable contract ---------------------------------------------------------

    def test_ls_prints_the_contracts_fields_one_object_a_line(self):
        lines = self.run_ok("ls", "--json", self.archive).stdout.splitlines()
        self.assertEqual(len(lines), 20)
        first = json.loads(lines[0])
        self.assertEqual(list(first), [
            "exchange", "connection", "process", "method", "target", "status", "started_unix_ns",
            "duration_ns", "request_bytes", "response_bytes", "calls", "draws", "complete"])
        self.assertEqual(first["exchange"], 1)
        self.assertEqual(first["target"], "/item/1")
        self.assertEqual(first["status"], "200")
        self.assertEqual(first["calls"], 1)
        self.assertEqual(first["draws"], 2)
        self.assertIs(first["complete"], True)
        self.assertGreater(first["started_unix_ns"], 1_700_000_000_000_000_000)
        self.assertGreater(first["duration_ns"], 0)

    def test_show_has_the_whole_exchange(self):
        shown = json.loads(self.run_ok("show", self.archive, "7", "--json").stdout)
        listed = json.loads(self.run_ok("ls", self.archive, "--json", "--target", "/item/7").stdout)
        for field in set(listed) - {"draws"}:
            self.assertEqual(shown[field], listed[field])
        self.assertEqual(shown["request"]["headers"], [["Host", "sample"]])
        self.assertEqual(base64.b64decode(shown["response"]["body_base64"]), b'{"item": 7}')
        self.assertEqual(shown["draws"], {"clock": 1, "random": 1})
        call, = shown["external_calls"]
        for field in ["index", "protocol", "peer", "operation", "status", "context", "duration_ns"]:
            self.assertIn(field, call)
        self.assertEqual(call["peer"], "stock:9090")
        self.assertEqual(call["operation"], "GET /stock")
        self.assertEqual(call["context"], 7)
        line, = shown["log"]
        self.assertEqual(line["text"], "request-id 7007 done")

    def test_stats_counts(self):
        stats = json.loads(self.run_ok("stats", "--json", self.archive).stdout)
        self.assertEqual(stats["program"], "/usr/bin/service")
        self.assertEqual(stats["exit"], {"code": 0})
        self.assertEqual(stats["exchanges"], 20)
        self.assertEqual(stats["calls"], 20)
        self.assertEqual(stats["events"], 31 + 9 * 20)
        self.assertEqual((stats["gaps"], stats["dropped"], stats["unattributed"]), (1, 3, 0))

    def test_stats_of_an_archive_without_an_end_are_counted(self):
        whole = json.loads(self.run_ok("stats", "--json", self.archive).stdout)
        cut = json.loads(self.run_ok("stats", "--json", self.cut).stdout)
        for field in ["events", "exchanges", "calls", "connections", "gaps", "dropped"]:
            self.assertEqual(cut[field], whole[field], field)
        self.assertIs(cut["finished"], False)

    def test_verify_tells_whole_from_damaged_from_cut(self):
        self.assertIs(json.loads(self.run_ok("verify", "--json", self.archive).stdout)["whole"], True)
        cut = json.loads(self.run_ok("verify", "--json", self.cut, code=3).stdout)
        self.assertEqual((cut["whole"], cut["finished"], cut["damage"]), (False, False, []))
        damaged = self.damaged()
        report = json.loads(self.run_ok("verify", "--json", damaged, code=3).stdout)
        self.assertIs(report["whole"], False)
        self.assertGreater(len(report["damage"]), 0)
        self.assertLess(report["damage"][0]["offset"], os.path.getsize(damaged))

    def damaged(self):
        """The sample with a byte changed in its first block of exchanges (docs/archive_format.md)."""
        path = os.path.join(self.folder, "damaged.reprise")
        with open(self.archive, "rb") as file:
            data = bytearray(file.read())
        at = 0
        while data[at + 12] != 3:
            at += 72 + int.from_bytes(data[at + 16:at + 20], "little")
        data[at + 100] ^= 0xff
        with open(path, "wb") as file:
            file.write(data)
        return path

    def test_json_output_is_nothing_but_json(self):
        for words in [["ls"], ["stats"], ["verify"]]:
            self.assertEqual(self.run_ok(*words, "--json", self.archive).stderr, "")
        self.assertEqual(self.run_ok("show", "--json", self.archive, "1").stderr, "")

    # --- Exit codes and words ------------------------------------------------------------------

    def assert_refused(self, words, *parts):
        done = self.run_cli(*words)
        self.assertEqual(done.returncode, 2, done.stderr)
        for part in parts:
            self.assertIn(part, done.stderr)

    def test_bad_input_is_refused_in_words(self):
        text = os.path.join(self.folder, "text")
        with open(text, "w") as file:
            file.write("hello" * 1000)
        empty = os.path.join(self.folder, "empty")
        open(empty, "w").close()
        self.assert_refused(["ls", "none.reprise"], "none.reprise", "No such file")
        self.assert_refused(["ls", self.folder], "is a folder")
        self.assert_refused(["ls", text], "is not a Reprise archive")
        self.assert_refused(["ls", empty], "is empty")
        self.assert_refused(["show", self.archive, "21"], "no exchange 21", "20 exchanges")
        self.assert_refused(["show", self.archive, "0"], "no exchange 0")
        self.assert_refused(["show", self.archive, "-1"], "usage:")
        self.assert_refused(["ls"], "ARCHIVE is missing", "reprise ls --help")
        self.assert_refused(["lss", self.archive], "did you mean `ls`?")
        self.assert_refused(["ls", "--target-regex", "(", self.archive], "no regular expression")
        for command in ["replay", "debug"]:
            started = os.path.join(self.folder, "started")
            program = ["--", "/bin/touch", started]
            self.assert_refused([command, "none.reprise", *program], "none.reprise", "No such file")
            self.assert_refused([command, self.folder, *program], "is a folder")
            self.assert_refused([command, text, *program], "is not a Reprise archive")
            self.assert_refused([command, empty, *program], "is empty")
            self.assert_refused([command, self.archive], "program")
            self.assertFalse(os.path.exists(started))

    @unittest.skipIf(os.geteuid() == 0, "root may read everything")
    def test_unreadable_archive(self):
        path = os.path.join(self.folder, "secret.reprise")
        shutil.copy(self.archive, path)
        os.chmod(path, 0)
        self.assert_refused(["ls", path], "Permission denied")

    def test_newer_format_is_refused_with_its_number(self):
        path = os.path.join(self.folder, "newer.reprise")
        subprocess.run([WRITE_SAMPLE, path, "20", "newer"], check=True, timeout=TIMEOUT)
        for words in [["ls", path], ["replay", path, "--", "/bin/true"],
                      ["debug", path, "--", "/bin/true"]]:
            self.assert_refused(words, "archive format 3.0", "use a Reprise that reads")

    def test_damaged_archive_is_listed_as_far_as_it_goes(self):
        done = self.run_ok("ls", self.damaged(), code=3)
        self.assertIn("damaged in", done.stderr)
        self.assertNotIn("/item/1\n", done.stdout)
        self.assertIn("/item/20\n", done.stdout)

    def test_recording_that_was_cut_off_is_said_to_be(self):
        done = self.run_ok("ls", self.cut)
        self.assertIn("cut off", done.stderr)
        self.assertEqual(done.stdout.count("/item/"), 20)

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([REPRISE, "ls", self.archive], stdout=full, timeout=TIMEOUT,
                                  stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("could not be written", done.stderr)

    def test_each_command_names_the_next_one(self):
        self.assertIn("next: reprise show", self.run_ok("ls", self.archive).stderr)
        self.assertIn("next: reprise debug", self.run_ok("show", self.archive, "3").stderr)
        self.assertIn("next: reprise ls", self.run_ok("stats", self.archive).stderr)
        self.assertIn("next: reprise recover", self.run_ok("verify", self.cut, code=3).stderr)

    # --- What people see -----------------------------------------------------------------------

    def test_show_reads_like_the_exchange(self):
        shown = self.run_ok("show", self.archive, "5").stdout
        for part in ["exchange 5  GET /item/5 -> 500", "Host: sample", "HTTP/1.1 500 Oops",
                     '"item": 5', "call[0] GET /stock at stock:9090", "left 995", "timeline",
                     "realtime", "getrandom", "request-id 7005 done"]:
            self.assertIn(part, shown)

    def test_request_id_from_the_log_leads_to_its_exchange(self):
        lines = self.run_ok("ls", self.archive, "--find", "request-id 7013").stdout.splitlines()
        self.assertEqual(len(lines), 2)
        self.assertIn("/item/13", lines[1])

    def test_pipe_gets_plain_lines_and_a_terminal_colours(self):
        self.assertNotIn("\x1b", self.run_ok("ls", self.archive).stdout)
        self.assertIn("\x1b[31m", self.run_ok("ls", self.archive, "--color", "always").stdout)
        self.assertIn("\x1b[31m", self.on_terminal("ls", self.archive))
        self.assertNotIn("\x1b", self.on_terminal("ls", self.archive, NO_COLOR="1"))

    def test_lines_fit_the_terminal(self):
        shown = self.on_terminal("ls", self.archive, NO_COLOR="1", COLUMNS="90")
        lines = [line for line in shown.splitlines() if "/item" in line]
        self.assertEqual(len(lines), 20)
        self.assertLessEqual(max(map(len, lines)), 90)

    def on_terminal(self, *words, **environment):
        env = {"PATH": os.environ["PATH"], "TERM": "xterm", "COLUMNS": "120", **environment}
        master, slave = pty.openpty()
        process = subprocess.Popen([REPRISE, *words], env=env, stdout=slave, stdin=slave,
                                   stderr=subprocess.DEVNULL)
        os.close(slave)
        shown = b""
        try:
            while True:
                piece = os.read(master, 65536)
                if not piece:
                    break
                shown += piece
        except OSError:  # the other side is closed
            pass
        os.close(master)
        self.assertEqual(process.wait(timeout=TIMEOUT), 0)
        return shown.decode()

    def test_options_come_from_the_environment_and_the_file(self):
        self.assertEqual(self.run_ok("ls", self.archive, REPRISE_LS_JSON="1",
                                     REPRISE_LS_STATUS="500").stdout.count("\n"), 4)
        path = os.path.join(self.folder, "reprise.toml")
        with open(path, "w") as file:
            file.write('[ls]\njson = true\nstatus = "500"\n[show]\nfull = true\n')
        try:
            self.assertEqual(self.run_ok("ls", self.archive).stdout.count("\n"), 4)
            self.assertEqual(
                self.run_ok("ls", self.archive, "--status", "200").stdout.count("\n"), 16)
        finally:
            os.remove(path)

    def test_help_is_a_page(self):
        overview = self.run_ok("--help").stdout
        for command in ["ls", "show", "stats", "verify"]:
            self.assertIn(command, overview)
            page = self.run_ok(command, "--help").stdout
            for heading in ["USAGE", "DESCRIPTION", "OPTIONS", "EXAMPLES", "EXIT STATUS", "SEE ALSO"]:
                self.assertIn(heading, page)
            self.assertEqual(self.run_ok("help", command).stdout, page)
        self.assertRegex(self.run_ok("--version").stdout, r"^reprise \d+\.\d+\.\d+")


if __name__ == "__main__":
    unittest.main()
