"""The rules of this workspace. BUILD files load this file and nothing else.

    reprise_cc_library        a library of host code
    reprise_cc_binary         a program
    reprise_probe             a program or library that a test runs with the agent
    reprise_cc_test           a GoogleTest test (main() is linked in)
    reprise_cc_fuzz_test      a fuzz target: corpus replay as a test, and a libFuzzer program
    reprise_benchmark         a Google Benchmark program (main() is linked in)
    reprise_py_benchmark      a benchmark of whole programs, in Python
    reprise_agent_cc_library  objects that run inside the service
    reprise_agent_library     the shared object that is preloaded into the service
    reprise_py_library        a Python module of test support
    reprise_py_test           a Python unittest
    reprise_e2e_test          a test in .py, .sh or .cc that crosses modules
    zoo_case                  a service with a bug, the same with its fix, and the test of both

Everything is private to its package unless `visibility` says otherwise. All other attributes are
passed to the native rule.
"""

# The one list of compiler flags.
REPRISE_COPTS = [
    "-std=c++20",
    "-g",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wshadow",
    "-Wconversion",
    "-Wnon-virtual-dtor",
    "-Woverloaded-virtual",
    "-Wimplicit-fallthrough",
    "-Wcast-qual",
    "-Werror",
    # clang counts it as -Wconversion, gcc for C++ does not; size_t <-> ptrdiff_t noise in both.
    "-Wno-sign-conversion",
    # Designated initializers leave members at their defaults on purpose.
    "-Wno-missing-field-initializers",
]

# Names that only gcc knows.
_GCC_COPTS = select({
    "//bazel:clang": [],
    "//conditions:default": [
        # False positives on std::string and std::optional at -O2 (gcc bugs 105651, 80635).
        "-Wno-restrict",
        "-Wno-maybe-uninitialized",
        # Says of every atomic_thread_fence that thread sanitizer does not model it.
        "-Wno-tsan",
    ],
})

# The toolchain links no C++ runtime by itself (BAZEL_LINKLIBS in .bazelrc), so that the agent
# cannot pick one up unnoticed. Host programs ask for it here.
REPRISE_LINKOPTS = [
    "-lstdc++",
    "-lm",
    "-pthread",
]

_SANITIZER_COPTS = select({
    "//bazel:asan": ["-fsanitize=address", "-O1"],
    "//bazel:tsan": ["-fsanitize=thread", "-O1"],
    "//bazel:ubsan": ["-fsanitize=undefined", "-fno-sanitize-recover=all", "-O1"],
    "//bazel:fuzz": [
        "-fsanitize=fuzzer-no-link,address,undefined",
        "-fno-sanitize-recover=all",
        "-O1",
    ],
    "//conditions:default": [],
})

# The runtimes are linked statically: a shared one would have to come before the agent in the
# preload order, and a program under test could not be preloaded at all. clang does so by default
# but leaves out the C++ part when the driver is `clang` and not `clang++`; gold, Bazel's choice of
# linker, warns of every symbol of its asan runtime.
_SANITIZER_LINKOPTS = select({
    "//bazel:asan": ["-fsanitize=address", "-static-libasan"],
    "//bazel:asan_clang": [
        "-fsanitize=address",
        "-fsanitize-link-c++-runtime",
        "-fuse-ld=lld",
    ],
    "//bazel:tsan": ["-fsanitize=thread", "-static-libtsan"],
    "//bazel:tsan_clang": ["-fsanitize=thread", "-fsanitize-link-c++-runtime"],
    "//bazel:ubsan": ["-fsanitize=undefined", "-static-libubsan"],
    "//bazel:ubsan_clang": ["-fsanitize=undefined", "-fsanitize-link-c++-runtime"],
    "//bazel:fuzz_clang": [
        "-fsanitize=address,undefined",
        "-fsanitize-link-c++-runtime",
        "-fuse-ld=lld",
    ],
    "//conditions:default": [],
})

_HOST_COPTS = REPRISE_COPTS + _GCC_COPTS + _SANITIZER_COPTS
_HOST_LINKOPTS = REPRISE_LINKOPTS + _SANITIZER_LINKOPTS

# What runs inside the service. It must not need a C++ runtime (the service may have none, or another
# one), must reach its thread-local state without a call into the dynamic linker, and defines functions
# that libc's fortified headers would otherwise define inline. No sanitizer: services lack its runtime.
_AGENT_COPTS = REPRISE_COPTS + _GCC_COPTS + [
    "-fPIC",
    "-fno-exceptions",
    "-fno-rtti",
    "-fno-threadsafe-statics",
    "-fvisibility=hidden",
    "-fvisibility-inlines-hidden",
    "-ftls-model=initial-exec",
    "-U_FORTIFY_SOURCE",
    "-D_FORTIFY_SOURCE=0",
]

# -z,now: binding lazily would run the dynamic linker's resolver inside a hook, which may be a signal
# handler or the child of vfork. All that is bound is libc, so the cost at load is small.
# -z,defs: whatever libc does not have is an error here rather than in somebody's service.
# -z,nodelete: a dlclose must not unmap code that other threads are in.
_AGENT_LINKOPTS = [
    "-static-libgcc",
    "-Wl,-z,defs",
    "-Wl,-z,now",
    "-Wl,-z,relro",
    "-Wl,-z,nodelete",
    "-Wl,-z,noexecstack",
    "-Wl,--as-needed",
    "-Wl,--build-id=sha1",
]

def reprise_cc_library(name, copts = [], **kwargs):
    """A library of host code."""
    native.cc_library(
        name = name,
        copts = _HOST_COPTS + copts,
        **kwargs
    )

def reprise_cc_binary(name, copts = [], linkopts = [], **kwargs):
    """A program."""
    native.cc_binary(
        name = name,
        copts = _HOST_COPTS + copts,
        linkopts = _HOST_LINKOPTS + linkopts,
        **kwargs
    )

def reprise_probe(name, copts = [], linkopts = [], **kwargs):
    """A program, or with `linkshared` a library, that stands for somebody's in tests of the agent.

    No sanitizer, as in services: its runtime intercepts what the agent hooks, handles signals by itself, and
    looks for leaks at the end. So deps are header-only libraries and those of the system.
    """
    native.cc_binary(
        name = name,
        copts = REPRISE_COPTS + _GCC_COPTS + copts,
        linkopts = REPRISE_LINKOPTS + linkopts,
        **kwargs
    )

def reprise_cc_test(name, copts = [], deps = [], linkopts = [], size = "small", **kwargs):
    """A GoogleTest test. gtest, gmock and their main() are linked in.

    A Unix socket must not be made below TEST_TMPDIR: its path is longer than the 107 bytes of
    sun_path. Make a directory with mkdtemp("/tmp/...") for sockets.
    """
    native.cc_test(
        name = name,
        size = size,
        copts = _HOST_COPTS + copts,
        linkopts = _HOST_LINKOPTS + linkopts,
        deps = deps + ["//third_party:gtest_main"],
        **kwargs
    )

def reprise_cc_fuzz_test(name, srcs, corpus, deps = [], copts = [], size = "small", **kwargs):
    """A fuzz target, whose `srcs` define LLVMFuzzerTestOneInput.

    Makes two targets. `NAME` replays the corpus, with every compiler and configuration. `NAME` less
    its `_test` is the libFuzzer program, for which --config=fuzz is needed:

        bazel run --config=fuzz //event:varint_fuzz -- -max_total_time=60 /tmp/corpus

    Args:
      name: must end in `_fuzz_test`.
      srcs: the source of the target.
      corpus: files, one input each; must not be empty. Everything that once broke belongs here.
      deps: what is fuzzed.
      copts: more compiler flags.
      size: of the corpus test.
      **kwargs: for both targets.
    """
    if not name.endswith("_fuzz_test"):
        fail("%s: the name of a fuzz test ends in _fuzz_test" % name)
    if not corpus:
        fail("%s: a fuzz test without a corpus tests nothing" % name)
    native.cc_test(
        name = name,
        size = size,
        srcs = srcs,
        args = ["$(rootpath %s)" % file for file in corpus],
        copts = _HOST_COPTS + copts,
        data = corpus,
        linkopts = _HOST_LINKOPTS,
        deps = deps + ["//bazel:corpus_replay_main"],
        **kwargs
    )
    native.cc_binary(
        name = name[:-len("_test")],
        testonly = True,
        srcs = srcs,
        copts = _HOST_COPTS + copts,
        linkopts = _HOST_LINKOPTS + select(
            {"//bazel:fuzz_clang": ["-fsanitize=fuzzer"]},
            no_match_error = "a libFuzzer program needs --config=fuzz",
        ),
        tags = ["manual"],
        deps = deps,
        **kwargs
    )

def reprise_benchmark(name, copts = [], deps = [], linkopts = [], tags = [], **kwargs):
    """A Google Benchmark program: `bazel run -c opt //pkg:NAME`. //... builds it and never runs it."""
    native.cc_binary(
        name = name,
        testonly = True,
        copts = _HOST_COPTS + copts,
        linkopts = _HOST_LINKOPTS + linkopts,
        tags = tags + ["benchmark"],
        deps = deps + ["//third_party:benchmark_main"],
        **kwargs
    )

def reprise_py_benchmark(name, srcs, tags = [], **kwargs):
    """A benchmark of whole programs: `bazel run -c opt //pkg:NAME`. Never run by //...."""
    native.py_binary(
        name = name,
        testonly = True,
        srcs = srcs,
        main = srcs[0],
        python_version = "PY3",
        srcs_version = "PY3",
        tags = tags + ["benchmark"],
        **kwargs
    )

def reprise_agent_cc_library(name, copts = [], **kwargs):
    """Objects that run inside the service; see _AGENT_COPTS for what they must do without.

    Nothing refers to a hook, so all objects are linked, wanted or not. Deps must be header-only
    libraries or reprise_agent_cc_library; -z,defs finds most of what is not. A reprise_cc_test may
    depend on one.
    """
    native.cc_library(
        name = name,
        alwayslink = True,
        copts = _AGENT_COPTS + copts,
        linkstatic = True,
        **kwargs
    )

def reprise_agent_library(name, deps, version_script, linkopts = [], **kwargs):
    """The shared object `libNAME.so` that is preloaded into services. It needs libc and nothing else.

    Args:
      name: `libreprise.so` for the file of that name.
      deps: reprise_agent_cc_library targets.
      version_script: the list of what is exported, for the linker; everything else is local.
      linkopts: more linker flags.
      **kwargs: for the native rule.
    """
    if not (name.startswith("lib") and name.endswith(".so")):
        fail("%s: the name of an agent library is its file name, libNAME.so" % name)
    native.cc_binary(
        name = name,
        additional_linker_inputs = [version_script],
        copts = _AGENT_COPTS,
        linkopts = _AGENT_LINKOPTS + [
            "-Wl,-soname,%s" % name,
            "-Wl,--version-script=$(location %s)" % version_script,
        ] + linkopts,
        linkshared = True,
        deps = deps,
        **kwargs
    )

def reprise_py_library(name, **kwargs):
    """A Python module of test support."""
    native.py_library(
        name = name,
        srcs_version = "PY3",
        **kwargs
    )

def reprise_py_test(name, srcs, main = None, args = [], size = "small", **kwargs):
    """A Python unittest, whose every case is counted.

    Args:
      name: of the test.
      srcs: the test and its parts.
      main: the file that is run, if it is not the first; it calls unittest.main().
      args: for unittest.main().
      size: a bound on its time.
      **kwargs: for the native rule.
    """
    native.py_test(
        name = name,
        size = size,
        srcs = srcs + ["//bazel:unittest_launcher.py"],
        args = ["$(rootpath %s)" % (main or srcs[0])] + args,
        main = "//bazel:unittest_launcher.py",
        python_version = "PY3",
        srcs_version = "PY3",
        **kwargs
    )

def reprise_e2e_test(name, srcs, main = None, size = "medium", tags = [], **kwargs):
    """A test that crosses modules and runs real programs, which it names in `data`.

    Args:
      name: of the test.
      srcs: one language: `.py` (unittest; `main` or the first file is run), `.sh`, or `.cc` (GoogleTest).
      main: the file that is run, for Python with several files.
      size: a bound on its time: small 1 minute, medium 5, large 15.
      tags: `long` takes it out of `bazel test //...`, and so, to Bazel, does size large without a word.
      **kwargs: for the native rule; `env` and `args` may use $(rootpath LABEL).
    """
    tags = tags + ["e2e"]
    if srcs[0].endswith(".py"):
        reprise_py_test(
            name = name,
            size = size,
            srcs = srcs,
            main = main,
            tags = tags,
            **kwargs
        )
    elif srcs[0].endswith(".sh"):
        native.sh_test(name = name, size = size, srcs = srcs, tags = tags, **kwargs)
    elif srcs[0].endswith(".cc"):
        reprise_cc_test(name = name, size = size, srcs = srcs, tags = tags, **kwargs)
    else:
        fail("%s: the source of an end-to-end test is .py, .sh or .cc, not %s" % (name, srcs[0]))

def zoo_case(name, service = None, deps = [], test_deps = [], data = [], **kwargs):
    """A case of tests/zoo: a service as it is and with its fix, and NAME.py as the test of both.

    Makes `NAME_test`; and without a `service`, `NAME`, the service with its bug out of NAME.cc, and
    `NAME_fixed`, the same compiled with FIXED defined.

    Args:
      name: of the case.
      service: the service with its bug where it is one of examples/; its fix is that with `_fixed` at the end.
      deps: of the service out of NAME.cc.
      test_deps: of the test, besides tests/zoo/zoo.py.
      data: of the test, besides the services.
      **kwargs: for the test.
    """
    fixed = (service or name) + "_fixed"
    if not service:
        service = name
        for binary, defines in ((service, []), (fixed, ["FIXED"])):
            reprise_cc_binary(
                name = binary,
                testonly = True,
                srcs = [name + ".cc"],
                local_defines = defines,
                visibility = ["//visibility:public"],
                deps = deps,
            )
    reprise_e2e_test(
        name = name + "_test",
        srcs = [name + ".py"],
        data = data + [service, fixed],
        env = {
            "ZOO_FIXED": "$(rootpath %s)" % fixed,
            "ZOO_SERVICE": "$(rootpath %s)" % service,
        },
        deps = [":zoo_py"] + test_deps,
        **kwargs
    )
