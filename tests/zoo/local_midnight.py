"""A meter's reading that comes at local midnight is filed under the wrong hour of the wrong day.

Local midnight cannot be waited for, but it is always midnight somewhere: the customer's zone is one in which
it, and daylight saving with it, begins a moment after the request was sent. The tariff is told when it has
passed.
"""

import contextlib
import datetime
import time
import unittest

from tests.e2e import harness
from tests.zoo import upstream, zoo


def zone_with_midnight_at(moment: int) -> str:
    """A zone in which daylight saving begins with the day, at `moment` (see tzset(3))."""
    utc = time.gmtime(moment)
    start = utc.tm_yday - 1
    return (f"ZST{utc.tm_hour}:{utc.tm_min:02}:{utc.tm_sec:02}ZDT,"
            f"{start}/0,{(start + 150) % 365}/0")


def day_before(moment: int) -> str:
    today = datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).date()
    return (today - datetime.timedelta(days=1)).isoformat()


class LocalMidnight(zoo.ZooCase):

    # Both workers wait for a connection. Which one got it is a part of the recorded order alone.
    schedule = "recorded"
    midnight = 0  # when the last request's day begins
    old_days: dict[str, str] = {}  # what was asked -> the day that ended meanwhile

    @contextlib.contextmanager
    def dependencies(self, healthy):
        def tell(asked, _):
            if not healthy and asked.target.endswith(day_before(self.midnight)):
                harness.wait_for(lambda: zoo.coarse_time() >= self.midnight, "midnight")
            return upstream.answer({"cents": 31})

        with upstream.Upstream(tell) as tariffs:
            yield [tariffs.url]

    def traffic(self, port):
        answers = []
        with zoo.Client(port, answers) as client:
            # On a busy machine midnight may be over when the service gets to look at its clock.
            while not any(self.wrong(answer) for answer in answers):
                self.midnight = int(time.time()) + 2
                target = f"/readings?zone={zone_with_midnight_at(self.midnight)}"
                self.old_days[f"POST {target}"] = day_before(self.midnight)
                client.ask("POST", target, b"1234.5 kWh")
        return answers

    def wrong(self, answer):
        return answer.json["slot"] == self.old_days[answer.asked] + "T01"

    def intended(self):
        failing = self.failing()
        day = self.old_days[failing.asked]
        return {failing.number: {"response.body.$.slot": (f"{day}T01", f"{day}T23")}}


if __name__ == "__main__":
    unittest.main()
