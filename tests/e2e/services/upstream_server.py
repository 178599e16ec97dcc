"""usage: upstream_server.py [PORT [CERTIFICATE KEY]]

What services under test call: http.server with a thread a connection, kept alive. It prints its port,
which is a free one unless it is given; with a certificate it speaks TLS. The last part of the path says how it behaves:

  /slow   reads the request and says nothing until its client hangs up
  /reset  resets the connection after the request
  /cut    announces 100 bytes, sends 11, closes its half and waits for its client to close the other
  else    answers with what it was asked and a number of its own
"""

import http.server
import itertools
import socket
import ssl
import struct
import sys

numbers = itertools.count(1)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        behaviours = {"slow": self._be_slow, "reset": self._reset, "cut": self._cut}
        behaviours.get(self.path.rsplit("/", 1)[-1], self._answer)()

    def _answer(self):
        body = f"answer {next(numbers)} to {self.path}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _be_slow(self):
        self._wait_until_hung_up()

    def _reset(self):
        # Not lingering makes close() a reset (socket(7)).
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _cut(self):
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"only a part")
        self.connection.shutdown(socket.SHUT_WR)
        self._wait_until_hung_up()

    def _wait_until_hung_up(self):
        while self.rfile.read(1):
            pass
        self.close_connection = True

    def log_message(self, format, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    encryption = None

    def finish_request(self, request, client_address):
        if self.encryption is not None:
            request = self.encryption.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def shutdown_request(self, request):
        self.close_request(request)  # and no end of the stream before a reset


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    with Server(("127.0.0.1", port), Handler) as server:
        if len(sys.argv) > 2:
            server.encryption = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.encryption.load_cert_chain(*sys.argv[2:])
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
