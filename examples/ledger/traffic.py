#!/usr/bin/env python3
"""Clerks who keep accounts with the ledger: open them, make entries and look them up."""

import pathlib
import random
import sys

_HERE = pathlib.Path(__file__).absolute().parent
sys.path.insert(0, str(_HERE.parents[1]))  # As a command it is run by path.

from examples import http_clients
from examples.http_clients import Request, Script

_ACCOUNTS = 50
_NAMES = ["Ada", "Grace Hopper", "Zoë", "李", "O'Neill", "x" * 300, "two\r\nlines"]


def clerk(seed: int, client: int, requests: int) -> Script:
    """The requests of one client: the same for the same arguments."""
    dice = random.Random(f"{seed}/{client}")
    for _ in range(requests):
        account = f"/accounts/a-{dice.randrange(_ACCOUNTS)}"
        chance = dice.random()
        if chance < 0.15:
            yield Request("PUT", account, dice.choice(_NAMES).encode())
        elif chance < 0.30:
            yield Request("GET", account)
        elif chance < 0.65:
            yield Request("POST", account + "/entries", str(dice.randint(-5000, 5000)).encode())
        elif chance < 0.80:
            newest = dice.choice([1, 5, 100])
            yield Request("GET", f"{account}/entries?from={-newest}&to=-1")
        elif chance < 0.95:
            yield Request("GET", account + "/totals")
        else:
            yield Request("POST", account + "/entries", b"a lot")


if __name__ == "__main__":
    sys.exit(http_clients.main(__doc__, clerk))
