"""Allocators that are preloaded beside the agent, before and behind it."""

import glob
import pathlib
import unittest

from tests.e2e import harness
from tests.programs.program_case import Program, ProgramTest, web_traffic

_LIBRARIES = {"jemalloc": "libjemalloc.so.2", "tcmalloc": "libtcmalloc_minimal.so.4",
              "mimalloc": "libmimalloc.so.2*"}
_FOLDER = "/usr/lib/x86_64-linux-gnu/"
_SERVER = "tests/programs/services/preforking_server.py"


class AllocatorsTest(ProgramTest):

    def _assert_replays(self, allocator: str):
        library = sorted(glob.glob(_FOLDER + _LIBRARIES[allocator]))[-1]
        port = harness.free_port()
        command = [harness.PYTHON, str(pathlib.Path(_SERVER).absolute()), str(port), "plain"]
        # The agent comes first where the caller's environment has the allocator, and behind it where
        # the service's own launcher puts it in front of what it finds.
        in_front = self.write("launch.sh", f'#!/bin/sh\nLD_PRELOAD="{library}:$LD_PRELOAD" exec "$@"\n')
        for words, variables in (([], {"LD_PRELOAD": library}), (["/bin/sh", in_front], {})):
            with self.subTest(in_front=bool(words)):
                self._assert_replays_with(Program([*words, *command], port), variables, library)

    def _assert_replays_with(self, program: Program, variables: dict[str, str], library: str):
        launcher = ["/usr/bin/env", *(f"{name}={value}" for name, value in variables.items())]
        recording = self.record(*program.command, launcher=launcher, start_new_session=True)
        recording.wait_until_listening(program.port)
        exchanges = web_traffic(program.port, clients=6)
        loaded = pathlib.Path(f"/proc/{recording.service_pid()}/maps").read_text()
        self.assertIn(library, loaded)
        recording.wait_until_recorded(exchanges)
        self.assertEqual(recording.stop(), 0, recording.stderr)
        self.assert_replays(recording, exchanges, schedules=("recorded",))

    def test_jemalloc(self):
        self._assert_replays("jemalloc")

    def test_tcmalloc(self):
        self._assert_replays("tcmalloc")

    def test_mimalloc(self):
        self._assert_replays("mimalloc")


if __name__ == "__main__":
    unittest.main()
