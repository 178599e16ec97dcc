"""A service on libpq (services/postgres_service.cc), recorded with a real PostgreSQL server and replayed
without it: simple and prepared statements, a pipeline, COPY both ways, a transaction that fails,
notifications, SCRAM."""

import base64
import concurrent.futures
import json
import os
import re
import subprocess
import unittest

from examples.postgres_server import PostgresServer
from tests.e2e import harness
from tests.e2e.certificates import Certificate
from tests.e2e.clients import ask
from tests.e2e.replay_case import Replay, ReplayTest

_SERVICE = os.path.abspath("tests/e2e/postgres_service")
_RELAY = str(harness.SERVICES / "relay_server.py")
_TABLES = [
    "CREATE TABLE items (id int PRIMARY KEY, name text, note text, price int, stock int)",
    "INSERT INTO items VALUES (1, 'pen', NULL, 120, 7), (2, 'ink', '', 450, 3), (3, 'nib', 'NULL', NULL, 0)",
    "CREATE TABLE imported (id int, note text)",
    "CREATE TABLE transfers (id int PRIMARY KEY)",
]
# What is asked for, and answered; a NULL shows as "-".
_ANSWERS = {
    "/item/1": "1,pen,-\n",
    "/item/2": "2,ink,\n",
    "/item/3": "3,nib,NULL\n",
    "/item/x": "error 22P02\n",
    "/price/1": "120\n",
    "/price/3": "-\n",
    "/several": "1\n\n",
    "/basket": "pen\n120\nink\nerror 22012\naborted\n",
    "/import/simple": "COPY 3\n",
    "/import/extended": "COPY 3\n",
    "/import/broken": "error 22P02\n",
    "/export": "\n1\tpen\n2\tink\n3\tnib\nCOPY 3\n",
    "/transfer/7": "BEGIN\nUPDATE 1\nINSERT 0 1\ngoing on\nCOMMIT\nidle\n",
    "/transfer/07": "BEGIN\nUPDATE 1\nerror 23505\nfailed\nROLLBACK\nidle\n",
    "/hear/me": "LISTEN\nNOTIFY\nUNLISTEN\nown me\n",
    "/price/2": "450\n",
}


class PostgresTest(ReplayTest):

    def setUp(self):
        super().setUp()
        self._server = PostgresServer()
        self.addCleanup(self._server.stop)
        self._server.run(*_TABLES)

    def _record(self, targets: list[str], threads: int = 1, build: tuple[str, ...] = (),
                until: str = "") -> harness.Recording:
        """The service asked for `targets`, by as many clients at once as it has threads, until it has
        printed `until`; the server is gone afterwards."""
        self._port = harness.free_port()
        recording = self.record(_SERVICE, str(self._port), self._server.conninfo, str(threads), *build)
        recording.wait_until_listening(self._port)
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            answers = list(pool.map(lambda target: ask(self._port, target)[0], targets))
        self._answers = {answer.target: answer.body.decode() for answer in answers}
        harness.wait_for(lambda: until in recording.stdout, until)
        recording.stop()
        self._server.stop()
        return recording

    def _differing(self, replay: Replay) -> dict[str, list[tuple[str, str]]]:
        """Of each exchange that differs, by its target: where, and in which way."""
        targets = {line["exchange"]: line["target"] for line in replay.base.ls()}
        differing = {}
        for found in replay.diff()["differences"]:
            differing.setdefault(targets[found["exchange"]], []).append((found["where"], found["kind"]))
        return differing

    def test_everything_replays_without_its_server(self):
        recording = self._record(list(_ANSWERS), until="heard me\n")
        self.assertEqual(self._answers, _ANSWERS)
        for schedule in ("serial", "recorded"):
            replay = self.replay(recording, options=["--schedule", schedule])
            self.assert_held(replay, len(_ANSWERS))
            # Even what proves who the client is: its nonce is the recorded one.
            self.assertEqual(replay.ledger["fidelity"]["relaxed"], 0)
            self.assertEqual(replay.ledger["fidelity"]["substituted"], 0)
            self.assertIn("heard me\n", replay.stderr)  # by the thread that listens
        # The control: without the archive there is no database.
        by_itself, = self.answers_of(recording.command, self._port, "/item/1")
        self.assertIn(b"no database", by_itself.body)

    def test_a_login_is_shown_only_to_whoever_asks_for_it(self):
        recording = self._record(["/item/1"])

        def said(*options: str) -> bytes:
            printed = harness.run_reprise("show", recording.archive.path, "1", "--json", *options).stdout
            return b"".join(base64.b64decode(call[side]["body_base64"])
                            for call in json.loads(printed)["external_calls"] for side in ("request", "response"))

        # The control: what proves that the client knows the password is there.
        proof = re.search(rb"p=[A-Za-z0-9+/]{43}=", said("--secrets"))
        self.assertIsNotNone(proof)
        salt = re.search(rb",s=[^,]+,i=4096", said("--secrets"))
        self.assertIsNotNone(salt)
        shown = said()
        self.assertNotIn(proof.group(), shown)
        self.assertNotIn(salt.group(), shown)
        self.assertIn(b"bytes that prove who the client is", shown)
        text = harness.run_reprise("show", recording.archive.path, "1", "--full").stdout
        self.assertNotIn(proof.group().decode(), text)

    def test_everything_replays_under_tls(self):
        self._server.stop()
        certificate = Certificate(self.root, "database.test")
        self._server = PostgresServer((certificate.certificate, certificate.key))
        self.addCleanup(self._server.stop)
        self._server.run(*_TABLES)
        recording = self._record(list(_ANSWERS), until="heard me\n")
        self.assertEqual(self._answers, _ANSWERS)
        # The login is bound to the server's certificate.
        self.assertIn(b"SCRAM-SHA-256-PLUS", recording.archive.payloads())
        for schedule in ("serial", "recorded"):
            replay = self.replay(recording, options=["--schedule", schedule])
            self.assert_held(replay, len(_ANSWERS))
            self.assertEqual(replay.ledger["fidelity"]["relaxed"], 0)
            self.assertIn("heard me\n", replay.stderr)

    def test_a_pool_of_connections_replays_whichever_thread_takes_what(self):
        targets = list(_ANSWERS) * 3
        recording = self._record(targets, threads=4)
        for schedule in ("serial", "recorded"):
            replay = self.replay(recording, options=["--schedule", schedule])
            self.assert_held(replay, len(targets))
            self.assertEqual(replay.ledger["fidelity"]["substituted"], 0)
        # One exchange alone logs in and prepares what others had done for it.
        replay = self.replay(recording, options=["--only", str(len(targets))])
        self.assertEqual(replay.status, 0, replay.ledger)
        self.assertEqual(replay.ledger["fidelity"]["missed"], 0)

    def test_a_changed_statement_is_reported_and_nothing_else(self):
        recording = self._record(list(_ANSWERS))
        replay = self.replay(recording, *recording.command, "renamed")
        items = {target for target in _ANSWERS if target.startswith("/item/")}
        differing = self._differing(replay)
        self.assertEqual(set(differing), items)
        for found in differing.values():
            (where, kind), = found
            self.assertRegex(where, r"^call\[\d+\]\.request\.statement$")
            self.assertEqual(kind, "changed")
        self.assertEqual(replay.ledger["fidelity"]["substituted"], len(items))
        self.assertEqual(replay.ledger["fidelity"]["missed"], 0)

    def test_a_statement_less_is_reported_and_nothing_else(self):
        recording = self._record(list(_ANSWERS), build=("audited",))
        replay = self.replay(recording, *recording.command[:-1])
        transfers = {target for target in _ANSWERS if target.startswith("/transfer/")}
        differing = self._differing(replay)
        self.assertEqual(set(differing), transfers)
        for found in differing.values():
            self.assertEqual([kind for _, kind in found], ["missing"])
        self.assertEqual(replay.ledger["fidelity"]["substituted"], 0)
        self.assertEqual(replay.ledger["fidelity"]["missed"], 0)

    def test_a_statement_more_breaks_its_own_exchange_and_no_other(self):
        recording = self._record(list(_ANSWERS))
        replay = self.replay(recording, *recording.command, "audited")
        transfers = {target for target in _ANSWERS if target.startswith("/transfer/")}
        self.assertEqual(set(self._differing(replay)), transfers)
        ledger = replay.ledger
        extra = [found["actual"] for found in ledger["divergences"] if found["kind"] == "extra call"]
        self.assertEqual([words.split(" to ")[0] for words in extra], ["SELECT transfers"] * len(transfers))
        # Its connection is reset each time, and the next exchange logs in again: that is answered.
        self.assertEqual(ledger["fidelity"]["missed"], len(transfers))

    def test_null_and_empty_show_apart(self):
        recording = self._record(["/item/1", "/item/2"])
        def rows(number: int) -> str:
            call, = [call for call in recording.archive.show(number)["external_calls"]
                     if call["operation"] == "SELECT items"]
            self.assertEqual(call["target"], "SELECT id, name, note FROM items WHERE id = $1")
            self.assertEqual(call["request"]["headers"], [["$1", f"'{number}'"]])
            return base64.b64decode(call["response"]["decoded_body_base64"]).decode()
        self.assertEqual(rows(1), "id | name | note\n1 | 'pen' | NULL\nSELECT 1\n")
        self.assertEqual(rows(2), "id | name | note\n2 | 'ink' | ''\nSELECT 1\n")

    def test_a_service_that_is_a_server_is_decoded_and_replayed(self):
        port = harness.free_port()
        recording = self.record(harness.PYTHON, _RELAY, str(port), str(self._server.port))
        recording.wait_until_listening(port)
        conninfo = self._server.conninfo.replace(str(self._server.port), str(port))
        done = subprocess.run(["psql", "--no-psqlrc", "--tuples-only", conninfo, "--command",
                               "SELECT name FROM items WHERE id = 1"],
                              capture_output=True, text=True, check=True, timeout=harness.PATIENCE_S)
        self.assertEqual(done.stdout.strip(), "pen")
        recording.stop()
        self._server.stop()
        told = [(line["method"], line["target"], line["status"]) for line in recording.archive.ls()]
        self.assertIn(("SELECT", "SELECT name FROM items WHERE id = 1", "SELECT 1"), told)
        self.assert_held(self.replay(recording), len(told))


if __name__ == "__main__":
    unittest.main()
