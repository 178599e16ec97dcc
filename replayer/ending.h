// Ends the service as the recorded one ended: of itself, by a signal, or not at all.
//
// Ownership: borrows stage and threads. Threading: one thread.
#pragma once

#include <cstdint>
#include <string>

#include "replayer/stage.h"
#include "replayer/threads.h"

namespace reprise::replayer {

class Ending {
 public:
  Ending(Stage& stage, const Threads& threads) : stage_(stage), threads_(threads) {}

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
  bool signalled_ = false;  // the root got a signal that may end it
  bool ours_ = false;       // a guess of ours, not of the recording
};

}  // namespace reprise::replayer
