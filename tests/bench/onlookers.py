"""Who may look on at a server under load: Reprise, and others that people use for the same purpose.

An onlooker is a program around the server's command, or a process beside it, or both, or a change in the
server's own configuration.
"""

import getpass
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import urllib.request
from dataclasses import dataclass

from tests.bench import processes
from tests.bench.clients import Answers
from tests.bench.loads import Load, Nginx, Place
from tests.bench.nginx_server import NginxServer

# Where a process beside the server says what it has to say.
_SAID = "said"


class Onlooker:
    """Nobody. Others override what differs.

    Attributes:
        what: its bill is called so.
        ends_by: the signal that ends a process beside the server.
    """

    what = "nobody"
    ends_by = signal.SIGTERM

    def installed(self) -> bool:
        return True

    def changed(self, load: Load, _place: Place) -> Load:
        """The load as it is when this looks on."""
        return load

    def around(self, command: list[str], _place: Place) -> list[str]:
        """What runs the server's command."""
        return command

    def beside(self, _place: Place) -> list[str]:
        """The command of a process beside the server, whose output is in said(); empty for none."""
        return []

    def ready(self, _place: Place) -> bool:
        """Whether that process is."""
        return True

    def asked(self, place: Place) -> int:
        """The port that clients ask."""
        return place.port

    def kept(self, _answers: Answers, _place: Place) -> float | None:
        """How much of the load is in what it wrote when all have ended; None if it does not say."""
        return None


def said(place: Place) -> pathlib.Path:
    return pathlib.Path(place.root, _SAID)


@dataclass(frozen=True)
class Reprise(Onlooker):
    """`reprise record` around the server."""

    what = "recorder"

    program: str

    def around(self, command: list[str], place: Place) -> list[str]:
        return [self.program, "record", "-o", self._archive(place), "--", *command]

    def kept(self, answers: Answers, place: Place) -> float:
        stats = subprocess.run([self.program, "stats", "--json", self._archive(place)], stdout=subprocess.PIPE,
                               check=True).stdout
        return json.loads(stats)["exchanges"] / answers.count

    def _archive(self, place: Place) -> str:
        return os.path.join(place.root, "bench.reprise")


class Tcpdump(Onlooker):
    """All packets of the server's port, whole, into a file. Needs root or CAP_NET_RAW."""

    what = "tcpdump"
    ends_by = signal.SIGINT

    def installed(self) -> bool:
        return shutil.which("tcpdump") is not None

    def beside(self, place: Place) -> list[str]:
        # -Z: Debian's would become a user who may not write there.
        return ["tcpdump", "-Z", getpass.getuser(), "-i", "lo", "-w", f"{place.root}/packets.pcap", "tcp", "port",
                str(place.port)]

    def ready(self, place: Place) -> bool:
        return "listening on" in said(place).read_text()

    def kept(self, _answers: Answers, place: Place) -> float:
        return captured_packets(said(place).read_text())


def captured_packets(text: str) -> float:
    """The share of them that tcpdump did not lose, by what it says at its end."""
    captured = int(re.search(r"(\d+) packets? captured", text)[1])
    dropped = int(re.search(r"(\d+) packets? dropped by kernel", text)[1])
    return captured / (captured + dropped)


class Mirror(Onlooker):
    """nginx's own `mirror`, to a second nginx that answers 204. Sees requests only."""

    what = "second nginx"
    _SECOND = NginxServer("return 204;", master=False)

    def installed(self) -> bool:
        if shutil.which("nginx") is None:
            return False
        built = subprocess.run(["nginx", "-V"], stderr=subprocess.PIPE, text=True, check=True).stderr
        return "--without-http_mirror_module" not in built

    def changed(self, load: Nginx, place: Place) -> Nginx:
        return load.also(
            server="mirror /mirror; location = /mirror { internal; proxy_pass http://second$request_uri;"
                   ' proxy_http_version 1.1; proxy_set_header Connection ""; }',
            # Kept, since each connection anew would run out of ports.
            http=f"upstream second {{ server 127.0.0.1:{place.onlooker_port}; keepalive 64; }}")

    def beside(self, place: Place) -> list[str]:
        root = pathlib.Path(place.root, "second")
        root.mkdir()
        return self._SECOND.command(str(root), place.onlooker_port)

    def ready(self, place: Place) -> bool:
        return processes.accepts(place.onlooker_port)


class Mitmdump(Onlooker):
    """A proxy before the server, which writes down what it passes on."""

    what = "mitmdump"

    def installed(self) -> bool:
        return shutil.which("mitmdump") is not None

    def beside(self, place: Place) -> list[str]:
        return ["mitmdump", "--quiet", "--set", f"confdir={place.root}", "--mode",
                f"reverse:http://127.0.0.1:{place.port}", "--listen-host", "127.0.0.1", "--listen-port",
                str(place.onlooker_port), "--save-stream-file", f"{place.root}/flows"]

    def ready(self, place: Place) -> bool:
        """Its first answer takes it long."""
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{place.onlooker_port}/", timeout=processes.PATIENCE_S).close()
            return True
        except OSError:
            return False

    def asked(self, place: Place) -> int:
        return place.onlooker_port


class Strace(Onlooker):
    """The system calls that receive and send, with their bytes, into a file."""

    what = "strace"

    def installed(self) -> bool:
        return shutil.which("strace") is not None

    def around(self, command: list[str], place: Place) -> list[str]:
        # --seccomp-bpf: other calls do not stop the server. nginx sends by writev.
        return ["strace", "-f", "--seccomp-bpf", "-e", "trace=%network,writev", "-s", "4096", "-o",
                f"{place.root}/calls", *command]
