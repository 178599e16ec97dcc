// Records as events: what the agent wrote, with sockets named as connections.
//
// Every kind of fact has one Event that is filled again and again, so that its vectors keep their
// memory: reading the common records allocates nothing. Process, thread, position and context of
// the event are the collector's to fill in.
//
// Ownership: owns the events, borrows the table. Threading: the collector's thread.
#pragma once

#include <array>
#include <cstdint>
#include <variant>

#include "event/event.h"
#include "recorder/connection_table.h"
#include "recorder/file_paths.h"
#include "recorder/participants.h"
#include "recorder/record_view.h"

namespace reprise::recorder {

class FactReader {
 public:
  FactReader(ConnectionTable& connections, Participants& participants)
      : connections_(connections), participants_(participants) {}

  // The event of a record; nullptr when it is none (an environment) or makes no sense, which
  // `damaged` tells. Valid until the next record of the same type.
  event::Event* read(const RecordView& record, bool& damaged);

 private:
  template <typename Fact>
  Fact& fresh();

  void fill(const RecordView&, const abi::ProcessStart&);
  void fill(const RecordView&, const abi::Module&);
  void fill(const RecordView&, const abi::Fork&);
  void fill(const RecordView&, const abi::Exec&);
  void fill(const RecordView&, const abi::Exit&);
  void fill(const RecordView&, const abi::Signal&);
  void fill(const RecordView&, const abi::ThreadStart&);
  void fill(const RecordView&, const abi::HandOff&);
  void fill(const RecordView&, const abi::Listen&);
  void fill(const RecordView&, const abi::Accept&);
  void fill(const RecordView&, const abi::Connect&);
  void fill(const RecordView&, const abi::ConnectResult&);
  void fill(const RecordView&, const abi::Pair&);
  void fill(const RecordView&, const abi::Shutdown&);
  void fill(const RecordView&, const abi::Close&);
  void fill(const RecordView&, const abi::BytesIn&);
  void fill(const RecordView&, const abi::SendIntent&);
  void fill(const RecordView&, const abi::SendResult&);
  void fill(const RecordView&, const abi::FileRange&);
  void fill(const RecordView&, const abi::Wait&);
  void fill(const RecordView&, const abi::Clock&);
  void fill(const RecordView&, const abi::Random&);
  void fill(const RecordView&, const abi::Lookup&);
  void fill(const RecordView&, const abi::Log&);
  void fill(const RecordView&, const abi::Gap&);
  void fill(const RecordView&, const abi::Leak&);
  void fill(const RecordView&, const abi::FileOpened&);
  void fill(const RecordView&, const abi::Tls&);

  template <typename Body>
  bool fill_from(const RecordView& record);
  bool dispatch(const RecordView& record);

  // The connection of a cookie, made when it is new; none for cookie 0.
  event::ConnectionId name(abi::Cookie cookie);

  ConnectionTable& connections_;
  Participants& participants_;
  FilePaths paths_;
  std::array<event::Event, std::variant_size_v<event::Fact>> events_;
  event::Event* last_ = nullptr;
};

}  // namespace reprise::recorder
