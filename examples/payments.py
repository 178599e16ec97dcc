#!/usr/bin/env python3
"""The payments API, a process of its own.

    POST /charges {"order": "ord_1", "customer": "u-7", "amount": "41.5 EUR"}
    201           {"id": "ch_1", "order": "ord_1", "amount": "41.5 EUR", "fee": "0.83 EUR"}
    402           {"error": "declined"}       above 4000 of any currency
    GET /health   {"status": "up"}

The fee is 0.25 and 1.4 %. Every so many charges (--review-every) one is looked at by a person, for
which the fee is 10. Amounts are decimals without superfluous zeros, as Decimal.normalize() writes
them: "12.5", "7", and "1E+1" for ten.
"""

import argparse
import itertools
import json
import pathlib
import sys
import time
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

# As a command it is run by path.
sys.path.insert(0, str(pathlib.Path(__file__).absolute().parents[1]))

from examples import json_api

_CENT = Decimal("0.01")
_REVIEW_FEE = Decimal("10.00")
_LARGEST_CHARGE = Decimal("4000")


class Amount(NamedTuple):
    number: Decimal
    currency: str

    @staticmethod
    def parse(text: str) -> "Amount":
        """Raises ValueError or InvalidOperation."""
        number, currency = text.split(" ")
        return Amount(Decimal(number), currency)

    def __str__(self):
        return f"{self.number.normalize()} {self.currency}"


class Handler(json_api.Handler):

    def do_GET(self):
        if self.path == "/health":
            self.answer(200, {"status": "up"})
        else:
            self.answer(404, {"error": "unknown"})

    def do_POST(self):
        body = self.body()
        if self.path != "/charges":
            self.answer(404, {"error": "unknown"})
            return
        try:
            charge = json.loads(body)
            amount = Amount.parse(charge["amount"])
        except (ValueError, KeyError, TypeError, InvalidOperation):
            self.answer(400, {"error": "malformed"})
            return
        time.sleep(self.server.charge_takes_s)
        if amount.number > _LARGEST_CHARGE:
            self.answer(402, {"error": "declined"})
            return
        number = next(self.server.charge_numbers)
        reviewed = self.server.review_every > 0 and number % self.server.review_every == 0
        fee = _REVIEW_FEE if reviewed else Decimal("0.25") + amount.number * Decimal("0.014")
        self.answer(201, {"id": f"ch_{number}", "order": charge.get("order"),
                          "amount": str(amount),
                          "fee": str(Amount(fee.quantize(_CENT), amount.currency))})


class Server(json_api.Server):

    def __init__(self, address: tuple[str, int], review_every: int, charge_takes_s: float):
        super().__init__(address, Handler)
        self.review_every = review_every
        self.charge_takes_s = charge_takes_s
        # next() of a count is atomic.
        self.charge_numbers = itertools.count(1)


def main() -> int:
    parser = argparse.ArgumentParser(description="A payments API.")
    parser.add_argument("--host", default="127.0.0.1", help="address or name to listen on")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--review-every", type=int, default=40, metavar="N",
                        help="a person looks at every Nth charge; 0 for none")
    parser.add_argument("--charge-takes-ms", type=int, default=0, metavar="MS",
                        help="how long the customer's bank thinks")
    options = parser.parse_args()
    return json_api.serve(Server((options.host, options.port), options.review_every,
                                 options.charge_takes_ms / 1000))


if __name__ == "__main__":
    sys.exit(main())
