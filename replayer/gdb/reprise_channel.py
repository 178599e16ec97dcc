"""The replay's end of the debugger's connection: JSON lines over a Unix socket, and the word that
holds the replay. replayer/control_channel.h describes the protocol. Knows nothing of gdb."""

import json
import mmap
import socket
import struct

VERSION = 1  # of the protocol that this side speaks


class ReplayError(Exception):
    """The replay refused a command, or is gone; the text is for people."""


class Channel:
    """Commands to the replay. One thread."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.connect(path)
        except OSError as error:
            raise ReplayError(f"the replay cannot be reached: {error}") from error
        self._lines = self._socket.makefile("r", encoding="utf-8")
        self._last_id = 0
        version = self.request("hello")["version"]
        if version != VERSION:
            raise ReplayError(f"the replay speaks version {version} of the debugger's protocol, "
                              f"these gdb commands speak {VERSION}: install reprise again")

    def request(self, command, **fields):
        """Asks for `command` and returns the fields of the answer."""
        self._last_id += 1
        line = json.dumps({"id": self._last_id, "command": command, **fields}) + "\n"
        try:
            self._socket.sendall(line.encode())
            reply = self._lines.readline()
        except OSError as error:
            raise ReplayError(f"the replay does not answer: {error}") from error
        if not reply:
            raise ReplayError("the replay has ended")
        answer = json.loads(reply)
        if not answer["ok"]:
            raise ReplayError(answer["error"])
        return answer


class Hold:
    """The word in the control file that makes the replay stand still. A store, so that it works at
    once and needs no answer."""

    def __init__(self, path, offset):
        with open(path, "r+b") as file:
            self._words = mmap.mmap(file.fileno(), 0)
        self._offset = offset

    def set(self, held):
        struct.pack_into("=I", self._words, self._offset, 1 if held else 0)

    def get(self):
        return struct.unpack_from("=I", self._words, self._offset)[0] != 0
