"""examples/loyalty: customers who are greeted with a number, because of one whom nobody complained about."""

import base64
import json
import unittest

from tests.e2e import harness
from tests.e2e.story_case import StoryTest


class LoyaltyStory(StoryTest):

    example = "loyalty"

    def setUp(self):
        super().setUp()
        self.unknown, = [line["exchange"] for line in self.archive.ls() if line["status"] == "404"]

    def _greeted(self, archive: harness.Archive, number: int) -> str:
        """The name in a response."""
        one, = [exchange for exchange in archive.raw() if exchange.number == number]
        return json.loads(one.response.partition(b"\r\n\r\n")[2])["name"]

    def test_redis_gave_the_name_and_the_service_a_number(self):
        self.assertEqual([line["exchange"] for line in self.found], [self.number])
        asked = self.archive.show(self.number)["external_calls"][0]
        self.assertEqual(asked["operation"], "GET")
        self.assertEqual(base64.b64decode(asked["response"]["body_base64"]), b"$3\r\nCyd\r\n")
        self.assertRegex(self._greeted(self.archive, self.number), r"^\d+$")

    def test_every_replay_has_it(self):
        self.assert_every_replay_has_it()

    def test_alone_the_exchange_is_right(self):
        """The control: what is wrong came from before; and whoever left that out is told."""
        told = harness.run_reprise("replay", self.archive.path, "-o", self.path("told.reprise"),
                                   "--only", str(self.number), "--", self.service, status=1).stderr
        self.assertIn(f"exchange {self.number} was replayed alone: if what came before it matters, try "
                      "--with-prefix", told)
        replay = self.replay_with(self.service, "--only", str(self.number))
        self.assertEqual(self._greeted(replay.archive, 1), "Cyd")
        self.assertEqual({divergence["exchange"] for divergence in replay.ledger["divergences"]}, {self.number})

    def test_with_what_came_before_it_is_wrong(self):
        replay = self.replay_with(self.service, "--only", str(self.number), "--with-prefix")
        self.assertRegex(self._greeted(replay.archive, self.number), r"^\d+$")
        self.assertEqual(replay.ledger["divergences"], [])

    def test_gdb_stops_where_a_connection_goes_back_with_an_answer_in_it(self):
        output = self.debug(1)
        self.assertRegex(output, r"hit Breakpoint 1, loyalty::RedisPool::Return")
        self.assertIn(f"exchange {self.unknown} of ", output)
        self.assertRegex(output, r'\$1 = 0x[0-9a-f]+ ":\d+\\r\\n"')
        self.assertIn("$2 = 404", output)

    def test_with_the_fix_none_goes_back_like_that(self):
        """The control."""
        output = self.debug(1, f"{self.service}_fixed")
        self.assertIn("Breakpoint 1 at ", output)
        self.assertNotIn("hit Breakpoint", output)
        self.assertIn("The service exited with code 0", output)

    def test_the_fix_greets_everybody_after_it_by_name(self):
        changed = self.differences_of_fix()
        self.assertEqual(list(changed), list(range(self.unknown + 1, self.number + 1)))
        for where in changed.values():
            self.assertEqual(where, {"response.body.$.name", "response.body.$.visits",
                                     "response.header.Content-Length"})


if __name__ == "__main__":
    unittest.main()
