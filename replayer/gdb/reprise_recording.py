"""What the recording has, as the `reprise` program tells it. Knows nothing of gdb."""

import base64
import json
import subprocess

from reprise_channel import ReplayError


class Recording:
    """Looks things up in one archive."""

    def __init__(self, program, archive):
        self._program = program
        self.archive = archive

    def run(self, command, *arguments):
        """Standard output of `reprise COMMAND ARCHIVE ARGUMENTS…`."""
        done = subprocess.run([self._program, command, self.archive, *arguments],
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode != 0:
            text = done.stderr.decode(errors="replace").strip()
            raise ReplayError(text.removeprefix("reprise: "))
        return done.stdout.decode(errors="replace")

    def exchange(self, number):
        """What `reprise show N --json` prints, as a dictionary."""
        return json.loads(self.run("show", str(number), "--json"))


def body_text(message, limit=1500):
    """The body of a request or response for people: decoded where it is text; "" without one."""
    data = base64.b64decode(message.get("decoded_body_base64") or message["body_base64"])
    if not data:
        return ""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return f"({len(data)} bytes, not text)"
    text = "".join(c if c.isprintable() or c in "\n\t" else f"\\x{ord(c):02x}" for c in text)
    return text if len(text) <= limit else f"{text[:limit]}…"


def call_line(call):
    """One external call on one line."""
    took = call.get("duration_ns")
    target = call.get("target") or ""
    if target in call["operation"]:
        target = ""
    parts = [f"call[{call['index']}]", call["operation"], target, "to", call["peer"], "->",
             call.get("status") or "no answer"]
    line = " ".join(part for part in parts if part)
    return line if took is None else f"{line}, {took / 1e6:.3g} ms"
