"""Holding a service in the debugger for a whole minute."""

import unittest

from replayer.gdb import debug_e2e_test as debug
from tests.e2e import harness

harness.PATIENCE_S = 240


class MinuteTest(debug.DebugTestCase):

    def test_no_time_out_fires_in_a_minute_at_a_breakpoint(self):
        self.assert_no_time_out(60)


if __name__ == "__main__":
    unittest.main()
