// Holds the listener of the service's seccomp filter: counts and names the system calls that did
// not come through a hook, and lets them go on.
//
// Such a call waits in the kernel until it is answered, so a thread of its own answers: the
// engine's may be asleep. Sources: seccomp_unotify(2), pidfd_getfd(2).
//
// Ownership: owns the listener and the thread. Threading: take_over() from one thread; totals()
// from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "agent/abi/control.h"

namespace reprise::replayer {

class LeakWatch {
 public:
  LeakWatch() = default;
  ~LeakWatch();
  LeakWatch(const LeakWatch&) = delete;
  LeakWatch& operator=(const LeakWatch&) = delete;

  // Takes the descriptor out of the asking process, and in a rehearsal closes it again. False when
  // the system does not let us: then the service must not install its filter.
  [[nodiscard]] bool take_over(const abi::AskLeakWatch& ask);

  // "getrandom in libfoo.so.1" -> how often. Calls of the C library's own name service on Unix
  // sockets are left out: they reach nothing that is recorded. So is the key its heap draws once.
  std::map<std::string, std::uint64_t> totals() const;

 private:
  struct Place {
    std::int32_t system_call = 0;
    std::uint64_t instruction = 0;
    friend auto operator<=>(const Place&, const Place&) = default;
  };

  void run();
  void answer();
  std::string name(std::int32_t pid, const Place& place);

  int listener_ = -1;
  int stop_ = -1;  // eventfd
  std::thread thread_;
  mutable std::mutex mutex_;
  std::map<Place, std::string> names_;           // by the watching thread only
  std::map<std::string, std::uint64_t> totals_;  // under mutex_
};

}  // namespace reprise::replayer
