"""nginx with four workers: who was asked is who is asked."""

import signal
import unittest

from tests.programs.program_case import Program, ProgramTest, web_traffic


class NginxTest(ProgramTest):

    def _program(self, server: str, http: str = "") -> Program:
        command, port = self.nginx(server, http=http, workers=4)
        return Program(command, port, ends_with=signal.SIGQUIT)

    def test_four_workers_serve_a_file(self):
        root = self.page()
        recording, exchanges = self.record_under_load(
            self._program(f"root {root}; location /ask {{ try_files /page.txt =404; }}"), web_traffic)
        self.assert_replays(recording, exchanges)
        self.page(content="another page\n")
        self.assert_all_differ(recording, exchanges)

    def test_four_workers_that_each_have_a_socket_of_their_own(self):
        port = self.nginx("")[1]
        recording, exchanges = self.record_under_load(
            Program(self._program(f'listen 127.0.0.1:{port} reuseport; return 200 "$request_uri\\n";').command,
                    port, ends_with=signal.SIGQUIT), web_traffic)
        self.assert_replays(recording, exchanges)

    def test_four_workers_each_with_a_pool_of_upstream_connections(self):
        server, upstream = self.start_upstream()
        recording, exchanges = self.record_under_load(
            self._program('location / { proxy_pass http://up; proxy_http_version 1.1; '
                          'proxy_set_header Connection ""; }',
                          http=f"upstream up {{ server 127.0.0.1:{upstream}; keepalive 4; }}"), web_traffic)
        server.stop()
        self.assert_replays(recording, exchanges)


if __name__ == "__main__":
    unittest.main()
