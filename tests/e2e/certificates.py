"""Certificates for servers under test, made with the openssl program."""

import os
import pathlib
import subprocess
import time
from typing import Optional

_DAY_S = 86400
_CONFIG = """
[req]
distinguished_name = subject
prompt = no
[subject]
CN = {name}
[own]
subjectAltName = DNS:{name}, IP:127.0.0.1
basicConstraints = CA:TRUE
[any]
commonName = supplied
[ca]
default_ca = authority
[authority]
database = {stem}.index
new_certs_dir = {directory}
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = own
"""


class Certificate:
    """A self-signed certificate for 127.0.0.1 and `name`, with its key.

    Attributes:
        certificate, key: paths of PEM files.
    """

    def __init__(self, root: str, name: str, expired: bool = False, not_after: Optional[int] = None,
                 elliptic: bool = False):
        """Makes both in `root`, over those of the same name.

        Args:
            expired: it was valid until yesterday.
            not_after: the last second (since 1970) at which it is valid; without it, it is for a month.
            elliptic: its key is one of P-256, which is made in no time, and not of RSA.
        """
        stem = os.path.join(root, name)
        self.certificate, self.key = f"{stem}.pem", f"{stem}.key"
        config, signing = f"{stem}.cnf", f"{stem}.csr"
        pathlib.Path(config).write_text(_CONFIG.format(name=name, stem=stem, directory=root), encoding="ascii")
        pathlib.Path(f"{stem}.index").write_text("", encoding="ascii")
        now = int(time.time())
        if not_after is None:
            not_after = now - _DAY_S if expired else now + 30 * _DAY_S
        kind = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if elliptic else ["rsa:2048"]
        self._run("req", "-newkey", *kind, "-nodes", "-keyout", self.key, "-config", config, "-out", signing)
        # `openssl ca` is the one that takes moments.
        self._run("ca", "-selfsign", "-batch", "-notext", "-config", config, "-keyfile", self.key, "-in", signing,
                  "-startdate", _moment(min(now, not_after) - _DAY_S), "-enddate", _moment(not_after),
                  "-out", self.certificate)

    @staticmethod
    def _run(*words: str):
        subprocess.run(["openssl", *words], check=True, capture_output=True)


def _moment(seconds: int) -> str:
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(seconds))
