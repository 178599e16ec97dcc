"""usage: temporary_service.py PORT DIRECTORY

Makes a temporary file and a temporary directory in DIRECTORY by the C library's functions for each
request, answers with their names, and removes them. Of a request for /keep the file stays.
"""

import ctypes
import http.server
import os
import sys

library = ctypes.CDLL(None, use_errno=True)
library.mkdtemp.restype = ctypes.c_char_p


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        file = ctypes.create_string_buffer(os.fsencode(f"{sys.argv[2]}/file-XXXXXX"))
        directory = ctypes.create_string_buffer(os.fsencode(f"{sys.argv[2]}/directory-XXXXXX"))
        descriptor = library.mkstemp(file)
        library.mkdtemp(directory)
        os.close(descriptor)
        os.rmdir(directory.value)
        if self.path != "/keep":
            os.unlink(file.value)
        body = b"%s %s\n" % (file.value, directory.value)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
