"""usage: meeting_server.py PORT REQUESTS

http.server with a thread a connection. A request is answered when so many wait at once, or with 503 when
the others have not come within 2 s; from then on nobody waits.
"""

import http.server
import sys
import threading

_meeting = threading.Barrier(int(sys.argv[2]))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        try:
            _meeting.wait(timeout=2)
            status, body = 200, b"all are here\n"
        except threading.BrokenBarrierError:
            status, body = 503, b"the others did not come\n"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
