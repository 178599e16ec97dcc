"""One run of a load: what it reached, and the processor time it took."""

import contextlib
import os
import signal
import subprocess
import tempfile
from dataclasses import dataclass

from examples.server_process import NotReady, free_port
from tests.bench import onlookers, processes
from tests.bench.clients import Answers, NotAnswered
from tests.bench.loads import OTHER_CORE, SERVER_CORE, Load, Place
from tests.bench.onlookers import Onlooker


@dataclass(frozen=True)
class Run:
    """What was measured."""

    answers: Answers
    service_cpu_s: float
    onlooker_cpu_s: float
    kept: float | None  # of what was answered, by the onlooker, if it says so

    @property
    def cpu_us_per_answer(self) -> float:
        return self.service_us_per_answer + self.onlooker_us_per_answer

    @property
    def service_us_per_answer(self) -> float:
        return self.service_cpu_s / self.answers.count * 1e6

    @property
    def onlooker_us_per_answer(self) -> float:
        return self.onlooker_cpu_s / self.answers.count * 1e6


class NotMeasured(Exception):
    """A run that came to nothing; says why."""


def measure(load: Load, onlooker: Onlooker, seconds: int, connections: int) -> Run:
    """Runs a fresh server under `load` for so long.

    Raises NotMeasured when something does not run.
    """
    try:
        return _measure(load, onlooker, seconds, connections)
    except (NotAnswered, NotReady, OSError, subprocess.SubprocessError) as error:
        raise NotMeasured(f"{type(error).__name__}: {error}") from error


def _measure(load: Load, onlooker: Onlooker, seconds: int, connections: int) -> Run:
    with contextlib.ExitStack() as stack:
        root = stack.enter_context(tempfile.TemporaryDirectory(prefix="reprise-bench-"))
        os.chmod(root, 0o755)  # started by root, nginx's worker is another user
        place = Place(root, free_port(), free_port())
        load = onlooker.changed(load, place)
        command = stack.enter_context(load.command(place))
        server = stack.enter_context(_started(onlooker.around(command, place), subprocess.DEVNULL))
        _wait_until(lambda: processes.accepts(place.port), server, "listening")
        name, count = load.processes
        service = processes.wait_for(lambda: _exactly(count, processes.named(server.pid, name)),
                                     f"{count} processes of {name}")
        beside = _start_beside(stack, onlooker, place)
        lookers = [process for process in [server, *beside] if process.pid not in service]
        for pid in service:
            processes.pin(pid, SERVER_CORE)
        for process in lookers:
            processes.pin(process.pid, OTHER_CORE)

        service_before = sum(map(processes.cpu_seconds, service))
        lookers_before = sum(processes.cpu_seconds(process.pid) for process in lookers)
        answers = load.drive(place, onlooker.asked(place), seconds, load.connections or connections)
        service_cpu = sum(map(processes.cpu_seconds, service)) - service_before

        # What an onlooker still does to finish what it writes is part of the bill.
        os.kill(service[0], signal.SIGTERM)
        processes.cpu_seconds_at_end(server)
        for process in beside:
            process.send_signal(onlooker.ends_by)
        lookers_cpu = sum(map(processes.cpu_seconds_at_end, lookers)) - lookers_before
        return Run(answers, service_cpu, lookers_cpu, onlooker.kept(answers, place))


def _start_beside(stack: contextlib.ExitStack, onlooker: Onlooker, place: Place) -> list[subprocess.Popen]:
    command = onlooker.beside(place)
    if not command:
        return []
    output = stack.enter_context(onlookers.said(place).open("w"))
    process = stack.enter_context(_started(command, output))
    try:
        _wait_until(lambda: onlooker.ready(place), process, "being ready")
    except NotReady as error:
        raise NotReady(f"{error}: {onlookers.said(place).read_text()}") from error
    return [process]


@contextlib.contextmanager
def _started(command: list[str], output):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(processes.PATIENCE_S)


def _wait_until(condition, process: subprocess.Popen, what: str):
    def met_or_ended():
        return condition() or process.poll() is not None
    processes.wait_for(met_or_ended, f"{process.args[0]}: {what}")
    if process.poll() is not None:
        raise NotReady(f"{' '.join(process.args)}: ended with {process.returncode}")


def _exactly(count: int, pids: list[int]) -> list[int] | None:
    return pids if len(pids) == count else None
