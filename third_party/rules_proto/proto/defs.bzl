"""The part of @rules_proto that Bazel 4.2.3 itself loads, as re-exports of the native rules."""

proto_lang_toolchain = native.proto_lang_toolchain
proto_library = native.proto_library
