"""examples/booking: a seat that was sold twice, because a second customer came while the first one paid."""

import re
import unittest

from tests.e2e import harness
from tests.e2e.story_case import StoryTest


class BookingStory(StoryTest):

    example = "booking"
    schedule = "recorded"

    def setUp(self):
        super().setUp()
        self.seat = self.found[0]["target"]
        sales = [line["exchange"] for line in self.archive.ls("--target", self.seat) if line["status"] == "201"]
        self.first, self.second = sales[0], sales[-1]

    def test_the_log_line_finds_the_sale_and_the_target_the_other_one(self):
        self.assertRegex(self.logged, rf"POST {self.seat} 201$")
        self.assertEqual([line["exchange"] for line in self.found], [self.second])
        self.assertLess(self.first, self.second)

    def test_overlapping_as_recorded_brings_it_back(self):
        self.assert_every_replay_has_it()

    def test_one_after_the_other_does_not(self):
        """The control: it is the order that brings it back; and whoever left it out is told."""
        told = harness.run_reprise("replay", self.archive.path, "-o", self.path("told.reprise"), "--", self.service,
                                   status=1).stderr
        self.assertIn(f"exchange {self.second} overlapped others when it was recorded: if that matters, try "
                      "--schedule recorded", told)
        replay = self.replay_with(self.service)
        self.assertEqual({divergence["exchange"] for divergence in replay.ledger["divergences"]}, {self.second})
        self.assertEqual([line["status"] for line in replay.archive.ls("--target", self.seat)][:2], ["201", "409"])

    def test_gdb_stands_where_the_seat_is_given_away_again(self):
        output = self.debug(self.second)
        self.assertRegex(output, rf"waiting for their answer: ({self.first}, .*)?{self.second}\n")
        self.assertRegex(output, r"\n24\b")  # box_office.cc
        holder = re.search(rf'\["{self.seat.removeprefix("/seats/")}"\] = "([\w-]+)"', output)
        self.assertIsNotNone(holder, output)
        self.assertIn(holder[1].encode(), self.archive.raw()[self.first - 1].request)

    def test_at_the_first_sale_gdb_shows_a_free_seat(self):
        """The control."""
        self.assertNotIn(f'["{self.seat.removeprefix("/seats/")}"]', self.debug(self.first))

    def test_the_fix_refuses_the_second_customer_who_does_not_pay(self):
        self.assertEqual(self.differences_of_fix(), {self.second: {
            "response.status", "response.header.Content-Length", "response.body.$.seat",
            "response.body.$.booked_for", "response.body.$.error", "call[0]"}})


if __name__ == "__main__":
    unittest.main()
