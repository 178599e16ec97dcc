"""usage: self_calling_server.py PATH

A server on a Unix socket that asks itself: a request for /outer is answered with what a thread of it answers
to /inner, through a connection to the same path. What it says of itself has gone through a socket pair.
"""

import http.server
import os
import socket
import socketserver
import sys
import threading


def ask(target: str) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(sys.argv[1])
        client.sendall(b"GET %s HTTP/1.0\r\n\r\n" % target.encode())
        answer = b""
        while more := client.recv(4096):
            answer += more
        return answer.split(b"\r\n\r\n")[1]


def through_pair(text: bytes) -> bytes:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(text)
        return theirs.recv(len(text))


class Handler(http.server.BaseHTTPRequestHandler):
    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_):
        pass

    def do_GET(self):
        body = b"inner" if self.path == "/inner" else b"asked: " + through_pair(ask("/inner"))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


if os.path.exists(sys.argv[1]):
    os.unlink(sys.argv[1])
Server(sys.argv[1], Handler).serve_forever()
