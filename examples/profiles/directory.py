#!/usr/bin/env python3
"""The directory of users, a process of its own.

    POST /tokens               201 {"token": "t-1", "expires_ms": 1796000000000}
    GET  /users/ID?token=t-1   200 {"id": "u-1", "likes": "tea"}
    401                        {"error": "token"}    when that is none, or was not good when it came
"""

import argparse
import itertools
import pathlib
import sys
import time
import urllib.parse

# As a command it is run by path.
sys.path.insert(0, str(pathlib.Path(__file__).absolute().parents[2]))

from examples import json_api

_LIKES = ["tea", "coffee", "milk", "water"]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class Handler(json_api.Handler):

    def do_POST(self):
        self.body()
        token = f"t-{next(self.server.token_numbers)}"
        expires_ms = _now_ms() + self.server.token_life_ms
        self.server.tokens[token] = expires_ms
        self.answer(201, {"token": token, "expires_ms": expires_ms})

    def do_GET(self):
        target = urllib.parse.urlsplit(self.path)
        token = dict(urllib.parse.parse_qsl(target.query)).get("token")
        user = target.path.removeprefix("/users/")
        if _now_ms() >= self.server.tokens.get(token, 0):
            self.answer(401, {"error": "token"})
            return
        if user == self.server.slow:
            time.sleep(self.server.token_life_ms / 1000)
        self.answer(200, {"id": user, "likes": _LIKES[len(user) % len(_LIKES)]})


class Server(json_api.Server):

    def __init__(self, token_life_ms: int, slow: str):
        super().__init__(("127.0.0.1", 0), Handler)
        self.token_life_ms = token_life_ms
        self.slow = slow
        self.token_numbers = itertools.count(1)
        self.tokens: dict[str, int] = {}


def main() -> int:
    parser = argparse.ArgumentParser(description="A directory of users.")
    parser.add_argument("--token-life-ms", type=int, default=60_000, metavar="MS")
    parser.add_argument("--slow", default="", metavar="ID",
                        help="a user who is looked up for as long as a token is good")
    options = parser.parse_args()
    return json_api.serve(Server(options.token_life_ms, options.slow))


if __name__ == "__main__":
    sys.exit(main())
