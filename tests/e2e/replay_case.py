"""Replays of recordings, and what is asked of each."""

import itertools
import json
import os
import ssl
import subprocess
import time
from typing import Optional, Sequence

from tests.e2e import harness
from tests.e2e.clients import Answer, ask

_numbers = itertools.count(1)


class Replay:
    """What `reprise replay` made of a recording, in one run or in several; it is over when this is there.

    Attributes:
        status: exit status of `reprise replay`.
        ledger: what it printed with --json.
        archive: the archive of the replay, of its first run.
        archives: those of all runs.
        stderr: its messages, and the service's standard output and error.
        seconds: real time it took.
    """

    def __init__(self, root: str, base: harness.Archive, command: Sequence[str], options: Sequence[str] = (),
                 runs: int = 1):
        self.base = base
        name = os.path.join(root, f"replayed-{next(_numbers)}")
        self.archives = [harness.Archive(f"{name}{'' if run == 1 else f'-{run}'}.reprise")
                         for run in range(1, runs + 1)]
        self.archive = self.archives[0]
        began = time.monotonic()
        process = subprocess.Popen(
            [harness.REPRISE, "replay", base.path, "-o", self.archive.path, "--json", "--repeat", str(runs),
             *options, "--", *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            printed, messages = process.communicate(timeout=harness.PATIENCE_S * runs)
        except subprocess.TimeoutExpired:
            harness.kill_tree(process)
            raise
        self.seconds = time.monotonic() - began
        self.status = process.returncode
        self.stderr = messages.decode(errors="replace")
        if not printed:
            raise AssertionError(f"reprise replay ended with {self.status}: {self.stderr}")
        self.ledger = json.loads(printed)

    def diff(self) -> dict:
        """What `reprise diff` says of the recording and this."""
        return json.loads(harness.run_reprise("diff", self.base.path, self.archive.path, "--json",
                                              status=None).stdout)


class ReplayTest(harness.EndToEndTest):
    maxDiff = None  # what differs is what one wants to know

    def replay(self, recording: harness.Recording, *command: str, options: Sequence[str] = ()) -> Replay:
        """Replays a recording to the program it was made of, or to another command."""
        return Replay(self.root, recording.archive, command or recording.command, options)

    def answers_of(self, command: Sequence[str], port: int, *targets: str,
                   tls: Optional[ssl.SSLContext] = None) -> list[Answer]:
        """What a service answers that is started by itself, without any archive."""
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            harness.wait_for(lambda: process.poll() is not None or harness.accepts(port),
                             f"listening on port {port}")
            return ask(port, *targets, tls=tls)
        finally:
            harness.kill_tree(process)

    def assert_same_each_time(self, replay: Replay, runs: int):
        self.assertEqual(replay.ledger["deterministic"],
                         {"runs": runs, "identical": runs, "differing_runs": [], "differing_exchanges": [],
                          "differs_elsewhere": False, "first_difference": None})

    def assert_held(self, replay: Replay, exchanges: int, incomplete: int = 0):
        """All exchanges were replayed, nothing reached outside of the archive, and nothing differs; so
        many were recorded, and replayed, in part."""
        ledger = replay.ledger
        self.assertEqual(ledger["divergences"], [])
        self.assertEqual(ledger["coverage"]["leaks"], {})
        self.assertEqual(ledger["coverage"]["leaked"], 0)
        self.assertTrue(ledger["coverage"]["watched"])
        self.assertEqual(ledger["fidelity"]["missed"], 0)
        self.assertEqual(ledger["replayed"], exchanges)
        self.assertEqual(replay.status, 0, replay.stderr)
        self.assertEqual(replay.diff(), {"differences": [], "same": exchanges - incomplete, "differ": 0,
                                         "missing": 0, "extra": 0, "incomplete": incomplete,
                                         "not_replayed": 0},
                         replay.stderr[-4000:])
