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
    """Of customers who were sold a seat that somebody else was sold, too, while that one was paying.

    On a busy machine the one who came second may be served first: the same bug, but not this story.
    """
    sales = collections.defaultdict(list)
    for answer in answers:
        if answer.status == 201:
            sales[answer.request.target].append(answer)
    twice = [of_seat for of_seat in sales.values() if len(of_seat) > 1 and _in_turn(of_seat)]
    return [Complaint(sale, _complaint(sale, [other.request.body.decode() for other in of_seat]))
            for of_seat in twice for sale in of_seat]


def _in_turn(sales: list[Received]) -> bool:
    """Whether they were served in the order of the desks, in which they came."""
    ends = [sale.finished_s for sale in sales]
    return ends == sorted(ends)


def _complaint(sale: Received, holders: list[str]) -> str:
    return (f"{sale.request.body.decode()} paid for {sale.request.target}, which was sold to "
            f"{' and '.join(holders)}")
