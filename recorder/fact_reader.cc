#include "recorder/fact_reader.h"

#include <algorithm>
#include <string>
#include <type_traits>

#include "recorder/address_text.h"

namespace reprise::recorder {
namespace {

using abi::RecordType;

template <typename Fact, std::size_t index = 0>
constexpr std::size_t index_of() {
  if constexpr (std::is_same_v<Fact, std::variant_alternative_t<index, event::Fact>>) {
    return index;
  } else {
    return index_of<Fact, index + 1>();
  }
}

void assign(event::Bytes& to, std::span<const std::uint8_t> from) {
  to.assign(from.begin(), from.end());
}

// The first `length` bytes of `tail`, or all of it when it is shorter, which it is only if damaged.
std::span<const std::uint8_t> first(std::span<const std::uint8_t> tail, std::uint64_t length) {
  return tail.first(static_cast<std::size_t>(std::min<std::uint64_t>(tail.size(), length)));
}

}  // namespace

template <typename Fact>
Fact& FactReader::fresh() {
  event::Event& event = events_[index_of<Fact>()];
  last_ = &event;
  if (Fact* fact = std::get_if<Fact>(&event.fact)) return *fact;
  return event.fact.emplace<Fact>();
}

event::ConnectionId FactReader::name(abi::Cookie cookie) {
  if (cookie == 0) return {};
  const ConnectionState* known = connections_.find(cookie);
  return known != nullptr ? known->info.id : connections_.open(cookie).info.id;
}

template <typename Body>
bool FactReader::fill_from(const RecordView& record) {
  Body body;
  if (!record.read(body)) return false;
  fill(record, body);
  return true;
}

event::Event* FactReader::read(const RecordView& record, bool& damaged) {
  last_ = nullptr;
  damaged = !dispatch(record);
  if (damaged || last_ == nullptr) return nullptr;
  last_->enter = {record.enter()};
  last_->exit = {std::max(record.enter(), record.exit())};
  last_->context = {};
  return last_;
}

bool FactReader::dispatch(const RecordView& record) {
  switch (record.type()) {
    case RecordType::kBytesIn:
      return fill_from<abi::BytesIn>(record);
    case RecordType::kSendIntent:
      return fill_from<abi::SendIntent>(record);
    case RecordType::kSendResult:
      return fill_from<abi::SendResult>(record);
    case RecordType::kClock:
      return fill_from<abi::Clock>(record);
    case RecordType::kWait:
      return fill_from<abi::Wait>(record);
    case RecordType::kRandom:
      return fill_from<abi::Random>(record);
    case RecordType::kAccept:
      return fill_from<abi::Accept>(record);
    case RecordType::kClose:
      return fill_from<abi::Close>(record);
    case RecordType::kFileRange:
      return fill_from<abi::FileRange>(record);
    case RecordType::kConnect:
      return fill_from<abi::Connect>(record);
    case RecordType::kConnectResult:
      return fill_from<abi::ConnectResult>(record);
    case RecordType::kShutdown:
      return fill_from<abi::Shutdown>(record);
    case RecordType::kPair:
      return fill_from<abi::Pair>(record);
    case RecordType::kListen:
      return fill_from<abi::Listen>(record);
    case RecordType::kLookup:
      return fill_from<abi::Lookup>(record);
    case RecordType::kLog:
      return fill_from<abi::Log>(record);
    case RecordType::kHandOff:
      return fill_from<abi::HandOff>(record);
    case RecordType::kThreadStart:
      return fill_from<abi::ThreadStart>(record);
    case RecordType::kThreadEnd:
      fresh<event::ThreadEnded>();
      return true;
    case RecordType::kProcessStart:
      return fill_from<abi::ProcessStart>(record);
    case RecordType::kModule:
      return fill_from<abi::Module>(record);
    case RecordType::kFork:
      return fill_from<abi::Fork>(record);
    case RecordType::kExec:
      return fill_from<abi::Exec>(record);
    case RecordType::kExit:
      return fill_from<abi::Exit>(record);
    case RecordType::kFatalSignal:
    case RecordType::kSignal:
      return fill_from<abi::Signal>(record);
    case RecordType::kGap:
      return fill_from<abi::Gap>(record);
    case RecordType::kLeak:
      return fill_from<abi::Leak>(record);
    case RecordType::kFileOpened:
      return fill_from<abi::FileOpened>(record);
    case RecordType::kTls:
      return fill_from<abi::Tls>(record);
    case RecordType::kPassed:  // the collector's
    case RecordType::kEnvironment:
      return true;  // the recorder knows what it gave the service
  }
  return false;
}

void FactReader::fill(const RecordView& record, const abi::ProcessStart& body) {
  auto& fact = fresh<event::ProcessStarted>();
  auto tail = record.tail<abi::ProcessStart>();
  fact = {};
  fact.executable = take_string(tail);
  for (std::uint32_t i = 0; i < body.arguments && !tail.empty(); ++i) {
    fact.arguments.emplace_back(take_string(tail));
  }
  fact.pid = body.pid;
  fact.image = body.image;
}

void FactReader::fill(const RecordView& record, const abi::Module& body) {
  auto tail = record.tail<abi::Module>();
  fresh<event::ModuleLoaded>() = {std::string(take_string(tail)), body.begin, body.end, body.bias};
}

void FactReader::fill(const RecordView&, const abi::Fork& body) {
  auto& fact = fresh<event::ProcessForked>();
  const ProcessState* child = participants_.process_at(body.child);
  fact.child = child == nullptr ? event::ProcessId{} : child->id;
  fact.ordinal = body.ordinal;
  fact.error = body.error;
}

void FactReader::fill(const RecordView& record, const abi::Exec& body) {
  auto tail = record.tail<abi::Exec>();
  fresh<event::ProgramExecuted>() = {std::string(take_string(tail)), body.capturable != 0,
                                     body.error};
}

void FactReader::fill(const RecordView&, const abi::Exit& body) {
  fresh<event::ProcessExited>() = {event::ProcessExited::How::kCode, body.code};
}

void FactReader::fill(const RecordView& record, const abi::Signal& body) {
  fresh<event::SignalReceived>() = {body.number, body.code, body.from_pid, body.address,
                                    record.type() == RecordType::kFatalSignal};
}

void FactReader::fill(const RecordView&, const abi::ThreadStart& body) {
  const bool is_main = body.creator == abi::kNone;
  fresh<event::ThreadStarted>() = {body.ordinal, is_main ? body.ordinal : body.creator, body.tid};
}

void FactReader::fill(const RecordView&, const abi::HandOff& body) {
  auto& fact = fresh<event::HandedOff>();
  const auto kind = static_cast<std::uint32_t>(body.kind);
  fact.kind = static_cast<event::HandedOff::Kind>(std::clamp(kind, 1u, 4u));
  fact.token = body.token;
}

void FactReader::fill(const RecordView&, const abi::Listen& body) {
  fresh<event::Listened>() = {name(body.socket), to_address(body.local), body.error};
}

void FactReader::fill(const RecordView&, const abi::Accept& body) {
  auto& fact = fresh<event::Accepted>();
  fact.listener = name(body.listener);
  fact.connection = name(body.socket);
  fact.local = to_address(body.local);
  fact.peer = to_address(body.peer);
  fact.error = body.error;
  fact.recorded = body.recorded;
  ConnectionState* state = fact.connection ? connections_.find(fact.connection) : nullptr;
  if (state != nullptr) state->peer_pid = body.peer_pid;
}

void FactReader::fill(const RecordView&, const abi::Connect& body) {
  auto& fact = fresh<event::Connected>();
  fact.connection = name(body.socket);
  fact.peer = to_address(body.peer);
  fact.local = to_address(body.local);
  fact.type = body.type;
  fact.error = body.error;
}

void FactReader::fill(const RecordView&, const abi::ConnectResult& body) {
  fresh<event::ConnectFinished>() = {name(body.socket), body.error};
}

void FactReader::fill(const RecordView&, const abi::Pair& body) {
  fresh<event::Paired>() = {name(body.first), name(body.second)};
}

void FactReader::fill(const RecordView&, const abi::Shutdown& body) {
  fresh<event::ShutDown>() = {name(body.socket), body.how, body.error};
}

void FactReader::fill(const RecordView&, const abi::Close& body) {
  fresh<event::Closed>() = {name(body.socket), body.unread};
}

void FactReader::fill(const RecordView& record, const abi::BytesIn& body) {
  auto& fact = fresh<event::BytesReceived>();
  fact.connection = name(body.socket);
  fact.offset = body.offset;
  fact.requested = body.requested;
  fact.error = body.error;
  fact.continues = record.has(abi::kContinues);
  assign(fact.bytes, first(record.tail<abi::BytesIn>(), body.length));
}

void FactReader::fill(const RecordView& record, const abi::SendIntent& body) {
  auto& fact = fresh<event::SendIntended>();
  fact.connection = name(body.socket);
  fact.offset = body.offset;
  fact.continues = record.has(abi::kContinues);
  assign(fact.bytes, first(record.tail<abi::SendIntent>(), body.length));
}

void FactReader::fill(const RecordView&, const abi::SendResult& body) {
  fresh<event::SendFinished>() = {name(body.socket), body.offset, body.result, body.error};
}

void FactReader::fill(const RecordView& record, const abi::FileRange& body) {
  auto& fact = fresh<event::FileRangeSent>();
  auto tail = record.tail<abi::FileRange>();
  fact.connection = name(body.socket);
  fact.offset = body.offset;
  fact.path = paths_.of(body, take_string(tail));
  fact.device = body.device;
  fact.inode = body.inode;
  fact.file_size = body.file_size;
  fact.modified_ns = body.modified_ns;
  fact.file_offset = body.file_offset;
  fact.length = body.length;
  fact.content.reset();
}

void FactReader::fill(const RecordView& record, const abi::Wait& body) {
  auto& fact = fresh<event::Waited>();
  const std::uint32_t kind = std::clamp<std::uint32_t>(record.source(), 1, 3);
  fact.kind = static_cast<event::Waited::Kind>(kind);
  fact.timeout_ns = body.timeout_ns;
  fact.result = body.result;
  fact.error = body.error;
  fact.others = body.others;
  fact.ready.clear();
  auto tail = record.tail<abi::Wait>();
  for (std::uint32_t i = 0; i < body.ready && tail.size() >= sizeof(abi::Ready); ++i) {
    abi::Ready ready;
    std::memcpy(&ready, tail.data(), sizeof ready);
    tail = tail.subspan(sizeof ready);
    // One that nothing was said of yet (a datagram socket) gets no number for being waited for.
    const ConnectionState* known = connections_.find(ready.socket);
    fact.ready.push_back({known == nullptr ? event::ConnectionId{} : known->info.id,
                          (ready.flags & abi::kReadable) != 0, (ready.flags & abi::kWritable) != 0,
                          (ready.flags & abi::kHangup) != 0, (ready.flags & abi::kFailed) != 0});
  }
}

void FactReader::fill(const RecordView& record, const abi::Clock& body) {
  auto& fact = fresh<event::ClockRead>();
  fact.source = record.source();
  fact.value_ns = body.value_ns;
  fact.caller = body.caller;
  fact.substituted = record.has(abi::kSubstituted);
  fact.relaxed = record.has(abi::kRelaxed);
}

void FactReader::fill(const RecordView& record, const abi::Random& body) {
  auto& fact = fresh<event::RandomDrawn>();
  fact.source = record.source();
  fact.caller = body.caller;
  fact.error = body.error;
  fact.substituted = record.has(abi::kSubstituted);
  fact.relaxed = record.has(abi::kRelaxed);
  assign(fact.bytes, first(record.tail<abi::Random>(), body.length));
}

void FactReader::fill(const RecordView& record, const abi::Lookup& body) {
  auto& fact = fresh<event::LookedUp>();
  auto tail = record.tail<abi::Lookup>();
  fact = {};
  fact.node = take_string(tail);
  fact.service = take_string(tail);
  if (body.canonical_name != 0) fact.canonical_name = take_string(tail);
  fact.family = body.family;
  fact.type = body.type;
  fact.protocol = body.protocol;
  fact.flags = body.flags;
  fact.result = body.result;
  fact.error = body.error;
  for (std::uint32_t i = 0; i < body.count && tail.size() >= sizeof(abi::LookupAddress); ++i) {
    abi::LookupAddress address;
    std::memcpy(&address, tail.data(), sizeof address);
    tail = tail.subspan(sizeof address);
    fact.addresses.push_back(
        {address.family, address.type, address.protocol, to_address(address.address)});
  }
}

void FactReader::fill(const RecordView& record, const abi::Log& body) {
  auto& fact = fresh<event::LogWritten>();
  fact.stream = record.source();
  assign(fact.bytes, first(record.tail<abi::Log>(), body.length));
}

void FactReader::fill(const RecordView&, const abi::Gap& body) {
  fresh<event::Gap>() = {body.records, body.bytes, "the arena was full"};
}

void FactReader::fill(const RecordView&, const abi::Leak& body) {
  fresh<event::LeakSeen>() = {body.system_call, body.instruction};
}

void FactReader::fill(const RecordView& record, const abi::FileOpened& body) {
  auto tail = record.tail<abi::FileOpened>();
  fresh<event::FileOpened>() = {std::string(take_string(tail)),
                                body.device,
                                body.inode,
                                body.file_size,
                                body.modified_ns,
                                std::nullopt};
}

void FactReader::fill(const RecordView& record, const abi::Tls& body) {
  auto& fact = fresh<event::TlsNegotiated>();
  auto tail = record.tail<abi::Tls>();
  fact.connection = name(body.socket);
  fact.in_offset = body.in_offset;
  fact.out_offset = body.out_offset;
  fact.version = body.version;
  fact.client = body.client != 0;
  fact.resumed = body.resumed != 0;
  fact.verdict = body.verdict;
  fact.error = body.error;
  fact.server_name = take_string(tail);
  fact.protocol = take_string(tail);
  fact.cipher = take_string(tail);
  assign(fact.certificates, first(tail, body.certificate_bytes));
}

}  // namespace reprise::recorder
