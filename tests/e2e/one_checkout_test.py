"""examples/checkout on a desk: one exchange without the others, and under the debugger."""

import os
import re
import unittest

from examples import http_clients
from examples.checkout import traffic
from examples.checkout.dependencies import Dependencies
from tests.e2e import harness
from tests.e2e.replay_case import Replay

CHECKOUT = os.path.abspath(os.environ.get("CHECKOUT", "examples/checkout/checkout"))
CUSTOMERS, REQUESTS = 4, 12


class CheckoutTestCase(harness.EndToEndTest):
    """A recording of the service, whose dependencies are gone."""

    def setUp(self):
        super().setUp()
        with Dependencies() as dependencies:
            self.command = [CHECKOUT, *dependencies.service_flags()]
            recording = self.record(*self.command)
            port = harness.wait_for(lambda: re.search(r"listening on (\d+)", recording.stdout), "a port")
            http_clients.drive("127.0.0.1", int(port[1]),
                               [traffic.customer(3, client, REQUESTS) for client in range(CUSTOMERS)])
            recording.wait_until_recorded(CUSTOMERS * REQUESTS).stop()
        self.archive = recording.archive
        self.recorded = {one.number: one for one in self.archive.raw()}
        # The last sale: what it does depends on everything that was bought before.
        self.sale = max(line["exchange"] for line in self.archive.ls() if line["status"] == "201")


class OnlyTest(CheckoutTestCase):

    def replayed(self, *options: str) -> list[harness.RawExchange]:
        """The exchanges of a replay that held."""
        replay = Replay(self.root, self.archive, self.command, options)
        self.assertEqual(replay.status, 0, replay.stderr)
        self.assertEqual(replay.ledger["fidelity"]["substituted"], 0)
        self.assertEqual(replay.ledger["fidelity"]["missed"], 0)
        compared = replay.diff()
        self.assertEqual(compared["differences"], [])
        self.assertEqual(compared["same"], len(replay.archive.ls()))
        self.assertEqual(compared["same"] + compared["not_replayed"], len(self.recorded))
        return replay.archive.raw()

    def test_one_exchange_is_replayed_without_the_others(self):
        one, = self.replayed("--only", str(self.sale))
        recorded = self.recorded[self.sale]
        self.assert_whole(one, recorded.request, recorded.response)

    def test_another_one_is_another_response(self):
        """The control: it is the number that decides what comes out."""
        other = max(number for number in self.recorded if number < self.sale)
        one, = self.replayed("--only", str(other))
        self.assertEqual(one.response, self.recorded[other].response)
        self.assertNotEqual(one.response, self.recorded[self.sale].response)

    def test_with_prefix_replays_all_before_it_and_none_after(self):
        number = self.sale // 2
        replayed = self.replayed("--only", str(number), "--with-prefix")
        self.assertEqual(sorted(one.response for one in replayed),
                         sorted(self.recorded[before].response for before in range(1, number + 1)))


class DebugTest(CheckoutTestCase):

    def debug(self, script: str) -> str:
        """What the gdb commands of `script` print when the sale arrives."""
        done = harness.run_reprise("debug", self.archive.path, "--at", str(self.sale), "--batch", "-x",
                                   self.write("look.gdb", script), "--", *self.command)
        return done.stdout

    def test_the_arrival_shows_the_services_own_code_and_not_the_library_that_read(self):
        output = self.debug("frame 0\n")
        self.assertIn(f"Exchange {self.sale} of {CUSTOMERS * REQUESTS} arrives: POST /checkout", output)
        self.assertRegex(output, r"arrives: .*\n#[1-9]\d* .*checkout::Connection::\w+ .* at "
                                 r"examples/checkout/connection\.cc")
        self.assertRegex(output, r"#0 .*recv.* at /usr/include/")  # the control: where it really stands

    def test_on_the_way_every_recorded_call_can_be_looked_at(self):
        output = self.debug("reprise calls\nbreak amount.cc:27\ncontinue\nreprise where\nprint text\n")
        calls = self.archive.show(self.sale)["external_calls"]
        self.assertEqual(len(re.findall(r"^call\[\d+\] ", output, re.MULTILINE)), len(calls))
        self.assertRegex(output, rf"exchange {self.sale} of \d+: POST /checkout, on connection \d+")
        self.assertRegex(output, r"last answer: call\[\d+\] of exchange "
                                 rf"{self.sale}, POST /charges to .*, exact")
        self.assertRegex(output, r'\$1 = "[\d.E+]+ (EUR|USD)"')


if __name__ == "__main__":
    unittest.main()
