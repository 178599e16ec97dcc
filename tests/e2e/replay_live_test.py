"""`--schedule timed` and `--schedule load`: the recorded traffic in real time."""

import json
import os
import signal
import socket
import unittest
from typing import Sequence

from tests.e2e import harness
from tests.e2e.clients import ask, ask_all
from tests.e2e.replay_case import Replay, ReplayTest


class LiveReplayTest(ReplayTest):

    def live(self, recording: harness.Recording, *options: str, command: Sequence[str] = ()) -> Replay:
        return self.replay(recording, *command, options=("--schedule", *options))

    def record_nginx_with_upstream(self, clients: int, requests: int) -> tuple[harness.Recording, int]:
        """nginx passes on all that its upstream answers: the date of its own is that of the last event."""
        server, upstream = self.start_upstream()
        recording, port = self.record_nginx(
            f"location / {{ proxy_pass http://127.0.0.1:{upstream}; proxy_pass_header Date; }}")
        answers = ask_all(port, clients, requests)
        self.assertEqual(recording.stop(signal.SIGQUIT), 0)
        server.stop()
        return recording, len(answers)

    def assert_adds_up(self, replay: Replay):
        """What the report counts twice it counts alike."""
        performance = replay.ledger["performance"]
        self.assertEqual(performance["requests"], performance["responses"] + performance["without_answer"] +
                         performance["errors"]["missing"])
        self.assertLessEqual(performance["as_recorded"], performance["responses"])
        self.assertEqual(performance["latency_us"]["count"], performance["responses"])
        self.assertEqual(sum(bar["count"] for bar in performance["histogram_us"]), performance["responses"])
        self.assertAlmostEqual(performance["per_second"] * performance["took_s"], performance["responses"], places=3)
        for name in ("latency_us", "corrected_us", "offset_us"):
            lengths = performance.get(name)
            if lengths is not None:
                percentiles = [lengths[one] for one in ("p50", "p90", "p99", "p99.9", "max")]
                self.assertEqual(percentiles, sorted(percentiles), name)

    def assert_no_error(self, replay: Replay, requests: int):
        performance = replay.ledger["performance"]
        self.assertEqual(performance["errors"], {"missing": 0, "statuses": 0, "connections": 0},
                         replay.ledger["divergences"])
        self.assertEqual(performance["responses"], requests)
        self.assertEqual(replay.ledger["fidelity"]["missed"], 0)
        self.assertEqual(replay.ledger["coverage"]["leaked"], 0)
        self.assertEqual(replay.status, 0, replay.stderr)
        self.assert_adds_up(replay)


class TimedScheduleTest(LiveReplayTest):

    def test_all_inputs_are_released_and_answered_as_recorded(self):
        recording, exchanges = self.record_nginx_with_upstream(clients=8, requests=10)
        replay = self.live(recording, "timed", "--speed", "0.5")
        self.assert_held(replay, exchanges)
        self.assert_no_error(replay, exchanges)
        performance = replay.ledger["performance"]
        self.assertEqual(performance["speed"], 0.5)
        # One of the connections is that by which the recording was seen to listen. Each client connects, asks ten
        # times and hangs up.
        self.assertEqual(performance["connections"], 1 + 8)
        self.assertEqual(performance["inputs"], 2 + 8 * 12)
        self.assertEqual(performance["offset_us"]["count"] + performance["held_back"]["inputs"], 2 + 8 * 12)
        # Nothing is early: half as fast takes twice as long, at least.
        self.assertGreaterEqual(performance["took_s"], 2 * self._span_s(recording))

    def _span_s(self, recording: harness.Recording) -> float:
        """From the first request to the last."""
        started = [line["started_unix_ns"] for line in recording.archive.ls()]
        return (max(started) - min(started)) / 1e9

    def _record_time_outs(self) -> harness.Recording:
        """Two requests whose upstream never answers, one after the other; each takes 5 s."""
        upstream = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(upstream.close)
        recording, port = self.record_python("calling_server.py", str(upstream.getsockname()[1]))
        ask(port, "/one", "/two")
        recording.wait_until_recorded(2).stop()
        return recording

    def test_time_outs_take_their_time_by_the_speed(self):
        recording = self._record_time_outs()
        replay = self.live(recording, "timed", "--speed", "10")
        self.assert_held(replay, 2)
        self.assertGreaterEqual(replay.ledger["performance"]["took_s"], 2 * 5 / 10)
        self.assertGreaterEqual(replay.ledger["performance"]["latency_us"]["p50"], 5e6 / 10)

    def test_serial_skips_them(self):
        """The control: what lets time pass is the schedule."""
        replay = self.live(self._record_time_outs(), "serial")
        self.assert_held(replay, 2)
        self.assertNotIn("performance", replay.ledger)
        self.assertGreater(replay.ledger["silence"]["skipped_s"], 9)

    def test_a_response_that_is_late_holds_back_what_came_after_it(self):
        """At a speed at which no service answers in time, each further request of a client waits."""
        recording, port = self.record_nginx('keepalive_timeout 1000000s; client_header_timeout 1000000s;'
                                            'location / { return 200 "$uri"; }')
        exchanges = len(ask(port, *(f"/{number}" for number in range(20))))
        self.assertEqual(recording.stop(signal.SIGQUIT), 0)
        replay = self.live(recording, "timed", "--speed", "1e4")
        self.assert_held(replay, exchanges)
        self.assertEqual([line["target"] for line in replay.archive.ls()],
                         [line["target"] for line in recording.archive.ls()])
        performance = replay.ledger["performance"]
        self.assertEqual(performance["most_in_flight"], 1)
        self.assertGreater(performance["held_back"]["inputs"], exchanges // 2)
        self.assert_adds_up(replay)

    def test_another_answer_differs(self):
        recording, port = self.record_nginx('location / { return 200 "one"; }')
        ask(port, "/")
        recording.stop(signal.SIGQUIT)
        command, _ = self.nginx('location / { return 200 "two"; }', port=port)
        replay = self.live(recording, "timed", command=command)
        self.assertEqual(replay.status, 1)
        self.assertEqual([one["kind"] for one in replay.ledger["divergences"]], ["response"])


class LoadScheduleTest(LiveReplayTest):

    def _record_meeting(self) -> harness.Recording:
        """Four clients at once, three requests each, to a service that answers four at a time."""
        recording, port = self.record_python("meeting_server.py", "4")
        answers = ask_all(port, 4, 3)
        self.assertEqual({answer.status for answer in answers}, {200})
        recording.wait_until_recorded(12).stop()
        return recording

    def test_as_many_requests_are_in_flight_as_were_asked_for(self):
        replay = self.live(self._record_meeting(), "load", "--concurrency", "4")
        self.assert_no_error(replay, 12)
        self.assertEqual(replay.ledger["performance"]["most_in_flight"], 4)
        self.assertEqual(replay.ledger["divergences"], [])

    def test_one_alone_meets_nobody(self):
        """The control: with one connection at a time the service waits for the others in vain."""
        replay = self.live(self._record_meeting(), "load", "--concurrency", "1")
        performance = replay.ledger["performance"]
        self.assertEqual(performance["most_in_flight"], 1)
        self.assertEqual(performance["errors"], {"missing": 0, "statuses": 12, "connections": 0})
        self.assertEqual({(one["expected"], one["actual"]) for one in replay.ledger["divergences"]},
                         {("status 200", "status 503")})
        self.assertEqual(replay.status, 1)
        self.assert_adds_up(replay)

    def test_further_passes_get_the_recorded_answers_again(self):
        recording, exchanges = self.record_nginx_with_upstream(clients=4, requests=5)
        replay = self.live(recording, "load", "--concurrency", "8", "--requests", str(5 * exchanges))
        self.assert_no_error(replay, 5 * exchanges)
        performance = replay.ledger["performance"]
        self.assertGreaterEqual(performance["passes"], 5)
        self.assertEqual(performance["as_recorded"], 5 * exchanges)
        self.assertEqual(replay.ledger["fidelity"]["exact"] + replay.ledger["fidelity"]["relaxed"], 5 * exchanges)
        self.assertGreater(performance["corrected_us"]["expected_interval"], 0)

    def test_a_later_pass_that_is_answered_otherwise_is_seen(self):
        """nginx says how many connections it has had by then, and has no more to say after a hundred."""
        server = 'if ($late) { return 503; } location / { return 200 "$connection"; }'
        http = 'map $connection $late { default 0; "~^[0-9]{3}" 1; }'
        recording, port = self.record_nginx(server, http=http)
        exchanges = sum(len(ask(port, "/1", "/2", "/3")) for _ in range(4))
        self.assertEqual(recording.stop(signal.SIGQUIT), 0)
        replay = self.live(recording, "load", "--concurrency", "1", "--requests", str(60 * exchanges))
        performance = replay.ledger["performance"]
        self.assertEqual(performance["responses"], 60 * exchanges)
        self.assertEqual(performance["as_recorded"], exchanges)
        # Each of twelve exchanges, however often.
        self.assertEqual([one["actual"] for one in replay.ledger["divergences"]], exchanges * ["status 503"])
        self.assertGreater(performance["errors"]["statuses"], 30 * exchanges)
        self.assertEqual(replay.status, 1)
        self.assert_adds_up(replay)

    def test_it_goes_through_the_recording_once_unless_more_is_asked_for(self):
        recording, exchanges = self.record_nginx_with_upstream(clients=4, requests=5)
        replay = self.live(recording, "load", "--concurrency", "64")
        self.assert_no_error(replay, exchanges)
        self.assertEqual(replay.ledger["performance"]["passes"], 1)
        self.assertEqual(replay.ledger["replayed"], exchanges)
        self.assertEqual(sorted(line["target"] for line in replay.archive.ls()),
                         sorted(line["target"] for line in recording.archive.ls()))

    def test_a_duration_ends_it(self):
        recording, exchanges = self.record_nginx_with_upstream(clients=2, requests=5)
        replay = self.live(recording, "load", "--concurrency", "2", "--duration", "500ms")
        performance = replay.ledger["performance"]
        self.assertGreater(performance["passes"], 1)
        self.assert_no_error(replay, performance["requests"])

    def test_a_rate_spaces_the_requests(self):
        recording, exchanges = self.record_nginx_with_upstream(clients=2, requests=10)
        replay = self.live(recording, "load", "--concurrency", "2", "--rate", "50")
        self.assert_no_error(replay, exchanges)
        performance = replay.ledger["performance"]
        self.assertGreaterEqual(performance["took_s"], (exchanges - 1) / 50)
        self.assertIsNone(performance["corrected_us"])

    def test_a_service_that_hangs_up_leaves_responses_missing(self):
        recording, port = self.record_nginx('location / { return 200 "one"; }')
        ask_all(port, 2, 5)
        recording.stop(signal.SIGQUIT)
        command, _ = self.nginx("location / { return 444; }", port=port)
        replay = self.live(recording, "load", "--concurrency", "2", command=command)
        performance = replay.ledger["performance"]
        self.assertEqual(performance["errors"]["missing"], 10)
        self.assertEqual(performance["responses"], 0)
        self.assertEqual(replay.status, 1)
        self.assert_adds_up(replay)


class LoadWithoutCallsTest(LiveReplayTest):
    """Nobody has to be answered while such a load goes on: what it means is worked out when somebody reads it."""

    def _record(self, server: str, clients: int = 2, requests: int = 5) -> tuple[harness.Recording, int]:
        recording, port = self.record_nginx(server)
        ask_all(port, clients, requests)
        self.assertEqual(recording.stop(signal.SIGQUIT), 0)
        return recording, port

    def _is_worked_out(self, replay: Replay) -> bool:
        """Else its reader puts another file in its place."""
        before = os.stat(replay.archive.path).st_ino
        replay.archive.stats()
        return os.stat(replay.archive.path).st_ino == before

    def test_its_archive_is_worked_out_by_whoever_reads_it(self):
        recording, _ = self._record('location / { return 200 "$request_uri"; }')
        replay = self.live(recording, "load", "--concurrency", "2", "--requests", "100")
        self.assert_no_error(replay, 100)
        self.assertFalse(self._is_worked_out(replay))
        stats = replay.archive.stats()
        self.assertEqual((stats["exchanges"], stats["gaps"]), (100, 0))
        self.assertEqual({line["target"] for line in replay.archive.ls()},
                         {line["target"] for line in recording.archive.ls()})
        self.assertTrue(all(line["complete"] for line in replay.archive.ls()))

    def test_any_other_replay_has_done_so_itself(self):
        """The control."""
        recording, _ = self._record('location / { return 200 "one"; }')
        self.assertTrue(self._is_worked_out(self.live(recording, "timed")))

    def test_of_a_single_pass_nothing_differs(self):
        recording, _ = self._record('location / { return 200 "$request_uri"; }')
        replay = self.live(recording, "load", "--concurrency", "8")
        self.assertEqual(replay.diff()["differences"], [])

    def test_connections_of_one_request_each_have_their_draws(self):
        """More of them than can be open at once: what a connection was marked by is free when it is closed."""
        recording, _ = self._record("keepalive_requests 1; location / { return 200 $request_id; }", 4, 1)
        replay = self.live(recording, "load", "--concurrency", "2", "--requests", "3000")
        self.assert_no_error(replay, 3000)
        self.assertEqual(replay.ledger["performance"]["as_recorded"], 3000)
        self.assertGreaterEqual(replay.ledger["draws"]["exact"], 3000)

    def test_a_build_that_calls_somebody_is_told_so(self):
        recording, port = self._record('location / { return 200 "one"; }')
        command, _ = self.nginx(f"location / {{ proxy_pass http://127.0.0.1:{harness.free_port()}; }}", port=port)
        replay = self.live(recording, "load", "--concurrency", "2", command=command)
        self.assertEqual(replay.ledger["fidelity"]["missed"], 10)
        self.assertEqual(replay.ledger["performance"]["errors"]["statuses"], 10)
        self.assertIn("extra connect", {one["kind"] for one in replay.ledger["divergences"]})
        self.assertEqual(replay.status, 4)
        self.assert_adds_up(replay)


class WithoutAgentTest(LiveReplayTest):
    """The same clients against a service that runs as it is."""

    def _record(self) -> tuple[harness.Recording, int, int]:
        """With the port of the upstream, which has ended."""
        server, upstream = self.start_upstream()
        recording, port = self.record_nginx(f"location / {{ proxy_pass http://127.0.0.1:{upstream}; }}")
        answers = ask_all(port, 4, 5)
        self.assertEqual(recording.stop(signal.SIGQUIT), 0)
        server.stop()
        return recording, upstream, len(answers)

    def _drive(self, recording: harness.Recording, *options: str) -> tuple[dict, int]:
        done = harness.run_reprise("replay", recording.archive.path, "--json", "--without-agent", *options, "--",
                                   *recording.command, status=None)
        return json.loads(done.stdout), done.returncode

    def test_the_real_dependencies_answer(self):
        recording, upstream, exchanges = self._record()
        self.start_upstream(upstream)
        for options in (("--schedule", "load", "--concurrency", "4"), ("--schedule", "timed")):
            with self.subTest(options=options):
                ledger, status = self._drive(recording, *options)
                self.assertEqual(ledger["performance"]["errors"], {"missing": 0, "statuses": 0, "connections": 0})
                self.assertEqual(ledger["performance"]["responses"], exchanges)
                self.assertEqual(ledger["replayed"], exchanges)
                self.assertEqual(ledger["coverage"]["hooked"], 0)
                self.assertEqual(status, 0)

    def test_without_them_it_fails_as_it_would(self):
        """The control: nothing is answered from the recording."""
        recording, _, exchanges = self._record()
        ledger, status = self._drive(recording, "--schedule", "load", "--concurrency", "4")
        self.assertEqual(ledger["performance"]["errors"]["statuses"], exchanges)
        self.assertEqual({one["actual"] for one in ledger["divergences"]}, {"status 502"})
        self.assertEqual(status, 1)

    def test_a_service_that_listens_elsewhere_is_found_by_its_port(self):
        recording, port = self.record_nginx('location / { return 200 "one"; }')
        ask_all(port, 2, 5)
        recording.stop(signal.SIGQUIT)
        command, elsewhere = self.nginx('location / { return 200 "one"; }')
        done = harness.run_reprise("replay", recording.archive.path, "--json", "--schedule", "load", "--concurrency",
                                   "2", "--without-agent", "--port", str(elsewhere), "--", *command)
        self.assertEqual(json.loads(done.stdout)["performance"]["responses"], 10)

    def test_a_service_that_ends_at_once_is_told(self):
        recording, port = self.record_nginx('location / { return 200 "one"; }')
        ask_all(port, 1, 1)
        recording.stop(signal.SIGQUIT)
        refused = harness.run_reprise("replay", recording.archive.path, "--schedule", "timed", "--without-agent", "--",
                                      "true", status=2)
        self.assertIn(f"the service does not listen on 127.0.0.1:{port}, it has ended", refused.stderr)


class WrongUseTest(harness.EndToEndTest):

    def test_options_that_do_not_go_together_are_refused(self):
        for options, message in (
                (("timed", "--speed", "0"), "--speed takes a number above 0"),
                (("timed", "--speed", "-1"), "--speed takes a number above 0"),
                (("timed", "--speed", "nan"), "--speed takes a number above 0"),
                (("serial", "--speed", "2"), "--speed goes with --schedule timed"),
                (("load", "--concurrency", "1", "--speed", "2"), "--speed goes with --schedule timed"),
                (("load",), "--schedule load takes --concurrency N"),
                (("load", "--concurrency", "0"), "--concurrency takes a number from 1 on"),
                (("load", "--concurrency", "1", "--requests", "0"), "--requests takes a number from 1 on"),
                (("load", "--concurrency", "1", "--duration", "0s"), "--duration takes a time above 0"),
                (("load", "--concurrency", "1", "--rate", "0"), "--rate takes a number above 0"),
                (("load", "--concurrency", "1", "--requests", "1", "--duration", "1s"), "do not go together"),
                (("load", "--concurrency", "1", "--only", "1"), "--only and --schedule load do not go together"),
                (("load", "--concurrency", "1", "--repeat", "2"), "--repeat and --schedule load do not go together"),
                (("timed", "--repeat", "2"), "--repeat and --schedule timed do not go together"),
                (("timed", "--real-time"), "--schedule timed runs in real time"),
                (("recorded", "--concurrency", "2"), "--concurrency goes with --schedule load"),
                (("timed", "--rate", "2"), "--rate goes with --schedule load"),
                (("serial", "--without-agent"), "--without-agent goes with --schedule timed or load"),
                (("timed", "--port", "80"), "--port goes with --without-agent"),
                (("timed", "--without-agent", "--port", "0"), "--port takes a number from 1 to 65535"),
                (("timed", "--without-agent", "-o", "x"), "--without-agent records nothing")):
            with self.subTest(options=options):
                refused = harness.run_reprise("replay", self.path("none.reprise"), "--schedule", *options, "--",
                                              "true", status=2)
                self.assertIn(message, refused.stderr)


if __name__ == "__main__":
    unittest.main()
