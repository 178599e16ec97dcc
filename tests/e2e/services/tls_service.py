"""usage: tls_service.py PORT CERTIFICATE KEY TRUSTED UPSTREAM_PORT WAY [SECRETS [ALSO]]

An HTTPS server that asks another one for all it is asked for, and says who that was. WAY is how it does
both: `asyncio` carries the ciphertext by hand (memory BIOs), `threads` leaves the sockets to OpenSSL. With
SECRETS the session secrets of all connections are appended to that file; with ALSO `threads` asks for that
path, too, and says nothing of it.
"""

import asyncio
import http.client
import http.server
import signal
import socketserver
import ssl
import sys

_NAME = "upstream.test"


def _describe(body: bytes, certificate: dict) -> bytes:
    subject = dict(pair for names in certificate["subject"] for pair in names)
    return (f"{body.decode().strip()} from {subject['commonName']}, number {certificate['serialNumber']}, "
            f"until {certificate['notAfter']}\n").encode()


class Settings:

    def __init__(self, certificate: str, key: str, trusted: str, upstream: str, secrets: str = "",
                 also: str = ""):
        self.upstream = int(upstream)
        self.also = also
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(certificate, key)
        self.client = ssl.create_default_context(cafile=trusted)
        if secrets:
            self.server.keylog_filename = self.client.keylog_filename = secrets


async def _ask(settings: Settings, path: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", settings.upstream, ssl=settings.client,
                                                   server_hostname=_NAME)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {_NAME}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n")
                  if line.lower().startswith(b"content-length:"))
    body = await reader.readexactly(length)
    certificate = writer.get_extra_info("peercert")
    writer.close()
    return _describe(body, certificate)


def _serve_asyncio(port: int, settings: Settings):
    async def client(reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                try:
                    body = await _ask(settings, head.split()[1].decode())
                except OSError as error:
                    body = f"failed: {error}\n".encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def serve():
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        async with await asyncio.start_server(client, "127.0.0.1", port, ssl=settings.server):
            await stop.wait()

    asyncio.run(serve())


def _serve_threads(port: int, settings: Settings):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self):
            self.request = settings.server.wrap_socket(self.request, server_side=True)
            super().setup()

        def do_GET(self):
            try:
                body = self._ask()
            except OSError as error:
                body = f"failed: {error}\n".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _ask(self) -> bytes:
            connection = http.client.HTTPSConnection("127.0.0.1", settings.upstream,
                                                     context=settings.client)
            connection.request("GET", self.path)
            response = connection.getresponse()
            certificate = connection.sock.getpeercert()
            body = response.read()
            if settings.also:
                connection.request("GET", settings.also)
                connection.getresponse().read()
            connection.close()
            return _describe(body, certificate)

        def log_message(self, format, *args):
            pass

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        request_queue_size = 128
        daemon_threads = True

    with Server(("127.0.0.1", port), Handler) as server:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        server.serve_forever()


def main():
    port, certificate, key, trusted, upstream, way, *more = sys.argv[1:]
    settings = Settings(certificate, key, trusted, upstream, *more)
    {"asyncio": _serve_asyncio, "threads": _serve_threads}[way](int(port), settings)


if __name__ == "__main__":
    main()
