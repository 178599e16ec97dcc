"""A morning at a till: customers with their cards, one after the other."""

import json

from examples.http_clients import Complaint, Received, Request, Script

# The card of one who is no customer any more is tried once.
_CARDS = ["c-1", "c-3", "c-2", "c-6", "c-5", "c-2", "c-3", "c-1", "c-6", "c-4",
          "c-2", "c-5", "c-1", "c-3"]


def scripts() -> list[Script]:
    """The script of the till."""
    return [(Request("POST", f"/visits/{card}") for card in _CARDS)]


def complaints(answers: list[Received]) -> list[Complaint]:
    """Of customers who were greeted with a number."""
    found = []
    for answer in answers:
        name = json.loads(answer.body).get("name", "")
        if name.isdigit():
            card = answer.request.target.rpartition("/")[2]
            text = f'the customer with card {card} was greeted as "{name}"'
            found.append(Complaint(answer, text))
    return found
