"""usage: calling_server.py PORT UPSTREAM_PORT

http.server with a thread a connection; calls the upstream with urllib, for at most 5 s, and passes its
answer on, or 502 and what became of the call.
"""

import http.client
import http.server
import sys
import time
import urllib.request


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        began = time.monotonic()
        try:
            status, body = 200, b"upstream said: " + self._call_out()
        except (OSError, http.client.HTTPException) as error:
            seconds = round(time.monotonic() - began)
            status, body = 502, f"the upstream failed after {seconds} s: {error!r}\n".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _call_out(self) -> bytes:
        with urllib.request.urlopen(f"http://localhost:{sys.argv[2]}/up{self.path}", timeout=5) as answer:
            return answer.read()

    def log_message(self, format, *args):
        sys.stderr.write(f"served {self.path}\n")


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
