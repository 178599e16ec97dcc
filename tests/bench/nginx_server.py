"""nginx in the foreground with a configuration of its own, as every benchmark runs it."""

import pathlib
import subprocess
from dataclasses import dataclass

from tests import nginx

FILE = "page"
SMALL = "x" * 200
# What a server block has inside.
SAYS_SMALL = f'location / {{ return 200 "{SMALL}"; }}'

_CONFIGURATION = """
daemon off;
worker_processes 1;
master_process {master};
pid {root}/nginx.pid;
error_log {root}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 1000000;
  {temporary_paths}
  {http}
  server {{ listen 127.0.0.1:{port} {listen}; root {root}; {server} }}
}}
"""


@dataclass(frozen=True)
class NginxServer:
    """nginx with one worker.

    Attributes:
        server: the inside of its server block.
        http: what stands beside that block.
        file_bytes: so long is FILE, which it may send.
        tls: whether it speaks that, with a certificate that it signed itself.
        master: whether there is a master process besides the worker.
    """

    server: str = SAYS_SMALL
    http: str = ""
    file_bytes: int = 0
    tls: bool = False
    master: bool = True

    def command(self, root: str, port: int) -> list[str]:
        """The command that runs it in the directory `root`, where it then has what it needs."""
        server = self.server
        if self.tls:
            _make_certificate(root)
            server += f" ssl_certificate {root}/own.pem; ssl_certificate_key {root}/own.key;"
        pathlib.Path(root, FILE).write_bytes(bytes(ord("a") + i % 26 for i in range(self.file_bytes)))
        conf = pathlib.Path(root, "nginx.conf")
        conf.write_text(_CONFIGURATION.format(root=root, port=port, server=server, http=self.http,
                                              listen="ssl" if self.tls else "",
                                              master="on" if self.master else "off",
                                              temporary_paths=nginx.temporary_paths(root)))
        return ["nginx", "-p", root, "-c", str(conf)]


def _make_certificate(root: str):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{root}/own.key",
                    "-out", f"{root}/own.pem", "-days", "1", "-subj", "/CN=bench"], check=True,
                   capture_output=True)
