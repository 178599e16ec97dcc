"""What the APIs that examples call are written with: a thread a connection, and JSON."""

import http.server
import json
import signal
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Header and body leave in one segment.
    wbufsize = -1

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status: int, document: dict):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        """Says nothing; stdout and stderr are for what is out of the ordinary."""


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128


def serve(server: Server) -> int:
    """Prints "listening on PORT" and serves until SIGINT or SIGTERM; returns the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with server:
        print(f"listening on {server.server_address[1]}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
    return 0
