"""Certificates for servers under test, made with the openssl program."""

import os
import subprocess


class Certificate:
    """A self-signed certificate for 127.0.0.1 and `name`, with its key.

    Attributes:
        certificate, key: paths of PEM files.
    """

    def __init__(self, root: str, name: str, expired: bool = False):
        self.certificate = os.path.join(root, f"{name}.pem")
        self.key = os.path.join(root, f"{name}.key")
        config = os.path.join(root, f"{name}.cnf")
        with open(config, "w", encoding="ascii") as file:
            file.write(f"[req]\ndistinguished_name = dn\nprompt = no\nx509_extensions = own\n[dn]\nCN = {name}\n"
                       f"[own]\nsubjectAltName = DNS:{name}, IP:127.0.0.1\nbasicConstraints = CA:TRUE\n"
                       "[ca]\ndefault_ca = own_ca\n[own_ca]\n")
        request = ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-config", config]
        if not expired:
            self._run([*request, "-x509", "-days", "30", "-out", self.certificate])
            return
        # Only `openssl x509` makes one that is over: its days may be negative.
        signing = os.path.join(root, f"{name}.csr")
        self._run([*request, "-out", signing])
        self._run(["openssl", "x509", "-req", "-in", signing, "-signkey", self.key, "-days", "-1",
                   "-extfile", config, "-extensions", "own", "-out", self.certificate])

    @staticmethod
    def _run(command: list[str]):
        subprocess.run(command, check=True, capture_output=True)
