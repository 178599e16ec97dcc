"""usage: calling_server.py PORT UPSTREAM_PORT

http.server with a thread a connection; /ask?N calls the upstream with urllib and passes its answer on.
"""

import http.server
import sys
import urllib.request


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        with urllib.request.urlopen(f"http://localhost:{sys.argv[2]}/up{self.path}") as answer:
            body = b"upstream said: " + answer.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        sys.stderr.write(f"served {self.path}\n")


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
