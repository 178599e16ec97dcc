// How the replayer comes to know that the service rests.
//
// What threads and kernel say at one moment (quiescence.h) counts only with everything taken in
// that the service did before it rested, and with everything delivered to it before anybody asked
// whether it rests.
//
// Ownership: borrows everything. Threading: one thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>

#include "replayer/driver.h"
#include "replayer/questions.h"
#include "replayer/quiescence.h"
#include "replayer/responder.h"
#include "replayer/service.h"
#include "replayer/threads.h"

namespace reprise::replayer {

class Stillness {
 public:
  Stillness(boost::asio::io_context& io, Service& service, Threads& threads, Quiescence& quiescence,
            Questions& questions, Driver& driver, Responder& responder)
      : io_(io),
        service_(service),
        threads_(threads),
        quiescence_(quiescence),
        questions_(questions),
        driver_(driver),
        responder_(responder) {}

  // Collects, answers and moves bytes until nothing is left to do. True when bytes were moved: that
  // may have woken somebody.
  bool take_in();
  // Takes in what is new, and looks. `now` is the virtual time.
  [[nodiscard]] Rest look(Moment now);
  // Something is released: it has its own time to arrive.
  void released() { on_their_way_since_.reset(); }

 private:
  bool bytes_on_their_way();

  boost::asio::io_context& io_;
  Service& service_;
  Threads& threads_;
  Quiescence& quiescence_;
  Questions& questions_;
  Driver& driver_;
  Responder& responder_;
  std::optional<std::chrono::steady_clock::time_point> on_their_way_since_;
};

}  // namespace reprise::replayer
