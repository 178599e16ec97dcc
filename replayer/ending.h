// Ends the service as the recorded one ended: of itself, by a signal, or not at all.
//
// Ownership: borrows stage and threads. Threading: one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "replayer/stage.h"
#include "replayer/threads.h"

namespace reprise::replayer {

class Ending {
 public:
  // `take_in` collects what the service did and moves bytes, so that it may say its last.
  Ending(Stage& stage, const Threads& threads, std::function<void()> take_in)
      : stage_(stage), threads_(threads), take_in_(std::move(take_in)) {}

  // Sends a recorded signal to the process with that fork path.
  void send(int signal, const std::string& process);

  // Everything was released and the service rests: brings it one step nearer to its end. True when
  // it is time to finish().
  bool step();

  // Waits for the end of the service, with time running by itself, and in the end kills it.
  // Compares how it ended with the recording.
  void finish();
  // Ends a service whose replay was given up.
  void abandon();

 private:
  bool wait_for_end();

  Stage& stage_;
  const Threads& threads_;
  const std::function<void()> take_in_;
  bool signalled_ = false;  // the root got a signal that may end it
  bool ours_ = false;       // a guess of ours, not of the recording
};

}  // namespace reprise::replayer
