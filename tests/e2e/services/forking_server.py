"""usage: forking_server.py PORT

An HTTP server, a connection a request, of two processes that were forked beforehand and each listen on the
port themselves (SO_REUSEPORT). Each answers with its number. What forked them ends without them.
"""

import os
import signal
import socket
import sys


def work(number: int):
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("127.0.0.1", int(sys.argv[1])))
        listener.listen()
        while True:
            connection, _ = listener.accept()
            with connection:
                if connection.recv(4096):
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % number)


for worker in (1, 2):
    if os.fork() == 0:
        work(worker)
signal.pause()
