"""apache2 in its two ways to work: a process a connection, and threads with an event loop."""

import unittest

from tests.e2e import harness
from tests.programs.program_case import Program, ProgramTest, web_traffic

_MODULES = "/usr/lib/apache2/modules"
_CONF = """
ServerRoot {root}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {root}/httpd.pid
ErrorLog {root}/error.log
DefaultRuntimeDir {root}
Mutex file:{root} default
LoadModule mpm_{mpm}_module {modules}/mod_mpm_{mpm}.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule alias_module {modules}/mod_alias.so
User nobody
Group nogroup
MaxKeepAliveRequests 0
{sizes}
DocumentRoot {www}
AliasMatch ^/ask.* {www}/page.txt
<Directory {www}>
Require all granted
</Directory>
"""


class ApacheTest(ProgramTest):

    def _assert_replays(self, mpm: str, sizes: str):
        port = harness.free_port()
        conf = self.write("httpd.conf", _CONF.format(root=self.root, port=port, modules=_MODULES, mpm=mpm,
                                                     www=self.page(), sizes=sizes))
        recording, exchanges = self.record_under_load(
            Program(["apache2", "-DFOREGROUND", "-f", conf], port), web_traffic)
        self.assert_replays(recording, exchanges)
        self.page(content="another page\n")
        self.assert_all_differ(recording, exchanges)

    def test_a_process_a_connection(self):
        self._assert_replays("prefork", "StartServers 4\nMinSpareServers 4\nMaxSpareServers 8\n"
                                        "MaxRequestWorkers 16")

    def test_threads_with_an_event_loop(self):
        # With few threads to spare it ends kept connections early.
        self._assert_replays("event", "StartServers 2\nThreadsPerChild 25\nMinSpareThreads 25\n"
                                      "MaxSpareThreads 75\nMaxRequestWorkers 50")


if __name__ == "__main__":
    unittest.main()
