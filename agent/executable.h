// Whether a program that is about to be executed can carry the agent.
//
// Threading: any thread, the child of a vfork included; no memory is allocated.
#pragma once

namespace reprise::agent {

// False when the file is known not to load the agent: statically linked, of another architecture,
// or run with privileges that make ld.so ignore LD_PRELOAD (set-user-id, file capabilities).
// Scripts are judged by their interpreter. True when it cannot be told. Preserves errno.
[[nodiscard]] bool can_load_agent(int directory, const char* path);

// The same for a name that is searched in PATH.
[[nodiscard]] bool can_load_agent_in_path(const char* name);

}  // namespace reprise::agent
