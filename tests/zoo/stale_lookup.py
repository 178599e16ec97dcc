"""A customer sees the invoice of another tenant's customer: the name of the service leads elsewhere by now.

The trigger is outside of the service: production moves the service while ours runs, nothing moves in the
control. Where the name leads is in a hosts file of the service's own (mount_namespaces(7)).
"""

import contextlib
import pathlib
import unittest

from tests.zoo import upstream, zoo

_OLD, _NEW = "127.0.0.2", "127.0.0.3"


class StaleLookup(zoo.ZooCase):

    @property
    def launcher(self):
        return ["unshare", "--map-root-user", "--mount", "/bin/sh", "-c",
                'mount --bind "$0" /etc/hosts && exec "$@"', self.hosts]

    @contextlib.contextmanager
    def dependencies(self, healthy):
        self.hosts = f"{self.directory}/hosts"
        self._lead_to(_OLD)
        self.tenants = {_OLD: "ours", _NEW: "ours"}

        def invoices_at(address):
            return lambda asked, _: upstream.answer(
                {"invoice": asked.target, "tenant": self.tenants[address]}, Connection="close")

        with upstream.Upstream(invoices_at(_OLD), host=_OLD) as old, \
                upstream.Upstream(invoices_at(_NEW), old.port, _NEW):
            yield [f"http://invoices.internal:{old.port}"]

    def _lead_to(self, address: str):
        # Written in place: the file is mounted.
        pathlib.Path(self.hosts).write_text(f"{address} invoices.internal\n", encoding="utf-8")

    def traffic(self, port):
        answers = []
        with zoo.Client(port, answers) as client:
            client.ask("GET", "/invoices/7")
            self._lead_to(_NEW)
            self.tenants[_OLD] = "others"
            client.ask("GET", "/invoices/7")
        return answers

    def wrong(self, answer):
        return answer.status == 200 and answer.json["tenant"] != "ours"

    def intended(self):
        failing = self.failing()
        return {failing.number: {
            "response.status": ("200", "503"),
            "response.header.Content-Length": (str(len(failing.body)), "17"),
            "response.body.$.error": (None, "moved"),
            "response.body.$.invoice": ("/invoices/7", None),
            "response.body.$.tenant": ("others", None),
        }}


if __name__ == "__main__":
    unittest.main()
