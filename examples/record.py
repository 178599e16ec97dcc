#!/usr/bin/env python3
"""Records one of the examples while its bug happens: starts what the service depends on, runs the service
under `reprise record`, is its customers, stops everything, and tells what they complain about.

    python3 examples/record.py booking

The archive is booking.reprise, in the working directory.
"""

import argparse
import importlib
import os
import pathlib
import subprocess
import sys

_ROOT = pathlib.Path(__file__).absolute().parents[1]
sys.path.insert(0, str(_ROOT))  # As a command it is run by path.

from examples import http_clients
from examples.server_process import ServerProcess

_EXAMPLES = ("booking", "loyalty", "profiles")


def record(name: str, archive: str) -> int:
    """Returns the exit status."""
    dependencies = importlib.import_module(f"examples.{name}.dependencies")
    traffic = importlib.import_module(f"examples.{name}.traffic")
    command = ["bazel-bin/cli/reprise", "record", "-o", archive, "--overwrite", "--",
               f"bazel-bin/examples/{name}/{name}"]
    with dependencies.Dependencies() as started:
        setting = [f"{variable}={value}" for variable, value in started.environment.items()]
        print("$", *setting, *command, flush=True)
        with ServerProcess(command, ready=r"^listening on (\d+)$",
                           env={**os.environ, **started.environment}) as service:
            notes = http_clients.drive("127.0.0.1", int(service.ready[1]), traffic.scripts())
    complaints = traffic.complaints([answer for received in notes for answer in received])
    if not complaints:
        print("Nobody complained, this time: try again.", file=sys.stderr)
        return 1
    complaint = complaints[-1]
    print(f"\nThe complaint: {complaint.text}.\nThe service's log has:")
    for line in service.lines:
        if complaint.request_id in line:
            print(f"    {line}")
    print(f"\nGo on with: bazel-bin/cli/reprise ls {archive} --find {complaint.request_id}")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("example", choices=_EXAMPLES)
    options = parser.parse_args()
    subprocess.run(["bazel", "build", "//cli:reprise", f"//examples/{options.example}:all"], cwd=_ROOT, check=True)
    os.chdir(_ROOT)
    return record(options.example, f"{options.example}.reprise")


if __name__ == "__main__":
    sys.exit(main())
