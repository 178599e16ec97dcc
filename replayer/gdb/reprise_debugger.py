"""A replay under gdb: starts the service, stops it where an exchange arrives, and holds the replay
while gdb holds the service.

`reprise debug` makes gdb run prepare() and `reprise start` before anything else; see cli/gdb.h. The
service calls reprise_stop_here() (agent/world/substitute/stop.h) inside the read that brought the
first bytes of the exchange; the stop is put off to where that read returns to, which is the service's
own code.
"""

import json
import os
import shlex

import gdb

from reprise_channel import Channel, Hold, ReplayError
import reprise_commands
from reprise_recording import Recording

# Signals at which gdb stops; all others are the service's own business.
_FAULTS = "SIGSEGV SIGBUS SIGILL SIGFPE SIGABRT"

# Where the sources of libraries lie, and the libraries themselves: some know sources that nobody has.
_SYSTEM_SOURCES = ("/usr/include/", "/usr/local/include/", "/usr/lib/")
_SYSTEM_LIBRARIES = ("/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/")
_MOST_LIBRARY_FRAMES = 64


class Debugger:
    """The state of this session. One thread, gdb's."""

    def __init__(self, description):
        self.recording = Recording(description["reprise"], description["archive"])
        self.channel = Channel(description["channel"])
        self.at = description["at"]
        self.arrived = None      # the exchange that arrived at the last stop, None at others
        self.landing = None      # exchange whose arrival is about to be shown
        self.ended = None        # how the service ended, in words
        self.stuck = None        # why the replay could not go on at the last stop, in words
        self._hold = Hold(description["control"], description["held_offset"])
        self._calls = 0          # of functions of the service, made by gdb
        self._waits_for_arrivals = False
        self._leaving = False

    def hold(self, held):
        if self._calls == 0:
            self._hold.set(held)

    # --- gdb's events ---

    def on_stop(self, event):
        self.hold(True)
        if self._calls > 0:
            return
        if isinstance(event, gdb.SignalEvent) and event.stop_signal == "SIGINT":
            self.stuck = self.channel.request("situation").get("stuck")
            if self.stuck is not None:
                gdb.write(f"reprise: {self.stuck}\n")
        self.arrived, self.landing = self.landing, None
        if self.arrived is not None:
            gdb.set_convenience_variable("reprise_exchange", self.arrived)
            gdb.write(reprise_commands.arrival_line(self) + "\n")
            _select_own_frame()
            gdb.execute("frame")

    def on_cont(self, _event):
        self.hold(False)

    def on_inferior_call(self, event):
        """While gdb calls a function of the service, nothing arrives and no time passes."""
        self._calls += 1 if isinstance(event, gdb.InferiorCallPreEvent) else -1

    def on_new_objfile(self, _event):
        """The agent is there as soon as its function is: waiting for it needs no stop."""
        if not self._waits_for_arrivals and gdb.lookup_global_symbol("reprise_stop_here"):
            self._waits_for_arrivals = True
            Arrival(self)

    def on_exited(self, event):
        if event.inferior.num != 1 or self._leaving:
            return
        self._hold.set(False)
        code = getattr(event, "exit_code", None)
        self.ended = "was ended by a signal" if code is None else f"exited with code {code}"
        done = self.channel.request("situation")
        gdb.write(f"The service {self.ended} after {done['replayed']} of {done['selected']} "
                  "exchanges.\n")

    def on_gdb_exiting(self, _event):
        """gdb is about to kill the service."""
        self._leaving = True
        self._hold.set(False)

    # --- Going on ---

    def run_to_arrival(self, start):
        """Runs the service, by the gdb command `start`, until an exchange arrives that was asked
        for, or something else stops it."""
        if self.ended is not None:
            raise ReplayError(f"the service {self.ended}; start `reprise debug` again")
        gdb.execute(start)
        while self.arrived is None and self._stopped_by_a_child():
            gdb.execute("continue")
        if self.stuck is not None:
            raise ReplayError("the replay cannot go on")

    def _stopped_by_a_child(self):
        """Whether gdb stopped because some child of the service ended, which it always does."""
        inferior = gdb.selected_inferior()
        if self.ended is not None or inferior.pid != 0:
            return False
        for other in gdb.inferiors():
            if other.pid != 0:
                other.threads()[0].switch()
                return True
        return False


def _select_own_frame():
    """Selects the innermost frame of the service's own sources: templates and inline functions of
    system headers are compiled into the service, and are not what its author wants to look at."""
    frame = gdb.newest_frame()
    for _ in range(_MOST_LIBRARY_FRAMES):
        if frame is None:
            return
        if _is_own(frame):
            frame.select()
            return
        frame = frame.older()


def _is_own(frame):
    source = frame.find_sal().symtab
    library = gdb.solib_name(frame.pc()) or ""
    return (source is not None and not source.fullname().startswith(_SYSTEM_SOURCES) and
            not library.startswith(_SYSTEM_LIBRARIES))


class Arrival(gdb.Breakpoint):
    """In the agent, within the read of an exchange's first bytes."""

    def __init__(self, debugger):
        super().__init__("reprise_stop_here", internal=True)
        self._debugger = debugger

    def stop(self):
        frame = gdb.newest_frame()
        exchange = int(frame.read_register("rdi"))
        agent = gdb.solib_name(frame.pc())
        while frame is not None and gdb.solib_name(frame.pc()) == agent:
            frame = frame.older()
        if frame is None:
            self._debugger.landing = exchange
            return True
        Landing(self._debugger, frame.pc(), exchange)
        return False


class Landing(gdb.Breakpoint):
    """Where that read returns to."""

    def __init__(self, debugger, address, exchange):
        super().__init__(f"*{address:#x}", internal=True, temporary=True)
        self.thread = gdb.selected_thread().global_num
        self.silent = True       # on_stop() says what there is to say
        self._debugger = debugger
        self._exchange = exchange

    def stop(self):
        self._debugger.landing = self._exchange
        return True


def _prepare_gdb(environment):
    for setting in ("detach-on-fork off", "schedule-multiple on", "follow-fork-mode parent",
                    "print thread-events off", "print inferior-events off"):
        gdb.execute(f"set {setting}")
    gdb.execute("handle all nostop noprint pass", to_string=True)
    gdb.execute(f"handle {_FAULTS} stop print pass", to_string=True)
    # Only by way of a shell does gdb keep the arguments apart. Neither the shell nor `env` has the
    # agent in it, nor the service what gdb sets for programs it starts.
    os.environ["SHELL"] = "/bin/sh"
    gdb.execute("unset environment")
    words = []
    for entry in environment:
        if "\n" in entry:
            name = entry.split("=", 1)[0]
            gdb.write(f"{name} has several lines, which gdb cannot set; the service runs without it\n")
        else:
            words.append(shlex.quote(entry))
    gdb.execute("set exec-wrapper /usr/bin/env -i " + " ".join(words))


def prepare(description_path):
    """Makes gdb ready for the service that the file describes."""
    with open(description_path, encoding="utf-8") as file:
        description = json.load(file)
    debugger = Debugger(description)
    _prepare_gdb(description["environment"])
    reprise_commands.define(debugger)
    gdb.events.new_objfile.connect(debugger.on_new_objfile)
    gdb.events.stop.connect(debugger.on_stop)
    gdb.events.cont.connect(debugger.on_cont)
    gdb.events.inferior_call.connect(debugger.on_inferior_call)
    gdb.events.exited.connect(debugger.on_exited)
    gdb.events.gdb_exiting.connect(debugger.on_gdb_exiting)
