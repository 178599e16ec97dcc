"""The commands that `reprise debug` adds to gdb."""

import datetime
import subprocess

import gdb

from reprise_channel import ReplayError
from reprise_recording import body_text, call_line

_RUNS_ONCE = "a replay runs once; start `reprise debug` again"


def arrival_line(debugger):
    """Which exchange has just arrived."""
    exchange = debugger.recording.exchange(debugger.arrived)
    last = debugger.channel.request("situation")["last"]
    return f"Exchange {debugger.arrived} of {last} arrives: {_title(exchange)}"


def _title(exchange):
    return f"{exchange['method']} {exchange['target']}".strip() or "(opaque bytes)"


def _time_line(situation):
    seconds, rest = divmod(situation["realtime_ns"], 1_000_000_000)
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    since = (situation["monotonic_ns"] - situation["began_ns"]) / 1e9
    return (f"virtual time {moment:%Y-%m-%d %H:%M:%S}.{rest:09d} UTC, {since:.6f} s into the "
            "recording, standing still")


class _Command(gdb.Command):
    """A command below `reprise`; what it raises is told to the user."""

    name = ""
    kind = gdb.COMMAND_STATUS
    completion = gdb.COMPLETE_NONE

    def __init__(self, debugger):
        super().__init__(f"reprise {self.name}", self.kind, self.completion)
        self.debugger = debugger

    def invoke(self, argument, from_tty):
        try:
            self.act(gdb.string_to_argv(argument))
        except (ReplayError, subprocess.SubprocessError, OSError) as error:
            raise gdb.GdbError(f"reprise: {error}") from error

    def act(self, arguments):
        raise NotImplementedError

    def exchange_number(self, arguments):
        """The exchange that is meant: the argument's, else the one of the selected thread."""
        if arguments:
            if not arguments[0].isdigit():
                raise gdb.GdbError(f"`{arguments[0]}` is no number of an exchange")
            return int(arguments[0])
        number = self.situation().get("exchange")
        if number is None:
            number = gdb.convenience_variable("reprise_exchange")
        if number is None:
            raise gdb.GdbError("this thread works for no exchange; name one")
        return int(number)

    def situation(self):
        thread = gdb.selected_thread()
        if thread is None:
            return self.debugger.channel.request("situation")
        return self.debugger.channel.request("situation", thread=thread.ptid[1])


class _Reprise(gdb.Command):
    """Look around in the recording that is being replayed, and move in it.

The service is a replay: time stands still while gdb holds it, nothing arrives meanwhile, and
every answer it gets is the recorded one. $reprise_exchange is the exchange that arrived last."""

    def __init__(self):
        super().__init__("reprise", gdb.COMMAND_STATUS, gdb.COMPLETE_COMMAND, True)


class _Where(_Command):
    """Say where the replay stands: exchange, connection, virtual time, last answer.

Usage: reprise where

The exchange is the one that the selected thread works for. The last answer is what the service got
last from a dependency, with the recorded response and how the answer was found (exact, relaxed,
substituted)."""

    name = "where"

    def act(self, arguments):
        situation = self.situation()
        number = situation.get("exchange")
        if number is not None:
            title = _title(self.debugger.recording.exchange(number))
            gdb.write(f"exchange {number} of {situation['last']}: {title}, on connection "
                      f"{situation['connection']}\n")
        elif "context" in situation:
            gdb.write(f"this thread works for no exchange ({situation['context']})\n")
        gdb.write(_time_line(situation) + "\n")
        flying = ", ".join(map(str, situation["in_flight"])) or "none"
        gdb.write(f"{situation['replayed']} of {situation['selected']} exchanges replayed; waiting "
                  f"for their answer: {flying}\n")
        self._tell_answer(situation["answer"])

    def _tell_answer(self, answer):
        if answer is None:
            gdb.write("no external call was answered yet\n")
            return
        where = f" of exchange {answer['exchange']}" if answer["exchange"] else " in the background"
        gdb.write(f"last answer: call[{answer['index']}]{where}, {answer['operation']} to "
                  f"{answer['peer']}, {answer['fidelity']}\n")
        if not answer["exchange"]:
            return
        calls = self.debugger.recording.exchange(answer["exchange"])["external_calls"]
        call = next((c for c in calls if c["index"] == answer["index"]), None)
        if call is None or "response" not in call:
            return
        gdb.write(f"    {call.get('status') or ''}\n")
        for line in body_text(call["response"]).splitlines():
            gdb.write(f"    {line}\n")


class _Next(_Command):
    """Go on until the next exchange arrives.

Usage: reprise next [N]

With N, until exchange N arrives. Breakpoints, watchpoints and faults stop the service before, as
with `continue`."""

    name = "next"
    kind = gdb.COMMAND_RUNNING

    def act(self, arguments):
        at = self.exchange_number(arguments) if arguments else "next"
        self.debugger.channel.request("stop", at=at)
        self.debugger.run_to_arrival("continue")


class _List(_Command):
    """List the exchanges of the recording.

Usage: reprise ls [FILTER…]

Filters are those of `reprise ls` in a shell: --status 5xx, --method POST, --target '/cart/*',
--slow 200ms, --find TEXT."""

    name = "ls"

    def act(self, arguments):
        gdb.write(self.debugger.recording.run("ls", *arguments))


class _Show(_Command):
    """Show everything the recording has about one exchange.

Usage: reprise show [N] [--full | --json]

Without N, the exchange that the selected thread works for."""

    name = "show"

    def act(self, arguments):
        options = [word for word in arguments if word.startswith("-")]
        numbers = [word for word in arguments if not word.startswith("-")]
        number = self.exchange_number(numbers)
        gdb.write(self.debugger.recording.run("show", str(number), *options))


class _Calls(_Command):
    """List the external calls of one exchange, as recorded.

Usage: reprise calls [N]

Without N, the exchange that the selected thread works for."""

    name = "calls"

    def act(self, arguments):
        number = self.exchange_number(arguments)
        calls = self.debugger.recording.exchange(number)["external_calls"]
        if not calls:
            gdb.write(f"exchange {number} made no external call\n")
        for call in calls:
            gdb.write(call_line(call) + "\n")


class _Divergences(_Command):
    """List what this replay did otherwise than the recording so far.

Usage: reprise divergences"""

    name = "divergences"

    def act(self, arguments):
        divergences = self.debugger.channel.request("divergences")["divergences"]
        if not divergences:
            gdb.write("none so far\n")
        for one in divergences:
            where = f"exchange {one['exchange']}: " if one["exchange"] else ""
            gdb.write(f"{where}{one['kind']}, recorded {one['expected'] or 'nothing'}, "
                      f"now {one['actual'] or 'nothing'}\n")


class _Start(_Command):
    """Start the service and run it until the exchange arrives that was asked for.

Usage: reprise start

`reprise debug` does so itself, and it is done once: what was released cannot be taken back."""

    name = "start"
    kind = gdb.COMMAND_RUNNING

    def __init__(self, debugger):
        super().__init__(debugger)
        self._started = False

    def act(self, arguments):
        if self._started:
            raise ReplayError(_RUNS_ONCE)
        self._started = True
        try:
            self.debugger.run_to_arrival("run")
        except gdb.error as error:
            raise ReplayError(f"the service cannot be started under gdb: {error}") from error
        finally:
            refuse_to_run_again()


class _RunAgain(gdb.Command):
    """A replay runs once: what was released cannot be taken back."""

    def __init__(self):
        super().__init__("reprise run-again", gdb.COMMAND_NONE)

    def invoke(self, argument, from_tty):
        raise gdb.GdbError(f"reprise: {_RUNS_ONCE}")


def refuse_to_run_again():
    """Makes gdb's own commands that start the service refuse from now on."""
    _RunAgain()
    for command in ("run", "start", "starti"):
        gdb.execute(f"define hook-{command}\nreprise run-again\nend")


def define(debugger):
    """Adds the commands."""
    _Reprise()
    for command in (_Start, _Where, _Next, _List, _Show, _Calls, _Divergences):
        command(debugger)
