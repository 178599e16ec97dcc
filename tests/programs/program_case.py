"""Real programs: recorded under load, replayed with the network gone, once in each schedule.

A test is a stem: how the program is configured, what traffic it gets, and what a changed configuration
or file changes, as the control.
"""

import concurrent.futures
import dataclasses
import os
import pathlib
import signal
from typing import Callable, Iterable, Optional, Sequence

from tests.e2e import harness
from tests.e2e.clients import ask_all
from tests.e2e.replay_case import Replay, ReplayTest

_PAGE = "a line of the page\n" * 400


@dataclasses.dataclass
class Program:
    """A program to record.

    Attributes:
        command: that runs it in the foreground.
        port: that it listens on.
        ends_with: the signal by which it ends in order.
        exchanges: that its start and the look whether it listens cost, beside those of the traffic.
        status: that it ends with.
    """

    command: Sequence[str]
    port: int
    ends_with: int = signal.SIGTERM
    exchanges: int = 0
    status: int = 0


def web_traffic(port: int, clients: int = 8, requests: int = 25) -> int:
    """HTTP clients all at once, each answered with 200; returns the number of requests."""
    answers = ask_all(port, clients, requests)
    statuses = {answer.status for answer in answers}
    if statuses != {200}:
        raise AssertionError(f"answered with {statuses}")
    return len(answers)


def text_traffic(port: int, clients: int, script: Callable[[int], Iterable[tuple[bytes, bytes]]]) -> int:
    """Clients all at once, each of which sends the requests of its script and reads up to the line that
    ends with what goes with each; returns the number of requests."""
    def one(client: int) -> int:
        asked = 0
        with harness.connect(port) as connection, connection.makefile("rb") as answers:
            for request, end in script(client):
                connection.sendall(request)
                while not (line := answers.readline()).endswith(end):
                    if not line:
                        raise AssertionError(f"hung up at {request!r}")
                asked += 1
        return asked
    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        return sum(pool.map(one, range(clients)))


class ProgramTest(ReplayTest):

    def setUp(self):
        super().setUp()
        os.chmod(self.root, 0o755)  # for workers that drop their privileges

    def page(self, name: str = "page.txt", content: str = _PAGE) -> str:
        """A file to serve, in a directory of its own; returns that."""
        directory = pathlib.Path(self.path("www"))
        directory.mkdir(exist_ok=True)
        (directory / name).write_text(content)
        return str(directory)

    def record_under_load(self, program: Program, traffic: Callable[[int], int],
                          options: Sequence[str] = ()) -> tuple[harness.Recording, int]:
        """A recording that has ended, and the number of its exchanges; nothing of it was lost."""
        # Some servers end their workers by a signal to their whole process group, which would be ours.
        recording = self.record(*program.command, options=options, start_new_session=True)
        recording.wait_until_listening(program.port)
        exchanges = traffic(program.port) + program.exchanges
        recording.wait_until_recorded(exchanges)
        self.assertEqual(recording.stop(program.ends_with), program.status, recording.stderr)
        stats = recording.archive.stats()
        self.assertEqual((stats["gaps"], stats["dropped"]), (0, 0), recording.stderr)
        self.assertEqual(sum(line["complete"] for line in recording.archive.ls()), exchanges)
        return recording, exchanges

    def assert_replays(self, recording: harness.Recording, exchanges: int,
                       schedules: Sequence[str] = ("serial", "recorded")):
        """Whole and the same in each schedule."""
        for schedule in schedules:
            with self.subTest(schedule=schedule):
                replay = self.replay(recording, options=("--schedule", schedule))
                self.assert_held(replay, exchanges)
                self.assertEqual(replay.ledger["notes"], [])

    def assert_answers_replay(self, recording: harness.Recording, exchanges: int):
        """As assert_replays(), but for how often the program's loops read the clock, which depends on
        who came together and where its timers fell; it is told as such."""
        for schedule in ("serial", "recorded"):
            with self.subTest(schedule=schedule):
                replay = self.replay(recording, options=("--schedule", schedule))
                self.assertLessEqual({d["kind"] for d in replay.ledger["divergences"]},
                                     {"extra draw", "missing draw"})
                self.assertEqual(replay.ledger["fidelity"]["missed"], 0)
                self.assertEqual(replay.ledger["coverage"]["leaks"], {})
                self.assertEqual(replay.ledger["replayed"], exchanges)
                self.assertEqual(replay.diff()["differences"], [])

    def assert_all_differ(self, recording: harness.Recording, exchanges: int,
                          command: Optional[Sequence[str]] = None) -> Replay:
        """The control: every exchange tells that the program, or what it serves, is another one."""
        replay = self.replay(recording, *(command or recording.command))
        self.assertEqual(replay.status, 1, replay.stderr)
        self.assertEqual(replay.ledger["fidelity"]["missed"], 0)
        self.assertEqual(replay.diff()["differ"], exchanges)
        return replay
