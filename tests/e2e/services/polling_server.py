"""usage: polling_server.py PORT UPSTREAM_PORT

One thread serves its clients by poll(2). For each request, which has a body, it asks its upstream over a
connection that it keeps, and waits for the answer by poll(2) as well; then it asks what time it is.
"""

import http.client
import select
import socket
import sys
import time

PORT, UPSTREAM = int(sys.argv[1]), int(sys.argv[2])


def is_whole(request: bytes) -> bool:
    head, end, body = request.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n")
                   if line.lower().startswith(b"content-length:")), 0)
    return bool(end) and len(body) >= length


def answer(upstream: http.client.HTTPConnection, request: bytes) -> bytes:
    try:
        # A socket with a time-out polls before each call.
        upstream.request("GET", request.split()[1].decode())
        said = upstream.getresponse().read().decode().strip()
    except (OSError, http.client.HTTPException) as error:
        said = type(error).__name__
    text = f"{said} at {time.time()}"
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()


def main():
    listener = socket.create_server(("127.0.0.1", PORT))
    upstream = http.client.HTTPConnection("127.0.0.1", UPSTREAM, timeout=60)
    clients: dict[int, tuple[socket.socket, bytearray]] = {}
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == listener.fileno():
                client, _ = listener.accept()
                clients[client.fileno()] = (client, bytearray())
                poll.register(client, select.POLLIN)
                continue
            client, request = clients[descriptor]
            more = client.recv(65536)
            request += more
            if not more:
                poll.unregister(client)
                client.close()
            elif is_whole(request):
                client.sendall(answer(upstream, bytes(request)))
                request.clear()


main()
