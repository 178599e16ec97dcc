#!/usr/bin/env python3
"""Records an example while its bug happens: starts what the service depends on, runs it under
`reprise record`, is its customers, stops everything, and says what one of them complains about.

    python3 examples/record.py booking

The recording is booking.reprise in the working directory.
"""

import argparse
import importlib
import os
import pathlib
import subprocess
import sys
from typing import NamedTuple

_ROOT = pathlib.Path(__file__).absolute().parents[1]
sys.path.insert(0, str(_ROOT))  # As a command it is run by path.

from examples import http_clients
from examples.server_process import ServerProcess

_EXAMPLES = ("booking", "loyalty", "profiles")
_ATTEMPTS = 3


class Recorded(NamedTuple):
    complaint: http_clients.Complaint  # the last one
    log: list[str]  # of the service


def record(example: str, archive: str, reprise: str, service: str) -> Recorded:
    """Records the program `service`; it and what it depended on are gone when this returns.

    Where nobody met the bug, because the machine was busy with something else, it is done again.
    """
    dependencies = importlib.import_module(f"examples.{example}.dependencies")
    traffic = importlib.import_module(f"examples.{example}.traffic")
    command = [reprise, "record", "-o", archive, "--overwrite", "--", service]
    for _ in range(_ATTEMPTS):
        with dependencies.Dependencies() as started:
            settings = (f"{name}={value}" for name, value in started.environment.items())
            print("$", *settings, *command, flush=True)
            with ServerProcess(command, ready=r"^listening on (\d+)$",
                               env={**os.environ, **started.environment}) as recording:
                notes = http_clients.drive("127.0.0.1", int(recording.ready[1]), traffic.scripts())
        complaints = traffic.complaints([answer for received in notes for answer in received])
        if complaints:
            return Recorded(complaints[-1], recording.lines)
    raise SystemExit(f"nobody met the bug in {_ATTEMPTS} recordings")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("example", choices=_EXAMPLES)
    example = parser.parse_args().example
    subprocess.run([_ROOT / "tools/run_bazel", "build", "//:reprise", f"//examples/{example}:all"],
                   cwd=_ROOT, check=True)
    programs = os.path.relpath(_ROOT / "bazel-bin")
    reprise = f"{programs}/cli/reprise"
    archive = f"{example}.reprise"
    complaint, log = record(example, archive, reprise, f"{programs}/examples/{example}/{example}")
    print(f"\nThe complaint: {complaint.text}.\nThe log of the service has:",
          *(f"    {line}" for line in log if complaint.request_id in line), sep="\n")
    print(f"\nGo on with: {reprise} ls {archive} --find {complaint.request_id}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
