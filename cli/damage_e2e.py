"""Ten thousand damaged archives through the program: it never crashes or hangs, and always says so."""

import concurrent.futures
import json
import os
import random
import shutil
import subprocess
import tempfile
import unittest

REPRISE = os.path.abspath(os.environ["REPRISE"])
WRITE_SAMPLE = os.path.abspath(os.environ["WRITE_SAMPLE"])
CORRUPTIONS = int(os.environ.get("REPRISE_CORRUPTIONS", "10000"))
TIMEOUT = 30


def corrupted(whole, seed):
    """`whole` with one thing wrong, never the same bytes; and what was done."""
    chance = random.Random(seed)
    data = bytearray(whole)
    at = chance.randrange(len(data))
    length = 1 + chance.randrange(min(len(data) - at, 2000))
    kind = chance.choice(["flip", "cut", "noise", "zero", "remove", "insert", "double"])
    if kind == "flip":
        data[at] ^= 1 << chance.randrange(8)
    elif kind == "cut":
        del data[at:]
    elif kind == "noise":
        data[at:at + length] = chance.randbytes(length)
    elif kind == "zero":
        data[at:at + length] = bytes(length)
    elif kind == "remove":
        del data[at:at + length]
    elif kind == "insert":
        data[at:at] = chance.randbytes(length)
    else:
        to = chance.randrange(len(data) + 1)
        data[to:to] = data[at:at + length]
    if data == whole:
        data[at] ^= 1
    return bytes(data), f"seed {seed}: {kind} at {at}, {length}"


class Damage(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        sample = os.path.join(self.folder, "sample.reprise")
        subprocess.run([WRITE_SAMPLE, sample, "40"], check=True, timeout=TIMEOUT)
        with open(sample, "rb") as file:
            self.whole = file.read()

    def tearDown(self):
        shutil.rmtree(self.folder)

    def run_cli(self, *words):
        return subprocess.run([REPRISE, *words], timeout=TIMEOUT, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)

    def check(self, seed):
        """What is wrong with how the program took the damage, if anything."""
        data, what = corrupted(self.whole, seed)
        path = os.path.join(self.folder, f"{seed}.reprise")
        with open(path, "wb") as file:
            file.write(data)
        try:
            verified = self.run_cli("verify", "--json", path)
            if verified.returncode not in (2, 3):
                return f"{what}: verify ended with {verified.returncode}"
            if verified.stdout:
                report = json.loads(verified.stdout)
                if report["whole"] or (report["finished"] and not report["damage"]):
                    return f"{what}: verify found nothing"
            elif not verified.stderr:
                return f"{what}: verify said nothing"
            words = random.Random(seed).choice(
                [["ls", "--json"], ["stats"], ["show", "7"], ["show", "--json", "33"],
                 ["ls", "--find", "7011"]])
            used = self.run_cli(words[0], path, *words[1:])
            if used.returncode not in (0, 2, 3):
                return f"{what}: {words} ended with {used.returncode}: {used.stderr}"
            return None
        except subprocess.TimeoutExpired:
            return f"{what}: no end"
        finally:
            os.remove(path)

    def test_whole_archive_is_whole(self):
        """The control: without damage nothing is reported."""
        path = os.path.join(self.folder, "sample.reprise")
        self.assertEqual(self.run_cli("verify", path).returncode, 0)

    def test_every_corruption_is_reported_and_none_crashes_or_hangs(self):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            problems = [one for one in pool.map(self.check, range(CORRUPTIONS)) if one]
        self.assertEqual(problems, [])


if __name__ == "__main__":
    unittest.main()
