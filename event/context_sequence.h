// The facts of one context as the projection collects them.
//
// Bytes come as runs: what is received from a connection, in however many reads, is one fact until
// something is sent on it, and the other way round. A run stands where it began.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "event/byte_digest.h"
#include "event/draws.h"
#include "event/projection.h"

namespace reprise::event {

class ContextSequence {
 public:
  // `now` numbers the events, and is that of the one at hand; `whole`: bytes are kept.
  ContextSequence(const std::uint64_t& now, bool whole) : now_(now), whole_(whole) {}

  // `peer` is what the connection is called for people ("the client", "payments:8443"); several of
  // one name are numbered in the order of their first use in the context.
  void receive(ConnectionId id, const std::string& peer, std::span<const std::uint8_t> bytes);
  // Bytes are about to be sent: from here on they have their place.
  void announce(ConnectionId id, const std::string& peer);
  void send(ConnectionId id, const std::string& peer, std::span<const std::uint8_t> bytes);
  // The same for bytes of a file that were sent by reference; neighbouring ranges are one fact.
  void send_file(ConnectionId id, const std::string& peer, const std::string& path,
                 ByteRange range);
  // Ends the run of either direction, and says why.
  void interrupt(ConnectionId id, const std::string& peer, const std::string& what,
                 const std::string& value = "");
  // A connect; `outcome` is none while it is in progress.
  void connect(ConnectionId id, const std::string& peer, std::optional<std::string> outcome);
  void finish_connect(ConnectionId id, const std::string& outcome);

  void put(std::string what, std::string value = "", std::span<const std::uint8_t> bytes = {});
  // `place`: index of the code that drew, as CanonicalFact has it.
  void put(const Draw& draw, std::uint32_t place);
  void log(std::uint8_t stream, std::span<const std::uint8_t> bytes);

  std::vector<CanonicalFact> take_facts();
  std::vector<CanonicalFact> take_log();

 private:
  struct Entry {
    CanonicalFact fact;
    ByteDigest bytes;
    bool run = false;
    std::string path;  // of a file that was sent
    ByteRange range;   // of it
  };
  struct Stream {
    std::string name;
    std::optional<std::size_t> received, sent;  // entries of open runs
    std::optional<std::size_t> file;            // the same, of a file
    std::optional<std::size_t> connecting;
  };

  Stream& stream(ConnectionId id, const std::string& peer);
  std::size_t open_run(const std::string& what);
  Entry& begin(std::string what);
  void end_line(std::uint8_t stream);

  const std::uint64_t& now_;
  bool whole_;
  std::vector<Entry> entries_;
  std::map<ConnectionId, Stream> streams_;
  std::map<std::string, std::uint64_t> names_;  // connections of each name
  std::map<std::uint8_t, std::string> lines_;   // begun, by log stream
  std::vector<CanonicalFact> log_;
};

}  // namespace reprise::event
