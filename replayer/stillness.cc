#include "replayer/stillness.h"

namespace reprise::replayer {
namespace {

using std::chrono::steady_clock;

// Real time that bytes take at most between two sockets of one machine.
constexpr std::chrono::milliseconds kDeliveryPatience{100};

}  // namespace

bool Stillness::take_in() {
  bool moved = false;
  for (;;) {
    service_.drain();
    threads_.refresh();
    const bool answered = questions_.answer_all();
    const bool io = io_.poll() > 0;
    moved = moved || answered || io;
    if (!answered && !io) break;
    io_.restart();
  }
  responder_.sweep();
  driver_.sweep();
  return moved;
}

Rest Stillness::look(Moment now) {
  take_in();
  for (;;) {
    const bool on_its_way = bytes_on_their_way();
    const Rest rest = quiescence_.look(now);
    if (rest != Rest::kQuiescent) return rest;
    if (take_in()) continue;
    return on_its_way || bytes_on_their_way() ? Rest::kWaking : Rest::kQuiescent;
  }
}

// Whether bytes are between the service's sockets and ours. Bytes that do not come for long never
// will: a process counted them that shares the connection with another, or withholds the
// acknowledgement of what it does not read.
bool Stillness::bytes_on_their_way() {
  if (!driver_.in_flight() && !responder_.in_flight() && !driver_.undelivered() &&
      !responder_.undelivered()) {
    on_their_way_since_.reset();
    return false;
  }
  const auto now = steady_clock::now();
  if (!on_their_way_since_) on_their_way_since_ = now;
  return now - *on_their_way_since_ < kDeliveryPatience;
}

}  // namespace reprise::replayer
