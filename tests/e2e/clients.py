"""HTTP clients that ask for targets of their own, on kept connections and all at once."""

import concurrent.futures
import dataclasses
import http.client
import ssl
from typing import Mapping, Optional

from tests.e2e import harness


@dataclasses.dataclass(frozen=True)
class Answer:
    target: str
    status: int
    headers: Mapping[str, str]
    body: bytes


def ask(port: int, *targets: str, headers: Optional[Mapping[str, str]] = None,
        tls: Optional[ssl.SSLContext] = None) -> list[Answer]:
    """One client, which asks for one target after the other."""
    if tls is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=harness.PATIENCE_S)
    else:
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=harness.PATIENCE_S, context=tls)
    answers = []
    for target in targets:
        connection.request("GET", target, headers=headers or {})
        response = connection.getresponse()
        answers.append(Answer(target, response.status, dict(response.getheaders()), response.read()))
    connection.close()
    return answers


def ask_all(port: int, clients: int, requests: int,
            headers: Optional[Mapping[str, str]] = None,
            tls: Optional[ssl.SSLContext] = None) -> list[Answer]:
    """So many clients at once with so many requests each, every one for another target."""
    def one(client: int) -> list[Answer]:
        return ask(port, *(f"/ask?{client}.{number}" for number in range(requests)), headers=headers,
                   tls=tls)
    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        return [answer for answers in pool.map(one, range(clients)) for answer in answers]
