"""Whatever is killed or full: what clients received is in the archive, or its loss is counted there."""

import os
import pathlib
import resource
import signal
import subprocess
import sys
import unittest

from tests.e2e import harness
from tests.e2e.services import scripted_server


def _get(client, path: str) -> tuple[bytes, bytes]:
    """One exchange. Whatever happens to the recording, the service answers as it would without."""
    request = f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode()
    client.sendall(request)
    response = harness.read_response(client)
    if response != scripted_server.RESPONSES.get(path.encode(), scripted_server.NOT_FOUND):
        raise AssertionError(f"the service answered {path} with {response!r}")
    return request, response


def _echo(client, length: int) -> tuple[bytes, bytes]:
    """An exchange whose bytes no compression makes fewer."""
    body = os.urandom(length)
    request = b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n" % length + body
    client.sendall(request)
    response = harness.read_response(client)
    if response != b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length + body:
        raise AssertionError(f"the service echoed {len(response)} bytes instead of {length}")
    return request, response


def _is_gone(pid: int) -> bool:
    """A process that has ended has no memory, and after its parent knows no entry either."""
    try:
        return not pathlib.Path(f"/proc/{pid}/maps").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


class KilledTest(harness.EndToEndTest):

    def _assert_holds(self, archive: harness.Archive, seen: list[tuple[bytes, bytes]]):
        """Everything a client received is in the archive as complete exchanges."""
        complete = [(e.request, e.response) for e in archive.raw() if e.complete]
        self.assertEqual(complete[:len(seen)], seen)

    def test_a_killed_service_leaves_all_that_clients_received(self):
        recording, port = self.record_python("scripted_server.py")
        with harness.connect(port) as client:
            seen = [_get(client, "/gzip") for _ in range(200)]
            client.sendall(b"GET /kill HTTP/1.1\r\nHost: test\r\n\r\n")
            self.assertEqual(harness.read_to_end(client), b"")
        self.assertEqual(recording.wait(), 128 + signal.SIGKILL)
        self._assert_holds(recording.archive, seen)
        last = recording.archive.raw()[-1]
        self.assertEqual(len(recording.archive.raw()), len(seen) + 1)
        self.assertFalse(last.complete)
        self.assertIn("killed", last.why)
        self.assertEqual(recording.archive.stats()["exit"], {"signal": signal.SIGKILL})

    def test_a_crashed_service_leaves_what_it_did_up_to_the_crash(self):
        recording, port = self.record_python("scripted_server.py")
        with harness.connect(port) as client:
            seen = [_get(client, "/none") for _ in range(20)]
            client.sendall(b"GET /half-segv HTTP/1.1\r\nHost: test\r\n\r\n")
            half = harness.read_to_end(client)
        self.assertTrue(half.endswith(b"only a part"))
        self.assertEqual(recording.wait(), 128 + signal.SIGSEGV)
        self._assert_holds(recording.archive, seen)
        last = recording.archive.raw()[-1]
        self.assertFalse(last.complete)
        self.assertEqual(last.response, half)
        self.assertEqual(recording.archive.stats()["exit"], {"signal": signal.SIGSEGV})

    def test_a_killed_recorder_is_recovered_from_while_the_service_never_notices(self):
        recording, port = self.record_python("scripted_server.py")
        session, service = recording.session(), recording.service_pid()
        with harness.connect(port) as client:
            seen = [_get(client, "/gzip") for _ in range(300)]
            harness.wait_for(lambda: recording.archive.stats()["exchanges"], "a first block")
            seen += [_get(client, "/invalid-utf8") for _ in range(300)]
            recording.process.kill()
            recording.wait()
            seen += [_get(client, "/chunked-no") for _ in range(50)]
            self.assertEqual(_get(client, "/none")[1], b"HTTP/1.1 204 No Content\r\n\r\n")
        os.kill(service, signal.SIGKILL)
        harness.wait_for(lambda: _is_gone(service), "the service's end")
        self.assertIn(session, harness.run_reprise("recover").stdout)
        harness.run_reprise("recover", session)
        self._assert_holds(recording.archive, seen)
        stats = recording.archive.stats()
        self.assertTrue(stats["recovered"])
        self.assertEqual(stats["exchanges"], len(seen) + 1)
        self.assertEqual(stats["gaps"], 0)
        self.assertFalse(os.path.exists(session))

    def test_without_recovery_the_archive_lacks_what_the_arena_still_holds(self):
        """The control of the test above."""
        recording, port = self.record_python("scripted_server.py")
        session, service = recording.session(), recording.service_pid()
        # Stopped, the recorder cannot drain; killed, it never will.
        os.kill(recording.process.pid, signal.SIGSTOP)
        with harness.connect(port) as client:
            seen = [_get(client, "/gzip") for _ in range(20)]
        recording.process.kill()
        recording.wait()
        os.kill(service, signal.SIGKILL)
        self.assertEqual(recording.archive.raw(), [])
        harness.run_reprise("recover", session)
        self._assert_holds(recording.archive, seen)

    def test_a_service_goes_on_unrecorded_after_a_recovery(self):
        recording, port = self.record_python("scripted_server.py")
        session, service = recording.session(), recording.service_pid()
        with harness.connect(port) as client:
            seen = [_get(client, "/gzip") for _ in range(10)]
            recording.process.kill()
            recording.wait()
            self.assertIn("still runs", harness.run_reprise("recover", session).stderr)
            self._assert_holds(recording.archive, seen)
            _get(client, "/gzip")
        os.kill(service, signal.SIGKILL)
        self.assertIsNone(recording.archive.stats()["exit"])

    def test_a_session_that_is_being_recorded_is_not_recovered(self):
        recording, port = self.record_python("scripted_server.py")
        refused = harness.run_reprise("recover", recording.session(), status=2)
        self.assertIn("still being recorded", refused.stderr)
        with harness.connect(port) as client:
            seen = [_get(client, "/gzip")]
        recording.wait_until_recorded(1).stop()
        self._assert_holds(recording.archive, seen)

    def test_a_full_arena_drops_and_counts_and_the_service_never_waits(self):
        recording, port = self.record_python("scripted_server.py", options=["--arena-size", "1M"])
        os.kill(recording.process.pid, signal.SIGSTOP)
        with harness.connect(port) as client:
            seen = [_get(client, "/gzip") for _ in range(20_000)]
        os.kill(recording.process.pid, signal.SIGCONT)
        harness.wait_for(lambda: recording.archive.ls(), "a drained arena")
        with harness.connect(port) as client:
            again = [_get(client, "/gzip") for _ in range(20)]
        recording.wait_until_recorded(100 + len(again)).stop()
        stats = recording.archive.stats()
        exchanges = recording.archive.raw()
        complete = [(e.request, e.response) for e in exchanges if e.complete]
        self.assertGreater(stats["dropped"], 0)
        self.assertLess(stats["exchanges"], len(seen))
        self.assertEqual(complete[:100], seen[:100])
        self.assertEqual(complete[-len(again):], again)
        for exchange in exchanges:
            if exchange.complete:
                self.assertIn((exchange.request, exchange.response), (seen[0], again[0]))
            else:
                self.assertTrue(exchange.why)

    def test_a_lossless_service_waits_until_a_full_arena_has_room(self):
        """As many bytes as overrun the arena of the test above, with a recorder that is alive."""
        recording, port = self.record_python("scripted_server.py",
                                             options=["--arena-size", "1M", "--lossless"])
        with harness.connect(port) as client:
            seen = [_echo(client, 200_000) for _ in range(50)]
        recording.wait_until_recorded(len(seen)).stop()
        self._assert_holds(recording.archive, seen)
        self.assertEqual(recording.archive.stats()["dropped"], 0)
        self.assertEqual(recording.archive.stats()["exchanges"], len(seen))

    def test_a_service_that_may_not_wait_overruns_the_same_arena(self):
        """The control of the test above."""
        recording, port = self.record_python("scripted_server.py", options=["--arena-size", "1M"])
        with harness.connect(port) as client:
            seen = [_echo(client, 200_000) for _ in range(50)]
        recording.stop()
        self.assertGreater(recording.archive.stats()["dropped"], 0)
        whole = [(e.request, e.response) for e in recording.archive.raw() if e.complete]
        self.assertLess(len(whole), len(seen))
        self.assertTrue(set(whole) <= set(seen))

    def test_a_lossless_service_goes_on_when_the_recorder_is_dead(self):
        recording, port = self.record_python("scripted_server.py",
                                             options=["--arena-size", "1M", "--lossless"])
        session, service = recording.session(), recording.service_pid()
        with harness.connect(port) as client:
            seen = [_get(client, "/gzip") for _ in range(10)]
            recording.process.kill()
            recording.wait()
            for _ in range(20_000):  # more than the arena holds
                _get(client, "/gzip")
        os.kill(service, signal.SIGKILL)
        harness.run_reprise("recover", session)
        self._assert_holds(recording.archive, seen)
        self.assertGreater(recording.archive.stats()["dropped"], 0)


def _fill(path: pathlib.Path):
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(os.urandom(1000))
        except OSError:
            return


class FullTest(harness.EndToEndTest):
    """In a mount namespace of its own, where file systems can be filled."""

    def _mount(self, path: str, size: str):
        os.makedirs(path, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", path], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", path], check=True)

    def test_a_full_disk_is_told_and_what_it_lacks_is_counted(self):
        disk = self.path("disk")
        self._mount(disk, "1m")
        recording, port = self.record_python("scripted_server.py", options=["--arena-size", "1M"],
                                             archive="disk/full.reprise")
        filler = pathlib.Path(disk, "filler")
        with harness.connect(port) as client:
            seen = [_get(client, "/gzip") for _ in range(50)]
            harness.wait_for(lambda: recording.archive.stats()["exchanges"] >= 49, "a written block")
            _fill(filler)
            more = [_get(client, "/invalid-utf8") for _ in range(10_000)]
            harness.wait_for(lambda: "runs on" in recording.stderr, "a remark about the disk")
            filler.unlink()
            harness.wait_for(lambda: "grows again" in recording.stderr, "a remark that there is room")
            more += [_get(client, "/gzip") for _ in range(20)]
            harness.wait_for(lambda: recording.archive.stats()["gaps"], "a counted gap")
        self.assertEqual(recording.stop(), 128 + signal.SIGTERM)
        stats = recording.archive.stats()
        complete = [(e.request, e.response) for e in recording.archive.raw() if e.complete]
        self.assertGreater(stats["dropped"], 0)
        self.assertEqual(complete[:len(seen)], seen)
        self.assertLess(stats["exchanges"], len(seen + more))
        self.assertTrue(set(complete) <= set(seen + more))

    def _upload_under_a_limit(self, limit: int) -> tuple[harness.Recording, list]:
        """Uploads ten megabytes to a recorder whose files may have `limit` bytes until it complains."""
        def limit_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

        recording, port = self.record_python("scripted_server.py", preexec_fn=limit_files)
        with harness.connect(port) as client:
            seen = [_echo(client, 100_000) for _ in range(100)]
            if limit != resource.RLIM_INFINITY:
                harness.wait_for(lambda: "runs on" in recording.stderr, "a remark about the limit")
                resource.prlimit(recording.process.pid, resource.RLIMIT_FSIZE,
                                 (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
                harness.wait_for(lambda: "grows again" in recording.stderr, "a remark that there is room")
            seen += [_get(client, "/gzip") for _ in range(20)]
        harness.wait_for(lambda: recording.archive.ls()[-1]["complete"], "the last exchange")
        self.assertEqual(recording.stop(), 128 + signal.SIGTERM)
        return recording, seen

    def test_a_limit_of_the_file_size_is_told_and_what_it_lacks_is_counted(self):
        recording, seen = self._upload_under_a_limit(2 << 20)
        exchanges = recording.archive.raw()
        complete = [(e.request, e.response) for e in exchanges if e.complete]
        self.assertGreater(recording.archive.stats()["dropped"], 0)
        self.assertEqual(complete[:5], seen[:5])
        self.assertEqual(complete[-1], seen[-1])
        self.assertTrue(set(complete) <= set(seen))
        self.assertTrue(all(e.complete or e.why for e in exchanges))

    def test_without_a_limit_of_the_file_size_nothing_lacks(self):
        """The control of the test above."""
        recording, seen = self._upload_under_a_limit(resource.RLIM_INFINITY)
        self.assertEqual([(e.request, e.response) for e in recording.archive.raw() if e.complete], seen)
        self.assertEqual(recording.archive.stats()["dropped"], 0)

    def test_files_that_may_not_be_as_large_as_an_arena_are_refused_in_words(self):
        done = harness.run_reprise(
            "record", "-o", self.path("none.reprise"), "--", "/bin/true", status=2,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536)))
        self.assertIn("ulimit -f", done.stderr)
        self.assertFalse(os.path.exists(self.path("none.reprise")))

    def test_an_archive_that_cannot_be_finished_is_recovered_when_there_is_room(self):
        disk = self.path("disk")
        self._mount(disk, "256k")
        recording, port = self.record_python("scripted_server.py", archive="disk/full.reprise")
        session = recording.session()
        with harness.connect(port) as client:
            request = b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 300000\r\n\r\n"
            body = os.urandom(300_000)
            client.sendall(request + body)
            response = harness.read_response(client)
            _get(client, "/none")  # the service is done with the first
        self.assertEqual(recording.stop(), 128 + signal.SIGTERM)
        self.assertIn("reprise recover " + session, recording.stderr)
        subprocess.run(["mount", "-o", "remount,size=16m", disk], check=True)
        harness.run_reprise("recover", session)
        exchanges = recording.archive.raw()
        self.assertEqual(len(exchanges), 2)
        self.assert_whole(exchanges[0], request + body, response)

    def test_with_a_full_dev_shm_the_arena_goes_elsewhere(self):
        self._mount("/dev/shm", "64k")
        recording, port = self.record_python("scripted_server.py")
        self.assertTrue(recording.session().startswith(("/tmp/", os.environ.get("TMPDIR", "/tmp/"))))
        with harness.connect(port) as client:
            seen = _get(client, "/gzip")
        recording.wait_until_recorded(1).stop()
        self.assertIn("/dev/shm has no room", recording.stderr)
        self.assert_whole(recording.archive.raw()[0], *seen)

    def test_a_small_dev_shm_gets_a_small_arena(self):
        self._mount("/dev/shm", "8m")
        recording, port = self.record_python("scripted_server.py")
        self.assertTrue(recording.session().startswith("/dev/shm/"))
        with harness.connect(port) as client:
            seen = _get(client, "/gzip")
        recording.wait_until_recorded(1).stop()
        self.assertIn("only 4 MiB", recording.stderr)
        self.assert_whole(recording.archive.raw()[0], *seen)

    def test_a_dev_shm_that_fills_up_later_loses_nothing(self):
        self._mount("/dev/shm", "8m")
        recording, port = self.record_python("scripted_server.py")
        session, service = recording.session(), recording.service_pid()
        self.assertTrue(session.startswith("/dev/shm/"))
        _fill(pathlib.Path("/dev/shm/filler"))
        seen = []
        for _ in range(300):
            with harness.connect(port) as client:
                seen.append(_get(client, "/gzip"))
        recording.wait_until_recorded(len(seen))
        with harness.connect(port) as client:
            seen += [_get(client, "/invalid-utf8") for _ in range(10)]
            recording.process.kill()
            recording.wait()
            seen += [_get(client, "/gzip") for _ in range(10)]
        os.kill(service, signal.SIGKILL)
        harness.run_reprise("recover", session)
        complete = [(e.request, e.response) for e in recording.archive.raw() if e.complete]
        self.assertEqual(complete[:len(seen)], seen)

    def test_without_dev_shm_the_arena_goes_elsewhere(self):
        """A container without it: /dev has the devices only."""
        devices = self.path("dev")
        self._mount(devices, "64k")
        for name in ("null", "zero", "urandom", "random"):
            pathlib.Path(devices, name).touch()
            subprocess.run(["mount", "--bind", f"/dev/{name}", f"{devices}/{name}"], check=True)
        subprocess.run(["mount", "--rbind", devices, "/dev"], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", "/dev"], check=True)
        self.assertFalse(os.path.exists("/dev/shm"))
        recording, port = self.record_python("scripted_server.py")
        with harness.connect(port) as client:
            seen = _get(client, "/gzip")
        recording.wait_until_recorded(1).stop()
        self.assertIn("/dev/shm has no room", recording.stderr)
        self.assert_whole(recording.archive.raw()[0], *seen)

    def test_an_arena_that_fits_nowhere_is_refused_in_words(self):
        self._mount("/dev/shm", "1m")
        done = harness.run_reprise(
            "record", "-o", self.path("none.reprise"), "--arena-size", "16M", "--arena-dir", "/dev/shm",
            "--", "/bin/true", status=2)
        self.assertIn("no room for the arena of 16 MiB in /dev/shm", done.stderr)
        self.assertIn("--arena-size", done.stderr)
        self.assertFalse(os.path.exists(self.path("none.reprise")))

    def test_a_place_for_the_arena_that_is_not_there_is_an_error_in_words(self):
        done = harness.run_reprise(
            "record", "-o", self.path("none.reprise"), "--arena-dir", self.path("nowhere"),
            "--", "/bin/true", status=2)
        self.assertIn("nowhere (which does not exist)", done.stderr)
        self.assertIn("--arena-dir", done.stderr)
        self.assertFalse(os.path.exists(self.path("none.reprise")))


def _enter_mount_namespace():
    """Starts this test again where it may mount; an ordinary user becomes root of a user namespace."""
    if "IN_MOUNT_NAMESPACE" in os.environ:
        return
    environment = dict(os.environ, IN_MOUNT_NAMESPACE="1")
    command = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--user", "--map-root-user"])
    os.execvpe("unshare", [*command, sys.executable, *sys.argv], environment)


if __name__ == "__main__":
    _enter_mount_namespace()
    unittest.main()
