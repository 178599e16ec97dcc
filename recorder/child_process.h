// Starts the service as a child with the recorder's own stdin, stdout, stderr and terminal, and
// with the signal mask and dispositions the recorder was started with. Stateless.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "recorder/environment.h"
#include "recorder/error.h"

namespace reprise::recorder {

struct ChildSetting {
  std::string path;                  // of the program
  std::vector<std::string> command;  // argv, the program's name first
  Environment environment;
  std::string working_directory;  // "": the recorder's, as when it cannot be entered
  sigset_t signal_mask;           // that it starts with
  bool fixed_addresses = false;   // without address space randomisation
  // In a process group apart from the recorder's, which it does not lead: setsid() still works.
  bool own_group = false;
};

// An error when the program could not be executed.
[[nodiscard]] tl::expected<pid_t, Error> start_child(const ChildSetting& setting);

// How a process ended.
struct ExitStatus {
  bool by_signal = false;
  std::int32_t value = 0;  // exit code, or signal number

  // As a shell reports it: 128 + signal.
  int shell_code() const { return by_signal ? 128 + value : value; }
};

struct Reaped {
  pid_t pid = 0;
  ExitStatus status;
};

// Ended children, those included that were inherited from descendants (see become_subreaper).
// `none_left` is set when there is no child any more.
[[nodiscard]] std::vector<Reaped> reap_children(bool& none_left);

// Descendants whose parents end become children of this process, so that a service that puts itself
// into the background is recorded to its end.
void become_subreaper();

}  // namespace reprise::recorder
