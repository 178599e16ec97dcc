import re
import unittest

from tests.bench import clients, onlookers
from tests.bench.clients import Answers
from tests.bench.cost_run import Run
from tests.bench.cost_table import NO_AIMS, Aims, details, table

_WRK = """Running 1s test @ http://127.0.0.1:8000/
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   300.52us    1.25ms  22.21ms   97.99%
    Req/Sec    92.36k    11.20k  103.21k    80.00%
  Latency Distribution
     50%  141.00us
     75%  162.00us
     90%  240.00us
     99%    6.34ms
  91895 requests in 1.00s, 31.46MB read
Requests/sec:  91834.12
Transfer/sec:     31.44MB
"""
_TCPDUMP = """tcpdump: listening on lo, link-type EN10MB (Ethernet), snapshot length 262144 bytes
750 packets captured
2000 packets received by filter
250 packets dropped by kernel
"""


def _run(per_second: float, cpu_s: float, p99_us: float, kept: float | None = None) -> Run:
    return Run(Answers(1000, per_second, p99_us), cpu_s, 0.0, kept)


class ClientsTest(unittest.TestCase):

    def test_what_wrk_says_is_read(self):  # A share of 97.99% is no latency.
        self.assertEqual(clients.read_wrk(_WRK), Answers(91895, 91834.12, 6340.0))

    def test_a_load_that_was_refused_is_no_load(self):
        for said in ("  Non-2xx or 3xx responses: 7\n", "  Socket errors: connect 0, read 1, write 0, timeout 0\n"):
            with self.assertRaises(clients.NotAnswered):
                clients.read_wrk(_WRK + said)

    def test_what_redis_benchmark_says_is_read(self):
        said = ('"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms",'
                '"max_latency_ms"\n"GET","199203.19","0.060","0.024","0.055","0.103","0.127","0.519"\n')
        self.assertEqual(clients.read_redis_benchmark(5000, said), Answers(5000, 199203.19, 127.0))


class OnlookersTest(unittest.TestCase):

    def test_packets_that_tcpdump_lost_were_not_kept(self):
        self.assertEqual(onlookers.captured_packets(_TCPDUMP), 0.75)


class CostTableTest(unittest.TestCase):

    def test_a_ratio_is_held_at_its_aim_and_not_beyond(self):
        plain = _run(1000, 1.0, 100)
        aims = Aims(0.9, 1.1, 1.2)
        held = [(_run(900, 1.1, 120, 1.0), plain)]
        self.assertEqual(re.split("  +", table({"load": (aims, held)}).splitlines()[1]),
                         ["load", "0.900 (0.90) held", "1.100 (1.10) held", "1.100", "1.200 (1.20) held",
                          "1.000 (1.00) held"])
        beyond = [(_run(890, 1.12, 121, 0.99), plain)]
        self.assertEqual(table({"load": (aims, beyond)}).count("not held"), 4)
        self.assertEqual(details(beyond, aims, "recorder").count("not held"), 4)

    def test_pairs_are_told_by_their_median(self):
        plain = _run(1000, 1.0, 100)
        pairs = [(_run(per_second, 1.0, 100), plain) for per_second in (100, 950, 980)]
        self.assertIn("0.950 (0.90) held", table({"load": (Aims(0.9), pairs)}))
        self.assertIn("0.950  [0.100 … 0.980]", details(pairs, Aims(0.9), "recorder"))

    def test_what_has_no_aim_is_not_judged(self):
        told = table({"load": (NO_AIMS, [(_run(890, 1.12, 121), _run(1000, 1.0, 100))])})
        self.assertEqual(told.splitlines()[1].split(), ["load", "0.890", "1.120", "1.120", "1.210", "-"])

    def test_why_something_was_not_measured_is_told(self):
        self.assertEqual(table({"mitmdump": (NO_AIMS, "not installed")}).splitlines()[1].split(maxsplit=1)[1],
                         "not installed")


if __name__ == "__main__":
    unittest.main()
