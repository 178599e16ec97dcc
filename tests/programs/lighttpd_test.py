"""lighttpd, by itself and with workers, which it ends by a signal to its whole process group."""

import signal
import unittest

from tests.e2e import harness
from tests.programs.program_case import Program, ProgramTest, web_traffic

_CONF = """
server.document-root = "{www}"
server.port = {port}
server.bind = "127.0.0.1"
server.errorlog = "{root}/error.log"
server.max-keep-alive-requests = 100000
server.max-worker = {workers}
server.modules = ("mod_rewrite")
mimetype.assign = (".txt" => "text/plain")
url.rewrite-once = ("^/ask.*" => "/page.txt")
"""


class LighttpdTest(ProgramTest):

    def _assert_replays(self, workers: int):
        port = harness.free_port()
        conf = self.write("lighttpd.conf", _CONF.format(root=self.root, www=self.page(), port=port,
                                                        workers=workers))
        recording, exchanges = self.record_under_load(
            Program(["lighttpd", "-D", "-f", conf], port, ends_with=signal.SIGINT), web_traffic)
        self.assert_replays(recording, exchanges)
        self.page(content="another page\n")
        self.assert_all_differ(recording, exchanges)

    def test_one_process(self):
        self._assert_replays(workers=0)

    def test_three_workers(self):
        self._assert_replays(workers=3)


if __name__ == "__main__":
    unittest.main()
