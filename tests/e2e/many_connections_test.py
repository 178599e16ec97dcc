"""No exchange is lost among many connections, one after another or at once."""

import resource
import selectors
import unittest

from tests.e2e import harness

_SERVER = 'location / { return 200 "you asked for $request_uri and sent $http_x_number\\n"; }'


def _request(number: int) -> bytes:
    return b"GET /%d HTTP/1.1\r\nHost: test\r\nX-Number: n%d\r\nConnection: close\r\n\r\n" % (number, number)


class ManyConnectionsTest(harness.EndToEndTest):

    def _assert_all_recorded(self, recording: harness.Recording, seen: dict[bytes, bytes]):
        exchanges = recording.archive.raw()
        self.assertEqual([e.why for e in exchanges if not e.complete], [])
        self.assertEqual({e.request: e.response for e in exchanges}, seen)
        self.assertEqual(len(exchanges), len(seen))
        self.assertEqual(recording.archive.stats()["gaps"], 0)

    def test_ten_thousand_connections_one_after_another(self):
        recording, port = self.record_nginx(_SERVER)
        seen = {}
        for number in range(10_000):
            with harness.connect(port) as client:
                client.sendall(_request(number))
                seen[_request(number)] = harness.read_to_end(client)
        recording.wait_until_recorded(len(seen)).stop()
        self._assert_all_recorded(recording, seen)

    def test_two_thousand_connections_at_once(self):
        recording, port = self.record_nginx(_SERVER)
        seen = self._ask_at_once(port, 2_000)
        recording.wait_until_recorded(len(seen)).stop()
        self._assert_all_recorded(recording, seen)

    def _ask_at_once(self, port: int, count: int) -> dict[bytes, bytes]:
        """All connections are open before the first request is sent."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, count + 100)), hard))
        clients = []
        for number in range(count):
            context = harness.connect(port)
            clients.append((number, self.enterContext(context)))
        for number, client in clients:
            client.sendall(_request(number))
        received = {number: bytearray() for number, _ in clients}
        with selectors.DefaultSelector() as selector:
            for number, client in clients:
                client.setblocking(False)
                selector.register(client, selectors.EVENT_READ, number)
            while selector.get_map():
                ready = selector.select(harness.PATIENCE_S)
                self.assertTrue(ready, "nothing was answered any more")
                for key, _ in ready:
                    more = key.fileobj.recv(65536)
                    received[key.data] += more
                    if not more:
                        selector.unregister(key.fileobj)
        return {_request(number): bytes(answer) for number, answer in received.items()}


class ManyThreadsTest(ManyConnectionsTest):
    """The same with a thread for each connection, each with a segment of the arena of its own."""

    def record_nginx(self, server, **kwargs):
        return self.record_python("scripted_server.py")


if __name__ == "__main__":
    unittest.main()
