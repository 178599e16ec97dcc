"""A line protocol nobody knows, in which the server speaks first, to its clients and at its upstream.

usage: greeting_service.py PORT UPSTREAM_PORT [WELCOME]

Each line is answered with the upstream's line for it and the time. The welcome has a random number.
"""

import random
import socket
import socketserver
import sys
import time


class Handler(socketserver.StreamRequestHandler):

    def handle(self):
        welcome = sys.argv[3] if len(sys.argv) > 3 else "ready"
        self.wfile.write(f"220 {welcome} {random.getrandbits(32)}\r\n".encode())
        with socket.create_connection(("127.0.0.1", int(sys.argv[2]))) as connection, \
                connection.makefile("rwb", buffering=0) as upstream:
            upstream.readline()  # its greeting
            for line in self.rfile:
                if line.strip() == b"QUIT":
                    self.wfile.write(b"221 bye\r\n")
                    return
                upstream.write(line)
                self.wfile.write(b"250 " + upstream.readline().strip() + f" {time.time()}\r\n".encode())


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128


with Server(("127.0.0.1", int(sys.argv[1])), Handler) as server:
    server.serve_forever()
