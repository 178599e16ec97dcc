// Where the collector's results go. Stages between the collector and the file (what is to be kept
// out of an archive is removed here, before it reaches a disk) are sinks that hand on to a sink.
#pragma once

#include <cstdint>

#include "event/exchange.h"

namespace reprise::recorder {

class Sink {
 public:
  virtual ~Sink() = default;
  // The referenced objects live for the call only.
  virtual void on_event(const event::Event& event) = 0;
  virtual void on_connection(const event::Connection& connection) = 0;  // again when more is known
  virtual void on_exchange(const event::Exchange& exchange) = 0;        // likewise
  virtual void on_call(const event::Call& call) = 0;                    // likewise
  // Keeps bytes; the number is FileRangeSent::content.
  virtual std::uint64_t store(const event::Bytes& content) = 0;
};

}  // namespace reprise::recorder
