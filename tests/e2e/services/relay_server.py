"""Passes on what its clients say to a server, and what that answers: a pooler without a pool.

    relay_server.py PORT SERVER_PORT
"""

import select
import socket
import sys


def _relay(client: socket.socket, server: socket.socket):
    others = {client: server, server: client}
    while True:
        readable, _, _ = select.select(list(others), [], [])
        for speaker in readable:
            said = speaker.recv(65536)
            if not said:
                return
            others[speaker].sendall(said)


def main():
    port, server_port = (int(word) for word in sys.argv[1:])
    listener = socket.create_server(("127.0.0.1", port))
    while True:
        client, _ = listener.accept()
        with client, socket.create_connection(("127.0.0.1", server_port)) as server:
            _relay(client, server)


if __name__ == "__main__":
    main()
