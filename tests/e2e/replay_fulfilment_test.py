"""A service that no socket drives (examples/fulfilment): recorded with its spool, its stock file and a
real Redis, replayed without any of them."""

import os
import shutil
import unittest

from examples.redis_server import RedisServer
from tests.e2e import harness
from tests.e2e.replay_case import ReplayTest

_FULFILMENT = os.path.abspath("examples/fulfilment/fulfilment")
_ORDERS = ["o-1 tea 3", "o-2 cup 1", "o-3 tea 2", "o-4 tea 9", "o-5 cup 4", "o-6 pot 1"]


class FulfilmentTest(ReplayTest):

    def setUp(self):
        super().setUp()
        self.spool = os.path.join(self.root, "spool")
        self.stock = os.path.join(self.root, "stock")
        os.mkdir(self.spool)
        with open(self.stock, "w", encoding="utf-8") as stock:
            stock.write("tea 10\ncup 5\n")

    def _drop(self, number: int, order: str):
        """As the shop does it: whole, or not there."""
        fresh = os.path.join(self.spool, f"{number:03}.new")
        with open(fresh, "w", encoding="utf-8") as file:
            file.write(order)
        os.rename(fresh, os.path.join(self.spool, f"{number:03}.order"))

    def _command(self, redis: RedisServer, *options: str) -> list[str]:
        return [_FULFILMENT, "--spool", self.spool, "--stock", self.stock, "--carrier-port",
                str(redis.port), *options]

    def _record(self, *options: str, stock_takings: int = 0) -> harness.Recording:
        """All orders come in and are fulfilled, stock is taken as often as that; then everything that
        the service needed is gone."""
        with RedisServer() as redis:
            recording = self.record(*self._command(redis, *options))
            for number, order in enumerate(_ORDERS):
                self._drop(number, order)
            done = [order.split()[0] + ": " for order in _ORDERS]
            harness.wait_for(lambda: all(word in recording.stdout for word in done),
                             "fulfilling all orders")
            harness.wait_for(lambda: recording.stdout.count("pieces in stock") >= stock_takings,
                             "taking stock")
            self.assertEqual(recording.stop(), 0)
        shutil.rmtree(self.spool)
        os.remove(self.stock)
        return recording

    def test_orders_are_exchanges_with_the_calls_that_were_made_for_them(self):
        recording = self._record()
        orders = [line for line in recording.archive.ls() if line["target"] == "orders"]
        self.assertEqual([line["method"] for line in orders], ["ENTRY"] * len(_ORDERS))
        shown = [recording.archive.show(line["exchange"]) for line in orders]
        calls = [[call["operation"] for call in exchange["external_calls"]] for exchange in shown]
        # Nothing is sent of what is not there.
        self.assertEqual(calls, [["stock.take", "INCR"]] * 3 + [["stock.take"], ["stock.take", "INCR"],
                                                                 ["stock.take"]])
        taken = shown[3]["external_calls"][0]
        self.assertEqual((taken["peer"], taken["protocol"], taken["status"]),
                         ("annotated", "annotated", "THREW"))

    def test_a_replay_takes_nothing_from_files_and_peers_that_are_gone(self):
        recording = self._record()
        replay = self.replay(recording)
        self.assert_held(replay, len(_ORDERS))
        self.assertEqual(replay.ledger["exit"], {"code": 0})
        self.assertFalse(os.path.exists(self.stock))
        # The control: nobody else has the orders.
        again = self.record(*recording.command)
        harness.wait_for(lambda: "ready" in again.stdout, "starting")
        self.assertEqual(again.stop(), 0)
        self.assertEqual([line for line in again.archive.ls() if line["target"] == "orders"], [])

    def test_one_order_is_replayed_alone(self):
        recording = self._record()
        fourth = [line["exchange"] for line in recording.archive.ls() if line["target"] == "orders"][3]
        replay = self.replay(recording, options=["--only", str(fourth)])
        self.assertEqual((replay.status, replay.ledger["replayed"]), (0, 1), replay.stderr)
        said, = [line for line in recording.stdout.splitlines() if line.startswith("o-4: not sent, ")]
        self.assertIn(said, replay.stderr)
        self.assertNotIn("o-3: ", replay.stderr)

    def test_what_a_timer_brings_is_replayed_in_its_place(self):
        recording = self._record("--stock-taking-ms", "40", stock_takings=3)
        ticks = [line for line in recording.archive.ls() if line["target"] == "stock-taking"]
        self.assertGreaterEqual(len(ticks), 3)
        replay = self.replay(recording)
        self.assert_held(replay, len(_ORDERS) + len(ticks))


if __name__ == "__main__":
    unittest.main()
