"""usage: asking_server.py PORT UPSTREAM_PORT [CHANGE]...

An HTTP server, a connection a request, that asks its upstream with `POST /price` for each and passes
on what it says. A CHANGE makes another build of it:

    header=NAME:VALUE   sends the upstream one header more
    body=TEXT           asks it with another body
    extra=PATH          asks it for PATH as well, after the first answer
    exit-after=N        ends with status 9 once it has answered N requests
"""

import http.client
import socket
import sys

PORT, UPSTREAM = int(sys.argv[1]), int(sys.argv[2])
CHANGES = dict(change.split("=", 1) for change in sys.argv[3:])


def ask(method: str, path: str, body: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", UPSTREAM)
    try:
        headers = dict([CHANGES["header"].split(":", 1)]) if "header" in CHANGES else {}
        connection.request(method, path, body, headers)
        return connection.getresponse().read().decode()
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()


def answer(request: str) -> bytes:
    text = ask("POST", "/price", CHANGES.get("body", request))
    if "extra" in CHANGES:
        text += " and " + ask("GET", CHANGES["extra"], "")
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}".encode()


listener = socket.create_server(("127.0.0.1", PORT))
answered = 0
while answered != int(CHANGES.get("exit-after", -1)):
    client, _ = listener.accept()
    with client:
        head = client.recv(65536)
        if not head:
            continue
        client.sendall(answer(head.split(b" ")[1].decode()))
    answered += 1
sys.exit(9)
