// What a collector has to know and no record says: who is who in the system, what time it is, what
// was in a file.
//
// While the service runs the machine is asked (LiveSurroundings). Later there is nobody to ask:
// then the journal has the answers (recorder/derivation.h), since whoever kept it asked in time.
//
// Threading: the collector's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "event/event.h"
#include "recorder/file_contents.h"
#include "recorder/process_watch.h"
#include "recorder/start_files.h"

namespace reprise::recorder {

class Surroundings {
 public:
  virtual ~Surroundings() = default;
  // Who has that ProcessSlot; its own slot is kNone when that is not known.
  virtual ProcessIdentity identify(std::uint32_t slot) = 0;
  // This moment.
  virtual event::Stamp now() = 0;
  // Number of the stored content of `piece`, which process `pid` sent; none when it could not be
  // had as it was, and then `why` tells.
  virtual std::optional<std::uint64_t> content_of(const event::FileRangeSent& piece,
                                                  std::int32_t pid, std::string& why) = 0;
  // Whether a file that process `pid` opened is one that is read at start and was not told before;
  // its digest is filled in.
  virtual bool take_start_file(event::FileOpened& file, std::int32_t pid) = 0;
  // The file with the time zone, for the process that started first; once.
  virtual std::optional<event::FileOpened> time_zone() = 0;
  // The first client is there: no file is read at start any more.
  virtual void start_is_over() = 0;
  // The environment that the service was started with (NAME=value).
  virtual const std::vector<std::string>& environment() = 0;
};

class LiveSurroundings final : public Surroundings {
 public:
  // `watch` is borrowed. `store` keeps bytes and returns their number.
  LiveSurroundings(ProcessWatch& watch, std::function<std::uint64_t()> now,
                   FileContents::Store store, std::vector<std::string> environment)
      : watch_(watch),
        now_(std::move(now)),
        files_(std::move(store)),
        environment_(std::move(environment)) {}

  ProcessIdentity identify(std::uint32_t slot) override { return watch_.identity(slot); }
  event::Stamp now() override { return {now_()}; }
  std::optional<std::uint64_t> content_of(const event::FileRangeSent& piece, std::int32_t pid,
                                          std::string& why) override {
    return files_.read(piece, pid, why);
  }
  bool take_start_file(event::FileOpened& file, std::int32_t pid) override {
    return start_files_.take(file, pid);
  }
  std::optional<event::FileOpened> time_zone() override {
    return start_files_.time_zone(environment_);
  }
  void start_is_over() override { start_files_.end(); }
  const std::vector<std::string>& environment() override { return environment_; }

 private:
  ProcessWatch& watch_;
  std::function<std::uint64_t()> now_;
  FileContents files_;
  StartFiles start_files_;
  std::vector<std::string> environment_;
};

}  // namespace reprise::recorder
