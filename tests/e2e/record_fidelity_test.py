"""What clients send and receive is in the archive, byte for byte, however odd it is."""

import concurrent.futures
import os
import unittest

from tests.e2e import harness
from tests.e2e.services import scripted_server

# What GoReplay puts between records: a body that contains it cuts its recordings.
_SEPARATOR = "\n🐵🙈🙉\n".encode()
_JOURNAL_PAGE = 8  # docs/archive_format.md, kind of a block


class FidelityTest(harness.EndToEndTest):

    def _converse(self, port: int, request: bytes, to_end: bool = False) -> bytes:
        with harness.connect(port) as client:
            client.sendall(request)
            return harness.read_to_end(client) if to_end else harness.read_response(client)

    def _recorded_alone(self, request: bytes, to_end: bool = False, options=()) -> harness.RawExchange:
        """Records one exchange with the scripted server and checks it against what the client saw."""
        recording, port = self.record_python("scripted_server.py", options=options)
        response = self._converse(port, request, to_end)
        self.assertEqual(recording.wait_until_recorded(1).stop(), 128 + 15)
        exchanges = recording.archive.raw()
        self.assertEqual(len(exchanges), 1)
        self.assert_whole(exchanges[0], request, response)
        self.assertEqual(recording.archive.stats()["gaps"], 0)
        listed = recording.archive.ls()[0]  # read as HTTP, and not as bytes nobody understood
        self.assertEqual((listed["method"], listed["status"]), (request.split(b" ")[0].decode(), "200"))
        return exchanges[0]

    def test_one_wrong_byte_is_found(self):
        """The control of all tests here that compare bytes."""
        request = b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nabc"
        exchange = self._recorded_alone(request)
        for sent, received in ((request[:-1] + b"d", exchange.response),
                               (request, exchange.response[:-1] + b"d"),
                               (request[:-1], exchange.response)):
            with self.assertRaises(AssertionError):
                self.assert_whole(exchange, sent, received)

    def test_five_pipelined_requests_are_five_exchanges(self):
        recording, port = self.record_nginx('location / { return 200 "this is $request_uri\\n"; }')
        requests = [b"GET /%d HTTP/1.1\r\nHost: test\r\nX-Number: %d\r\n\r\n" % (i, i) for i in range(5)]
        with harness.connect(port) as client:
            client.sendall(b"".join(requests))
            responses = [harness.read_response(client) for _ in requests]
        recording.stop()
        exchanges = recording.archive.raw()
        self.assertEqual(len(exchanges), 5)
        for exchange, request, response in zip(exchanges, requests, responses):
            self.assert_whole(exchange, request, response)
        self.assertEqual([line["target"] for line in recording.archive.ls()],
                         [f"/{i}" for i in range(5)])

    def test_how_pages_are_compressed_changes_the_file_and_not_what_is_read_from_it(self):
        requests = [b"GET /%d HTTP/1.1\r\nHost: test\r\n\r\n" % i for i in range(20)]
        facts = {}
        for choice in ("always", "never"):
            recording, port = self.record_nginx('location / { return 200 "this is $request_uri\\n"; }',
                                                options=["--compress", choice])
            responses = []
            with harness.connect(port) as client:
                for request in requests:
                    client.sendall(request)
                    responses.append(harness.read_response(client))
            recording.stop()
            # As the recorder left it. Pages that are small anyway are never compressed.
            compressed = {block.compressed for block in recording.archive.blocks()
                          if block.kind == _JOURNAL_PAGE and len(block.payload) > 1024}
            self.assertEqual(compressed, {choice == "always"})
            exchanges = recording.archive.raw()
            self.assertEqual(len(exchanges), len(requests))
            for exchange, request, response in zip(exchanges, requests, responses):
                self.assert_whole(exchange, request, response)
            facts[choice] = [(line["target"], line["status"], line["calls"], line["complete"])
                             for line in recording.archive.ls()]
        self.assertEqual(facts["always"], facts["never"])

    def test_a_body_with_another_tools_record_separator_is_one_body(self):
        body = b"1 a 2 3\n" + _SEPARATOR + b"2 b 4 5\nHTTP/1.1 500 No\r\n\r\n" + _SEPARATOR * 3
        exchange = self._recorded_alone(
            b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        self.assertEqual(exchange.response.count(_SEPARATOR), body.count(_SEPARATOR))

    def test_a_close_delimited_response_is_whole_when_the_service_closes(self):
        exchange = self._recorded_alone(b"GET /close-delimited HTTP/1.0\r\n\r\n", to_end=True)
        self.assertEqual(exchange.response, scripted_server.CLOSE_DELIMITED)

    def test_a_close_delimited_response_is_not_whole_when_the_service_is_killed(self):
        """The control of the test above: the client receives the same, and so would a silent recorder."""
        recording, port = self.record_python("scripted_server.py")
        response = self._converse(port, b"GET /close-delimited-kill HTTP/1.0\r\n\r\n", to_end=True)
        recording.wait()
        self.assertEqual(response, scripted_server.CLOSE_DELIMITED)
        exchange, = recording.archive.raw()
        self.assertEqual(exchange.response, response)
        self.assertFalse(exchange.complete)
        self.assertIn("killed", exchange.why)

    def test_methods_nobody_listed_are_exchanges(self):
        for method in (b"PURGE", b"QUERY"):
            with self.subTest(method=method):
                exchange = self._recorded_alone(
                    method + b" /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nq=1")
                self.assertTrue(exchange.request.startswith(method))

    def test_a_status_line_without_a_reason_is_a_status(self):
        for path in (b"/no-reason", b"/no-reason-no-space"):
            with self.subTest(path=path):
                self._recorded_alone(b"GET %s HTTP/1.1\r\nHost: test\r\n\r\n" % path)

    def test_compressed_and_broken_text_stay_as_they_are(self):
        for path, content in ((b"/gzip", scripted_server.GZIPPED),
                              (b"/invalid-utf8", scripted_server.INVALID_UTF8)):
            with self.subTest(path=path):
                exchange = self._recorded_alone(b"GET %s HTTP/1.1\r\nHost: test\r\n\r\n" % path)
                self.assertTrue(exchange.response.endswith(content))

    def test_a_large_upload_is_whole_when_the_service_may_wait(self):
        body = os.urandom(1 << 20) * 64
        recording, port = self.record_python("scripted_server.py",
                                             options=["--arena-size", "1M", "--lossless"])
        request = b"POST /length HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        response = self._converse(port, request)
        recording.wait_until_recorded(1).stop()
        exchanges = recording.archive.raw()
        self.assertEqual(len(exchanges), 1)
        self.assertEqual(exchanges[0].why, "")
        self.assertEqual(len(exchanges[0].request), len(request))
        self.assertTrue(exchanges[0].request == request)  # assertEqual would print 64 MiB
        self.assertEqual(exchanges[0].response, response)
        self.assertEqual(recording.archive.stats()["dropped"], 0)

    def test_what_the_arena_cannot_hold_is_a_gap_when_the_service_may_not_wait(self):
        """The control of the test above: without --lossless the same upload overruns the arena."""
        body = os.urandom(1 << 20) * 64
        recording, port = self.record_python("scripted_server.py", options=["--arena-size", "1M"])
        request = b"POST /length HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        self.assertIn(b"%d" % len(body), self._converse(port, request))
        recording.stop()
        self.assertGreater(recording.archive.stats()["dropped"], 0)
        self.assertFalse(any(exchange.complete for exchange in recording.archive.raw()))

    def test_files_sent_by_reference_are_whole(self):
        with open(self.path("page.bin"), "wb") as page:
            page.write(os.urandom(300_000))
        recording, port = self.record_nginx(f"sendfile on; location / {{ root {self.root}; }}")
        request = b"GET /page.bin HTTP/1.1\r\nHost: test\r\n\r\n"
        responses = [self._converse(port, request) for _ in range(3)]
        recording.stop()
        exchanges = recording.archive.raw()
        self.assertEqual(len(exchanges), 3)
        for exchange, response in zip(exchanges, responses):
            self.assert_whole(exchange, request, response)

    def test_what_every_client_sees_under_load_is_recorded(self):
        recording, port = self.record_python("scripted_server.py")
        paths = list(scripted_server.RESPONSES)

        def talk(number: int) -> list[tuple[bytes, bytes]]:
            seen = []
            with harness.connect(port) as client:
                for turn in range(20):
                    body = b"%d.%d" % (number, turn) * (turn * 100)
                    path = paths[(number + turn) % 4] if turn % 2 else b"/echo"
                    request = (b"POST %s HTTP/1.1\r\nHost: test\r\nX-Turn: %d.%d\r\nContent-Length: %d\r\n\r\n"
                               % (path, number, turn, len(body))) + body
                    client.sendall(request)
                    seen.append((request, harness.read_response(client)))
            return seen

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            seen = [pair for pairs in pool.map(talk, range(16)) for pair in pairs]
        recording.wait_until_recorded(len(seen)).stop()
        exchanges = recording.archive.raw()
        self.assertTrue(all(exchange.complete for exchange in exchanges))
        self.assertEqual(sorted((exchange.request, exchange.response) for exchange in exchanges),
                         sorted(seen))


if __name__ == "__main__":
    unittest.main()
