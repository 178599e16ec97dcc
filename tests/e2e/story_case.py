"""The story that an example's README tells, from the complaint to the fix."""

import os
import shutil
import tempfile

from examples import record
from tests.e2e import harness
from tests.e2e.replay_case import Replay, ReplayTest


class StoryTest(ReplayTest):
    """A recording of an example with its complaint; what the service depended on is gone.

    Attributes:
        example: its name; set by each story.
        schedule: that its replays need; set by each story.
        archive: the recording.
        number: of the exchange that somebody complained about, found by the request id in the log.
    """

    example = ""
    schedule = "serial"

    @classmethod
    def setUpClass(cls):
        directory = tempfile.mkdtemp(prefix="reprise-e2e-", dir="/tmp")
        cls.addClassCleanup(shutil.rmtree, directory, ignore_errors=True)
        cls.service = os.path.abspath(f"examples/{cls.example}/{cls.example}")
        cls.archive = harness.Archive(os.path.join(directory, "prod.reprise"))
        complaint, log = record.record(cls.example, cls.archive.path, harness.REPRISE, cls.service)
        cls.logged, = [line for line in log if complaint.request_id in line]
        cls.found = cls.archive.ls("--find", complaint.request_id)
        cls.number = cls.found[-1]["exchange"]

    def replay_with(self, program: str, *options: str) -> Replay:
        return Replay(self.root, self.archive, [program], options)

    def assert_every_replay_has_it(self):
        """Whatever clients saw is in each replay, though nothing that the service depended on runs."""
        replay = self.replay_with(self.service, "--schedule", self.schedule)
        self.assert_held(replay, len(self.archive.ls()))

    def differences_of_fix(self) -> dict[int, set[str]]:
        """What the fixed build answers or does otherwise: exchange -> where."""
        replay = self.replay_with(f"{self.service}_fixed", "--schedule", self.schedule)
        self.assertEqual(replay.ledger["fidelity"]["missed"], 0)
        changed: dict[int, set[str]] = {}
        for difference in replay.diff()["differences"]:
            changed.setdefault(difference["exchange"], set()).add(difference["where"])
        return changed

    def debug(self, at: int, program: str = "") -> str:
        """What the commands in look.gdb print when exchange `at` has arrived. Where the service ends before
        them, so does gdb, with status 1."""
        script = os.path.abspath(f"examples/{self.example}/look.gdb")
        return harness.run_reprise("debug", self.archive.path, "--at", str(at), "--schedule", self.schedule,
                                   "--batch", "-x", script, "--", program or self.service, status=None).stdout
