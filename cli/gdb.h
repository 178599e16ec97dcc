// Starting gdb on a service that is being replayed.
//
// gdb gets two files in the session's directory: a script that it runs first, which hands over to
// replayer/gdb/reprise_debugger.py, and a JSON file that tells that what it has to know. The
// service's environment is set inside gdb, for the service alone.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "recorder/environment.h"

namespace reprise::cli {

// What the Python side is told.
struct GdbSession {
  std::vector<std::string> command;   // of the service
  recorder::Environment environment;  // of the service
  std::string working_directory;      // of the service, "" for gdb's
  std::string archive;                // absolute path of the recording
  std::string channel;                // replayer::ControlChannel::path()
  std::string control;                // path of the control file
  std::size_t held_offset = 0;        // of abi::ControlHeader::held in it
  std::uint64_t at = 0;               // the first exchange to stop at, 0 none
  std::string directory;              // where files may be put
  std::vector<std::string> scripts;   // gdb's -x
  bool batch = false;
};

class Gdb {
 public:
  // `program` as the user named it. An error says what is missing and how to get it.
  [[nodiscard]] static tl::expected<Gdb, std::string> find(const std::string& program);

  // The command that starts gdb, which starts the service. Writes the files that it reads.
  [[nodiscard]] tl::expected<std::vector<std::string>, std::string> command(
      const GdbSession& session) const;

 private:
  std::string program_;
  std::string scripts_;  // directory of the Python files
};

}  // namespace reprise::cli
