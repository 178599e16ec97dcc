// Reads one archive: index when there is one, a scan for whole blocks when not. An archive is
// untrusted input: nothing in it crashes, hangs or exhausts memory; damage is listed, what is whole
// is still read. Thread-compatible; the file may be growing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "archive/format.h"
#include "archive/journal.h"
#include "event/exchange.h"

namespace reprise::archive {

class InputFile;

class Reader {
 public:
  [[nodiscard]] static tl::expected<std::unique_ptr<Reader>, Error> open(const std::string& path);
  [[nodiscard]] static tl::expected<std::unique_ptr<Reader>, Error> open(
      std::unique_ptr<InputFile> file);
  virtual ~Reader();

  virtual const Header& header() const = 0;
  virtual const std::optional<Trailer>& trailer() const = 0;  // none: the recording was cut off
  virtual const std::vector<Damage>& damage() const = 0;      // grows as blocks are read
  // It has its end, and no damage was found so far; verify() looks everywhere.
  bool is_whole() const { return trailer() && damage().empty(); }
  // Damage of what this archive was made from, to be listed with its own.
  virtual void add_damage(const std::vector<Damage>& damage) = 0;

  virtual std::uint64_t exchange_count() const = 0;
  virtual std::uint64_t call_count() const = 0;

  // Of a journal (Header::journal), instead of all below but content() and verify(): what it has,
  // in order. What is damaged is listed and left out.
  virtual void read_journal(JournalVisitor& visitor) = 0;

  // Visitors return false to stop. Streams; memory is that of one block.
  virtual void each_exchange(const std::function<bool(const event::Exchange&)>& visit) = 0;
  virtual void each_call(const std::function<bool(const event::Call&)>& visit) = 0;
  virtual void each_connection(const std::function<bool(const event::Connection&)>& visit) = 0;
  virtual void each_event(const std::function<bool(const event::Event&)>& visit) = 0;

  // Opens at once through the index, whatever the size of the file.
  [[nodiscard]] virtual tl::expected<event::Exchange, Error> exchange(event::ExchangeId id) = 0;
  [[nodiscard]] virtual tl::expected<std::vector<event::Call>, Error> calls(
      event::Context context) = 0;
  // Events of that context and the I/O of its connection in its byte ranges. Meant for single
  // exchanges: whoever wants them all is quicker with each_event().
  virtual void each_event_of(event::ExchangeId id,
                             const std::function<bool(const event::Event&)>& visit) = 0;
  [[nodiscard]] virtual tl::expected<event::Connection, Error> connection(
      event::ConnectionId id) = 0;

  // Bytes of one direction of a connection. `sent` tells which: what the service sent, or received.
  // Only bytes the kernel accepted count as sent, or may have: a send whose result was never
  // recorded was cut off by the end of its process. Missing bytes (gaps) are an error. `near` is
  // when the bytes were first touched, if that is known; it makes long connections quick and
  // changes nothing else. Quick one after another, too, whoever wants the bytes of all exchanges:
  // blocks read lately are remembered, and which of their records are whose.
  [[nodiscard]] virtual tl::expected<event::Bytes, Error> bytes(event::ConnectionId id, bool sent,
                                                                event::ByteRange range,
                                                                event::Stamp near = {}) = 0;
  [[nodiscard]] tl::expected<event::Bytes, Error> request(const event::Exchange& exchange);
  [[nodiscard]] tl::expected<event::Bytes, Error> response(const event::Exchange& exchange);
  [[nodiscard]] tl::expected<event::Bytes, Error> request(const event::Call& call);
  [[nodiscard]] tl::expected<event::Bytes, Error> response(const event::Call& call);

  [[nodiscard]] virtual tl::expected<event::Bytes, Error> content(std::uint64_t number) = 0;

  // Reads every block and reports all damage. An archive without a trailer whose last block is cut
  // off counts that as damage too.
  virtual void verify() = 0;
};

}  // namespace reprise::archive
