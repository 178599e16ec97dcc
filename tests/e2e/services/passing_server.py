"""usage: passing_server.py PORT READ

A server of two workers, forked beforehand, that get their connections from a master, in messages over socket
pairs. The master reads READ bytes of each request before it gives it away, and closes its own descriptor at
once. Each worker answers with its number, how much of the request it saw, and who the client is.
"""

import os
import socket
import sys


def work(number: int, messages: socket.socket):
    while True:
        _, (descriptor,), _, _ = socket.recv_fds(messages, 1, 1)
        with socket.socket(fileno=descriptor) as connection:
            seen = b""
            while not seen.endswith(b"\r\n\r\n"):
                if not (more := connection.recv(4096)):
                    break
                seen += more
            if not seen:
                continue
            body = b"worker %d saw %d bytes from %s\n" % (number, len(seen), connection.getpeername()[0].encode())
            connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
                               % (len(body), body))


def main():
    read = int(sys.argv[2])
    workers = []
    for number in (1, 2):
        ours, theirs = socket.socketpair()
        if os.fork() == 0:
            ours.close()
            work(number, theirs)
        theirs.close()
        workers.append(ours)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", int(sys.argv[1])))
        listener.listen()
        for turn in range(1 << 30):
            connection, _ = listener.accept()
            with connection:
                if read and len(connection.recv(read)) < read:
                    continue
                socket.send_fds(workers[turn % 2], [b"x"], [connection.fileno()])


main()
