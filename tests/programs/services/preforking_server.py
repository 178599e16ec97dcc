"""usage: preforking_server.py PORT HOW

An HTTP server of three processes that were forked beforehand and accept from one socket. Each answers with its
number, its user, the time and something random. HOW says what happens before:

  plain     nothing
  nobody    the workers become the user nobody
  chroot    and live in an empty directory
  daemon    the server forks twice, begins a session and closes every descriptor it did not open
  exec      the server replaces itself by another one of the same program, which is given the socket
"""

import os
import signal
import socket
import sys
import tempfile
import time

port, how = int(sys.argv[1]), sys.argv[2]


def become_daemon():
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    os.closerange(0, 65536)
    for _ in range(3):
        os.open("/dev/null", os.O_RDWR)


def drop_privileges():
    if how == "chroot":
        os.chroot(tempfile.gettempdir())
        os.chdir("/")
    if how in ("nobody", "chroot"):
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)


def work(listener: socket.socket, number: int):
    drop_privileges()
    while True:
        connection, _ = listener.accept()
        with connection:
            while connection.recv(4096):
                body = b"%d %d %f %s\n" % (number, os.getuid(), time.time(), os.urandom(4).hex().encode())
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


if how == "daemon":
    become_daemon()
if len(sys.argv) > 3:
    listener = socket.socket(fileno=int(sys.argv[3]))
else:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    if how == "exec":
        os.set_inheritable(listener.fileno(), True)
        os.execv(sys.executable, [sys.executable, *sys.argv, str(listener.fileno())])
workers = []
for worker in (1, 2, 3):
    workers.append(os.fork())
    if workers[-1] == 0:
        work(listener, worker)


def end(*_):
    for pid in workers:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)
    os._exit(0)


signal.signal(signal.SIGTERM, end)
while True:
    signal.pause()
