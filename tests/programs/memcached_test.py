"""memcached: its threads, and items that all clients share."""

import unittest

from tests.e2e import harness
from tests.programs.program_case import Program, ProgramTest, text_traffic


def _script(client: int, prefix: bytes):
    for number in range(40):
        value = b"%d of client %d" % (number, client)
        key, next_key = (b"%s%d" % (prefix, i % 5) for i in (number, number + 1))
        yield b"set %s 0 60 %d\r\n%s\r\n" % (key, len(value), value), b"STORED\r\n"
        yield b"get %s %s\r\n" % (key, next_key), b"END\r\n"
        yield b"incr count%d 1\r\n" % client, b"\r\n"


def _of_its_own(client: int):
    return _script(client, b"%d-" % client)


def _of_all(client: int):
    return _script(client, b"shared-")


class MemcachedTest(ProgramTest):

    def _program(self, *options: str) -> Program:
        port = harness.free_port()
        return Program(["memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", str(port), "-U", "0", *options],
                       port)

    def test_four_threads_with_clients_that_have_items_of_their_own(self):
        recording, exchanges = self.record_under_load(
            self._program("-t", "4"), lambda port: text_traffic(port, 8, _of_its_own))
        self.assertEqual(exchanges, 8 * 40 * 3)
        self.assert_replays(recording, exchanges)

    def test_items_that_all_clients_share(self):
        recording, exchanges = self.record_under_load(
            self._program("-t", "1"), lambda port: text_traffic(port, 8, _of_all))
        self.assert_replays(recording, exchanges)

    def test_one_that_takes_smaller_items_differs(self):
        program = self._program("-t", "1")
        big = b"x" * 2000

        def script(client: int):
            yield b"set big%d 0 60 2000\r\n%s\r\n" % (client, big), b"STORED\r\n"
        recording, exchanges = self.record_under_load(program, lambda port: text_traffic(port, 4, script))
        self.assert_replays(recording, exchanges)
        self.assert_all_differ(recording, exchanges,
                               [*program.command, "-I", "1k", "-o", "slab_chunk_max=512"])


if __name__ == "__main__":
    unittest.main()
