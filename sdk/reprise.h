// The SDK of Reprise: what a service can tell that nobody can see from outside.
//
//   sdk/call.h      annotated calls: reprise::external_call
//   sdk/source.h    entry points: reprise::Source
//   sdk/context.h   whose work a thread does: reprise::carry, Context, Scope
//   sdk/failure.h   exceptions at replay: register_error, RecordedError, NotRecorded
//
// Header only, C++17; a program links boost_serialization. The agent's entry points are declared
// weak: the same binary runs with and without it. docs/sdk.md tells the whole story.
#pragma once

#include "sdk/call.h"
#include "sdk/context.h"
#include "sdk/failure.h"
#include "sdk/source.h"
