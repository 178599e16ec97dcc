// The directory of one recording session: the arena, and what a recovery must know.
//
//   reprise-<session>/         0711; the name can be seen by everybody
//     lock                     held (flock) by the recorder while it lives
//     notes                    NAME=value lines: where the archive is, who records what
//     <32 random hex digits>/  0711; cannot be listed, so its name is a key
//       arena                  0600, or 0666 when the service may drop privileges
//       …                      other files of the session (the control file of a replay)
//
// It lies in /dev/shm where that has room, since the arena is memory that must outlive its makers.
// Ownership: the creator removes it with remove(); what is left behind by a killed recorder is
// found by find_sessions(). Thread-compatible.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "recorder/error.h"

namespace reprise::recorder {

// What a recovery must know of a session.
struct SessionNotes {
  std::string session;               // 32 hex digits
  std::string archive;               // absolute path of the unfinished archive
  std::vector<std::string> command;  // of the service
  std::int64_t started_unix_ns = 0;
  std::int32_t recorder_pid = 0;
  std::string key;  // name of the inner directory
};

class SessionDirectory {
 public:
  // Makes a session directory in `parent` and locks it.
  [[nodiscard]] static tl::expected<SessionDirectory, Error> create(const std::string& parent,
                                                                    SessionNotes notes);
  // Takes over what another recorder left. Refused while that one lives.
  [[nodiscard]] static tl::expected<SessionDirectory, Error> take_over(const std::string& path);

  SessionDirectory(SessionDirectory&& other) noexcept;
  SessionDirectory& operator=(SessionDirectory&& other) noexcept;
  ~SessionDirectory();  // gives up the lock; removes nothing

  const std::string& path() const { return path_; }
  const SessionNotes& notes() const { return notes_; }
  // Where a file that the service maps belongs.
  std::string shared_file(const std::string& name) const;
  // Mode of files the service maps: a root service may open them after it gave its privileges up.
  static unsigned shared_mode();

  // Removes the directory with all that is in it. The service's mappings live on.
  void remove();

 private:
  SessionDirectory() = default;

  std::string path_;
  SessionNotes notes_;
  int lock_ = -1;
};

// Where session directories are made, best first: /dev/shm, $TMPDIR, /tmp.
[[nodiscard]] std::vector<std::string> session_parents();

struct FoundSession {
  std::string path;
  SessionNotes notes;
  bool recording = false;  // its recorder is alive
};

// Sessions of this user in `parents` that were not finished, or are being recorded.
[[nodiscard]] std::vector<FoundSession> find_sessions(const std::vector<std::string>& parents);

// `digits` random hex digits from the kernel.
[[nodiscard]] std::string random_hex(std::size_t digits);

}  // namespace reprise::recorder
