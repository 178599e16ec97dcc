"""The checkout service, recorded with real dependencies and replayed without them: as it was, and changed.

Its answers and Redis commands hold random ids, receipts and times, so equal ones mean equal draws.
"""

import collections
import json
import os
import re
import shutil
import tempfile
import unittest

from examples import http_clients
from examples.checkout import traffic
from examples.checkout.dependencies import Dependencies
from examples.server_process import ServerProcess
from tests.e2e import harness
from tests.e2e.replay_case import Replay, ReplayTest

_BUILDS = os.path.abspath(os.path.join("examples", "checkout"))
_CLIENTS = 16
_REQUESTS = 10  # of each client
_REVIEW_EVERY = 20


def _placed(lines: list[dict]) -> list[int]:
    """Exchanges in which an order was placed."""
    return [line["exchange"] for line in lines if line["status"] == "201"]


def _reserved(lines: list[dict]) -> list[int]:
    """Those in which pieces were reserved, and that was audited: declined ones too."""
    return [line["exchange"] for line in lines if line["status"] in ("201", "402")]


def _reviewed(exchange: harness.RawExchange) -> bool:
    """Whether the order it shows has a charge that a person looked at: its fee is 1E+1."""
    charge = re.search(rb'"charge":"ch_(\d+)"', exchange.response)
    return charge is not None and int(charge[1]) % _REVIEW_EVERY == 0


class CheckoutReplayTest(ReplayTest):

    @classmethod
    def setUpClass(cls):
        root = tempfile.mkdtemp(prefix="reprise-e2e-", dir="/tmp")
        cls.addClassCleanup(shutil.rmtree, root, ignore_errors=True)
        cls.recording = harness.Archive(os.path.join(root, "prod.reprise"))
        with Dependencies(_REVIEW_EVERY) as dependencies:
            cls.flags = dependencies.service_flags()
            command = [harness.REPRISE, "record", "-o", cls.recording.path, "--",
                       os.path.join(_BUILDS, "checkout"), *cls.flags]
            with ServerProcess(command, ready=r"^listening on (\d+)$") as service:
                scripts = [traffic.customer(1, client, _REQUESTS) for client in range(_CLIENTS)]
                cls.notes = http_clients.drive("127.0.0.1", int(service.ready[1]), scripts)
        cls.lines = cls.recording.ls()

    def replay_build(self, build: str, status: int) -> Replay:
        """Replays with a build, which is to end with `status`."""
        replay = Replay(self.root, self.recording, [os.path.join(_BUILDS, build), *self.flags])
        self.assertEqual(replay.status, status, replay.stderr)
        return replay

    def assert_divergences(self, replay: Replay, expected: dict[int, list[str]]):
        kinds = collections.defaultdict(list)
        for divergence in replay.ledger["divergences"]:
            kinds[divergence["exchange"]].append(divergence["kind"])
        self.assertEqual({exchange: sorted(found) for exchange, found in kinds.items()}, expected)

    def assert_audits_differ(self, replay: Replay, kind: str, side: str, exchanges: list[int]):
        """The diff has one line of the audit trail in each of `exchanges`, on that side, and nothing else."""
        differences = replay.diff()["differences"]
        self.assertEqual([difference["exchange"] for difference in differences], exchanges)
        for difference in differences:
            self.assertRegex(difference["where"], r"^call\[\d+\]$")
            self.assertEqual(difference["kind"], kind)
            self.assertIn("ZADD orders:audit", json.dumps(difference[side]))

    def test_same_build_behaves_as_recorded(self):
        replay = self.replay_build("checkout", 0)
        self.assert_held(replay, _CLIENTS * _REQUESTS)
        self.assertEqual(replay.ledger["fidelity"]["substituted"], 0)
        self.assertEqual(replay.ledger["exit"], {"code": 0})

    def test_without_the_recording_nothing_is_sold(self):
        """The control: the same requests to the same command line find no dependency."""
        with ServerProcess([os.path.join(_BUILDS, "checkout"), *self.flags],
                           ready=r"^listening on (\d+)$") as service:
            notes = http_clients.drive("127.0.0.1", int(service.ready[1]), [traffic.customer(1, 0, _REQUESTS)])
        statuses = {answer.status for answer in notes[0]}
        self.assertIn(503, statuses)
        self.assertNotIn(201, statuses)

    def test_recorded_answers_are_those_that_the_clients_got(self):
        received = collections.Counter(answer.status for answers in self.notes for answer in answers)
        recorded = collections.Counter(int(line["status"]) for line in self.lines)
        self.assertEqual(recorded, received)
        self.assertGreater(recorded[201], 50)

    def test_one_more_clock_read_and_one_more_call_are_all_that_differs(self):
        replay = self.replay_build("checkout_added", 4)
        sales = _placed(self.lines)
        self.assert_divergences(replay, {sale: ["extra call", "extra draw"] for sale in sales})
        self.assertEqual(replay.ledger["fidelity"]["missed"], len(sales))
        self.assertEqual(replay.ledger["fidelity"]["substituted"], 0)
        self.assert_audits_differ(replay, "extra", "candidate", sales)

    def test_one_clock_read_and_one_call_less_are_all_that_differs(self):
        replay = self.replay_build("checkout_removed", 1)
        audited = _reserved(self.lines)
        self.assert_divergences(replay, {sale: ["missing call", "missing draw"] for sale in audited})
        self.assertEqual(replay.ledger["fidelity"]["missed"], 0)
        self.assertEqual(replay.ledger["fidelity"]["substituted"], 0)
        self.assert_audits_differ(replay, "missing", "base", audited)

    def test_fix_changes_what_it_is_to_change(self):
        replay = self.replay_build("checkout_fixed", 1)
        underpaid = [exchange.number for exchange in self.recording.raw() if _reviewed(exchange)]
        self.assertTrue(underpaid, "the traffic never met the bug")
        self.assert_divergences(replay, {exchange: ["response"] for exchange in underpaid})
        changed = collections.defaultdict(set)
        for difference in replay.diff()["differences"]:
            changed[difference["exchange"]].add(difference["where"])
        self.assertEqual(changed, {exchange: {
            "response.header.Content-Length", "response.body.$.payment_fee_cents",
            "response.body.$.total_cents"} for exchange in underpaid})


if __name__ == "__main__":
    unittest.main()
