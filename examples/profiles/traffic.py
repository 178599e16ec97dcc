"""Users who look at profiles, one after the other, but for a quiet moment."""

import re
import time

from examples.http_clients import Complaint, Received, Request, Script
from examples.profiles.dependencies import TOKEN_LIFE_MS

_BEFORE = ["u-101", "u-102", "u-103", "u-104"]
_AFTER = ["u-105", "u-106", "u-107", "u-108"]


def scripts() -> list[Script]:
    """The script of all of them."""
    return [_users()]


def _users() -> Script:
    for user in _BEFORE:
        yield Request("GET", f"/profiles/{user}")
    time.sleep(TOKEN_LIFE_MS / 1000)
    for user in _AFTER:
        yield Request("GET", f"/profiles/{user}")


def complaints(answers: list[Received]) -> list[Complaint]:
    """Of users whose profile is kept for longer than any token is good."""
    found = []
    for answer in answers:
        kept = re.search(r"max-age=(\d+)", dict(answer.headers).get("Cache-Control", ""))
        if kept and int(kept[1]) * 1000 > TOKEN_LIFE_MS:
            user = answer.request.target.rpartition("/")[2]
            years = int(kept[1]) // (365 * 24 * 3600)
            text = (f"what is changed in the profile of {user} is not seen: browsers keep the old "
                    f"one, for {years} years")
            found.append(Complaint(answer, text))
    return found
