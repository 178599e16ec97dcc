"""An evening at the box office: customers at three desks, one at each at a time."""

import collections
import random
import threading
import time

from examples.http_clients import Complaint, Received, Request, Script

_DESKS = 3
_SEATS = [f"{row}{number}" for row in "abc" for number in range(1, 9)]
# Of an evening on which two want the same seat at the same time.
_SEED = 17
_CUSTOMERS = 8  # at each desk
_PATIENCE_S = 60
# Customers who come together ask one after the other, within the time a payment takes.
_BETWEEN_DESKS_S = 0.02


def scripts() -> list[Script]:
    """A script for each desk."""
    together = threading.Barrier(_DESKS)
    return [_desk(desk, together) for desk in range(_DESKS)]


def _desk(desk: int, together: threading.Barrier) -> Script:
    dice = random.Random(f"{_SEED}/{desk}")
    for number in range(1, _CUSTOMERS + 1):
        together.wait(_PATIENCE_S)
        time.sleep(desk * _BETWEEN_DESKS_S)
        yield Request("POST", f"/seats/{dice.choice(_SEATS)}", f"u-{desk + 1}{number:02}".encode())


def complaints(answers: list[Received]) -> list[Complaint]:
    """Of customers who were sold a seat that somebody else was sold, too."""
    holders = collections.defaultdict(list)
    sold = [answer for answer in answers if answer.status == 201]
    for answer in sold:
        holders[answer.request.target].append(answer.request.body.decode())
    return [Complaint(answer, _complaint(answer, holders[answer.request.target]))
            for answer in sold if len(holders[answer.request.target]) > 1]


def _complaint(sale: Received, holders: list[str]) -> str:
    return (f"{sale.request.body.decode()} paid for {sale.request.target}, which was sold to "
            f"{' and '.join(holders)}")
