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
import http.server
import itertools
import json
import signal
import sys
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

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


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Header and body leave in one segment.
    wbufsize = -1

    def do_GET(self):
        if self.path == "/health":
            self._answer(200, {"status": "up"})
        else:
            self._answer(404, {"error": "unknown"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/charges":
            self._answer(404, {"error": "unknown"})
            return
        try:
            charge = json.loads(body)
            amount = Amount.parse(charge["amount"])
        except (ValueError, KeyError, TypeError, InvalidOperation):
            self._answer(400, {"error": "malformed"})
            return
        if amount.number > _LARGEST_CHARGE:
            self._answer(402, {"error": "declined"})
            return
        number = next(self.server.charge_numbers)
        reviewed = self.server.review_every > 0 and number % self.server.review_every == 0
        fee = _REVIEW_FEE if reviewed else Decimal("0.25") + amount.number * Decimal("0.014")
        self._answer(201, {"id": f"ch_{number}", "order": charge.get("order"),
                           "amount": str(amount),
                           "fee": str(Amount(fee.quantize(_CENT), amount.currency))})

    def _answer(self, status: int, document: dict):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        """Says nothing; stdout and stderr are for what is out of the ordinary."""


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], review_every: int):
        super().__init__(address, Handler)
        self.review_every = review_every
        # next() of a count is atomic.
        self.charge_numbers = itertools.count(1)


def main() -> int:
    parser = argparse.ArgumentParser(description="A payments API.")
    parser.add_argument("--host", default="127.0.0.1", help="address or name to listen on")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--review-every", type=int, default=40, metavar="N",
                        help="a person looks at every Nth charge; 0 for none")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Server((options.host, options.port), options.review_every) as server:
        print(f"listening on {server.server_address[1]}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
