"""A thousand SIGKILLs at random instants under load: whatever was answered is in the archive, or its
loss is counted there."""

import collections
import concurrent.futures
import contextlib
import dataclasses
import os
import random
import signal
import threading
import time
import unittest

from tests.e2e import harness

KILLS = int(os.environ.get("REPRISE_KILLS", "1000"))
_CLIENTS = 4
# With room for all, with so little that segments are used again and again, and that while waiting for room.
_OPTIONS = ([], ["--arena-size", "1M"], ["--arena-size", "1M", "--lossless"])


@dataclasses.dataclass
class Seen:
    """What the clients of one recording sent, and what of it was answered to the last byte."""

    sent: set[bytes] = dataclasses.field(default_factory=set)
    answered: dict[bytes, bytes] = dataclasses.field(default_factory=dict)


class Client(threading.Thread):
    """Asks until nobody answers: requests that tell each other apart, on connections kept or not."""

    def __init__(self, port: int, number: int, seed: int, seen: Seen):
        super().__init__(daemon=True)
        self._port, self._number, self._seen = port, number, seen
        self._chance = random.Random(seed * _CLIENTS + number)

    def run(self):
        turn = 0
        with contextlib.suppress(OSError):
            while True:
                with harness.connect(self._port) as connection:
                    for _ in range(self._chance.choice((1, 3, 50))):
                        turn += 1
                        if not self._ask(connection, turn):
                            return

    def _ask(self, connection, turn: int) -> bool:
        body = self._chance.randbytes(self._chance.choice((0, 10, 1000, 40_000)))
        request = (b"POST /echo HTTP/1.1\r\nHost: test\r\nX-Number: %d.%d\r\nContent-Length: %d\r\n\r\n"
                   % (self._number, turn, len(body))) + body
        self._seen.sent.add(request)
        connection.sendall(request)
        response = harness.read_response(connection)
        if response != _echo(body):
            return False
        self._seen.answered[request] = response
        return True


def _echo(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class RandomKillsTest(harness.EndToEndTest):

    def _under_load(self, seed: int) -> tuple[harness.Recording, Seen, list[Client]]:
        recording, port = self.record_python("scripted_server.py", archive=f"{seed}.reprise",
                                             options=_OPTIONS[seed % len(_OPTIONS)])
        seen = Seen()
        clients = [Client(port, number, seed, seen) for number in range(_CLIENTS)]
        for client in clients:
            client.start()
        return recording, seen, clients

    def _problems(self, archive: harness.Archive, seen: Seen) -> list[str]:
        """What was answered and is neither recorded nor counted, and what is recorded wrongly."""
        problems = []
        exchanges = archive.raw()
        stats = archive.stats()
        recorded = collections.Counter(exchange.request for exchange in exchanges)
        for exchange in exchanges:
            wanted = seen.answered.get(exchange.request)
            if wanted is None:
                if exchange.complete and exchange.request not in seen.sent:
                    problems.append(f"exchange {exchange.number} was never made")
            elif exchange.response != wanted and (exchange.complete or not stats["dropped"]):
                problems.append(f"exchange {exchange.number} has {len(exchange.response)} bytes of its "
                                f"answer's {len(wanted)} ({exchange.why or 'complete'})")
            if not exchange.complete and not exchange.why:
                problems.append(f"exchange {exchange.number} is incomplete without a reason")
        problems += [f"{request[:70]!r} is there {count} times"
                     for request, count in recorded.items() if request in seen.answered and count > 1]
        missing = [request for request in seen.answered if request not in recorded]
        if missing and not stats["dropped"]:
            problems.append(f"{len(missing)} of {len(seen.answered)} answered exchanges are missing, and "
                            f"no loss is counted; the first: {missing[0][:70]!r}")
        return problems

    def _kill_service(self, seed: int) -> list[str]:
        recording, seen, clients = self._under_load(seed)
        service = recording.service_pid()
        time.sleep(random.Random(seed).uniform(0, 0.5))  # the random instant
        os.kill(service, signal.SIGKILL)
        status = recording.wait()
        for client in clients:
            client.join()
        problems = self._problems(recording.archive, seen)
        if status != 128 + signal.SIGKILL:
            problems.append(f"reprise record ended with {status}: {recording.stderr}")
        if recording.archive.stats()["exit"] != {"signal": signal.SIGKILL}:
            problems.append("the archive does not tell that the service was killed")
        return problems

    def _kill_recorder(self, seed: int) -> list[str]:
        chance = random.Random(seed)
        recording, seen, clients = self._under_load(seed)
        session, service = recording.session(), recording.service_pid()
        time.sleep(chance.uniform(0, 0.5))
        recording.process.kill()
        recording.wait()
        answered = len(seen.answered)
        harness.wait_for(lambda: len(seen.answered) > answered, "an answer of the service, which lives on")
        time.sleep(chance.uniform(0, 0.1))
        os.kill(service, signal.SIGKILL)
        harness.wait_for(lambda: not _has_memory(service), "the service's end")
        for client in clients:
            client.join()
        harness.run_reprise("recover", session)
        problems = self._problems(recording.archive, seen)
        if not recording.archive.stats()["recovered"]:
            problems.append("the archive does not tell that it was recovered")
        if os.path.exists(session):
            problems.append("the session was not removed")
        return problems

    def _assert_holds(self, kill, seeds):
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            found = list(pool.map(lambda seed: (seed, kill(seed)), seeds))
        self.assertEqual([(seed, problems) for seed, problems in found if problems], [])

    def test_of_the_service(self):
        self._assert_holds(self._kill_service, range(0, KILLS // 2))

    def test_of_the_recorder(self):
        self._assert_holds(self._kill_recorder, range(KILLS // 2, KILLS))

    def test_an_archive_from_which_something_is_missing_is_found_out(self):
        """The control: a recorder that stood still and was never recovered from lost what it had not read."""
        recording, seen, clients = self._under_load(len(_OPTIONS) * KILLS)
        service = recording.service_pid()
        os.kill(recording.process.pid, signal.SIGSTOP)
        answered = len(seen.answered)
        harness.wait_for(lambda: len(seen.answered) > answered + 10, "answers")
        recording.process.kill()
        recording.wait()
        os.kill(service, signal.SIGKILL)
        for client in clients:
            client.join()
        self.assertNotEqual(self._problems(recording.archive, seen), [])


def _has_memory(pid: int) -> bool:
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
            return bool(maps.read(1))
    return False


if __name__ == "__main__":
    unittest.main()
