"""examples/profiles: a profile that is kept for ever, because a token expired between two looks at the clock."""

import re
import unittest

from tests.e2e.story_case import StoryTest

_FOR_EVER = f"max-age={2 ** 32 - 1}"


class ProfilesStory(StoryTest):

    example = "profiles"

    def test_the_recorded_response_is_kept_for_ever(self):
        self.assertIn(_FOR_EVER.encode(), self.archive.raw()[self.number - 1].response)

    def test_every_replay_has_it(self):
        self.assert_every_replay_has_it()

    def test_alone_it_has_it_too_and_nobody_waits_for_the_directory(self):
        replay = self.replay_with(self.service, "--only", str(self.number))
        self.assertEqual(replay.ledger["divergences"], [])
        self.assertIn(_FOR_EVER.encode(), replay.archive.raw()[0].response)
        waited_s = self.archive.show(self.number)["external_calls"][-1]["duration_ns"] / 1e9
        self.assertGreater(replay.ledger["silence"]["skipped_s"], waited_s * 0.9)

    def test_gdb_shows_a_token_that_expired_while_time_stands_still(self):
        output = self.debug(self.number)
        self.assertLess(float(re.search(r"\$1 = (\S+)", output)[1]), 0)
        self.assertIn("Value returned is $2 = 4294967295", output)

    def test_another_requests_token_is_good(self):
        """The control."""
        output = self.debug(self.number + 1)
        self.assertGreater(float(re.search(r"\$1 = (\S+)", output)[1]), 0)
        self.assertIn("Value returned is $2 = 1", output)

    def test_the_fix_lets_it_be_kept_for_no_time(self):
        self.assertEqual(self.differences_of_fix(), {self.number: {"response.header.Cache-Control"}})


if __name__ == "__main__":
    unittest.main()
