#!/usr/bin/env python3
"""Customers of the checkout service: they buy, look at what they bought, and make mistakes."""

import json
import pathlib
import random
import sys

_HERE = pathlib.Path(__file__).absolute().parent
sys.path.insert(0, str(_HERE.parents[1]))  # As a command it is run by path.

from examples import http_clients
from examples.http_clients import Request, Script

_SHOP = json.loads((_HERE / "shop.json").read_text(encoding="utf-8"))
_LIMITED = "cup-signed"


def _cart(dice: random.Random, client: int, sequence: int) -> dict:
    currency = dice.choice(["EUR", "EUR", "EUR", "USD"])
    everyday = [product for product in _SHOP["products"] if product["sku"] != _LIMITED]
    items = [{"sku": product["sku"], "quantity": dice.randint(1, 3),
              "price_cents": product["prices"][currency]}
             for product in dice.sample(everyday, dice.randint(1, 4))]
    cart = {"cart": f"c-{client}-{sequence}", "customer": f"u-{dice.randint(1, 500)}",
            "currency": currency, "items": items}
    if dice.random() < 0.2:
        cart["coupon"] = dice.choice(_SHOP["coupons"])["code"]
    return cart


def _spoilt(dice: random.Random, cart: dict) -> bytes:
    """The cart with a mistake in it."""
    mistake = dice.choice(["price", "sku", "coupon", "limited", "quantity", "json"])
    item = cart["items"][0]
    if mistake == "price":
        item["price_cents"] -= 1
    elif mistake == "sku":
        item["sku"] = "no-such-thing"
    elif mistake == "coupon":
        cart["coupon"] = "AUTUMN99"
    elif mistake == "limited":
        cart.update(currency="EUR", items=[
            {"sku": _LIMITED, "quantity": 1, "price_cents": 4500}])
    elif mistake == "quantity":
        item["quantity"] = 0
    body = json.dumps(cart).encode()
    return body[:-1] if mistake == "json" else body


def customer(seed: int, client: int, requests: int) -> Script:
    """The requests of one client: the same for the same arguments and the same answers."""
    dice = random.Random(f"{seed}/{client}")
    order = "ord_0"  # The last one this client placed; none yet.
    for sequence in range(requests):
        chance = dice.random()
        if chance < 0.80:
            answer = yield Request("POST", "/checkout",
                                   json.dumps(_cart(dice, client, sequence)).encode())
            if answer.status == 201:
                order = json.loads(answer.body)["order"]
        elif chance < 0.86:
            yield Request("POST", "/checkout", _spoilt(dice, _cart(dice, client, sequence)))
        elif chance < 0.97:
            yield Request("GET", f"/orders/{order}")
        else:
            yield Request("GET", "/health")


if __name__ == "__main__":
    sys.exit(http_clients.main(__doc__, customer))
