"""What the compiler says to a program that uses the SDK wrongly: our words, not a template's entrails."""

import subprocess
import unittest

_PRELUDE = """
#include <optional>
#include <string>
#include "sdk/reprise.h"
struct Handle;
int value = 1;
"""


def _compile(statement: str, standard: str = "c++17") -> subprocess.CompletedProcess:
    source = _PRELUDE + "void use(Handle* handle) { (void)handle; " + statement + " }\n"
    return subprocess.run(["/usr/bin/g++", f"-std={standard}", "-Wall", "-Wextra", "-Werror", "-I.",
                           "-fsyntax-only", "-x", "c++", "-"],
                          input=source, capture_output=True, text=True, check=False)


class MisuseTest(unittest.TestCase):

    def _refused(self, statement: str, words: str):
        compiled = _compile(statement)
        self.assertNotEqual(compiled.returncode, 0)
        self.assertIn("reprise: " + words, compiled.stderr)

    def test_the_right_way_compiles_with_every_standard(self):
        for standard in ("c++17", "c++20"):
            compiled = _compile('reprise::external_call("f", value, [](int v) { return v; });'
                                'reprise::Source<std::string> s("s");'
                                's.next([]() -> std::optional<std::string> { return {}; });',
                                standard)
            self.assertEqual(compiled.returncode, 0, compiled.stderr)

    def test_an_argument_that_is_changed(self):
        self._refused('reprise::external_call("f", value, [](int& v) { v = 2; });',
                      "the function changes an argument")

    def test_a_result_that_refers_to_something(self):
        self._refused('reprise::external_call("f", [&]() -> int& { return value; });',
                      "the function returns a reference")

    def test_a_pointer(self):
        self._refused('reprise::external_call("f", handle, [](Handle*) { return 1; });',
                      "a pointer means nothing in another process")

    def test_arguments_that_the_function_does_not_take(self):
        self._refused('reprise::external_call("f", value, [](std::string, int) {});',
                      "the last argument of external_call is a function")

    def test_a_source_whose_function_gives_something_else(self):
        self._refused('reprise::Source<std::string> s("s"); s.next([] { return 1.5; });',
                      "the function of a source returns a message")


if __name__ == "__main__":
    unittest.main()
