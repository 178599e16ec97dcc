#include "recorder/testing/synthetic_service.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <bit>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "recorder/session_directory.h"

namespace reprise::recorder {

abi::SocketAddress loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  abi::SocketAddress result{};
  result.length = sizeof address;
  std::memcpy(result.bytes, &address, sizeof address);
  return result;
}

SyntheticService::SyntheticService(std::uint64_t arena_bytes) {
  SessionNotes notes;
  notes.session = random_hex(32);
  auto directory = SessionDirectory::create("/tmp", notes);
  if (!directory) throw std::runtime_error(directory.error().message);
  directory_ = std::make_unique<SessionDirectory>(std::move(*directory));
  // CLOCK_MONOTONIC: nothing to measure.
  auto arena = Arena::create(*directory_, ArenaGeometry::for_bytes(arena_bytes), StampClock{}, 0);
  if (!arena) throw std::runtime_error(arena.error().message);
  arena_ = std::make_unique<Arena>(std::move(*arena));
}

SyntheticService::~SyntheticService() { directory_->remove(); }

std::uint32_t SyntheticService::add_process(std::uint32_t parent, std::uint32_t ordinal) {
  for (std::uint32_t slot = 0; slot < arena_->geometry().process_count; ++slot) {
    abi::ProcessSlot& entry = arena_->process(slot);
    if (entry.state.load() != abi::ProcessState::kFree) continue;
    entry.pid = -1;
    entry.parent = parent;
    entry.ordinal = ordinal;
    entry.started_stamp = tick();
    entry.state.store(abi::ProcessState::kLive);
    return slot;
  }
  throw std::runtime_error("no process slot is free");
}

SyntheticThread& SyntheticService::add_thread(std::uint32_t process, std::uint32_t ordinal,
                                              std::uint32_t creator) {
  threads_.emplace_back(new SyntheticThread(*this, process, ordinal, creator));
  threads_.back()->write(abi::RecordType::kThreadStart, abi::ThreadStart{ordinal, creator, -1, 0});
  return *threads_.back();
}

SyntheticService::Offsets& SyntheticService::offsets(abi::Cookie socket) {
  for (auto& [cookie, offsets] : offsets_) {
    if (cookie == socket) return offsets;
  }
  offsets_.reserve(1024);  // references stay good
  return offsets_.emplace_back(socket, Offsets{}).second;
}

SyntheticThread::SyntheticThread(SyntheticService& service, std::uint32_t process,
                                 std::uint32_t ordinal, std::uint32_t creator)
    : service_(service), slot_(0), process_(process) {
  Arena& arena = service.arena();
  while (arena.thread(slot_).claim.load() != abi::ThreadClaim::kFree) ++slot_;
  abi::ThreadSlot& entry = arena.thread(slot_);
  entry.process = process;
  entry.ordinal = ordinal;
  entry.creator = creator;
  entry.tid = -1;
  entry.segment.store(abi::kNone);
  entry.claim.store(abi::ThreadClaim::kLive);
}

void SyntheticThread::open_segment() {
  Arena& arena = service_.arena();
  for (std::uint32_t word = 0; word < abi::kFreeMapWords; ++word) {
    const std::uint64_t free = arena.header().free_map[word].load();
    if (free == 0) continue;
    const auto bit = static_cast<std::uint32_t>(std::countr_zero(free));
    arena.header().free_map[word].fetch_and(~(std::uint64_t{1} << bit));
    segment_ = word * 64 + bit;
    offset_ = 0;
    payloads_.clear();
    abi::SegmentHeader& header = arena.segment(segment_);
    header.thread = slot_;
    header.process = process_;
    header.base_position = base_;
    header.reserved.store(0);
    header.sealed.store(0);
    header.published.store(1);
    return;
  }
  throw std::runtime_error("the synthetic service filled its arena");
}

void SyntheticThread::prepare_bytes(abi::RecordType type, std::span<const std::byte> body,
                                    std::string_view tail, std::uint8_t flags,
                                    std::uint8_t source) {
  const auto exact =
      static_cast<std::uint32_t>(sizeof(abi::RecordHeader) + body.size() + tail.size());
  const std::uint32_t size = (exact + 7) & ~7u;
  make_room(size);
  std::byte* record = service_.arena().bytes(segment_) + offset_;
  auto& header = *reinterpret_cast<abi::RecordHeader*>(record);
  header.type = type;
  header.flags = flags;
  header.padding = static_cast<std::uint8_t>(size - exact);
  header.source = source;
  header.enter = service_.tick();
  std::byte* after = record + sizeof header;
  if (!body.empty()) std::memcpy(after, body.data(), body.size());
  if (!tail.empty()) std::memcpy(after + body.size(), tail.data(), tail.size());
  offset_ += size;
  service_.arena().segment(segment_).reserved.store(offset_);
  uncommitted_ = record;
  uncommitted_size_ = size;
}

void SyntheticThread::make_room(std::uint32_t size) {
  if (segment_ == abi::kNone) open_segment();
  if (offset_ + size <= service_.arena().geometry().segment_bytes) return;
  seal();
  open_segment();
}

void SyntheticThread::write_payload(abi::RecordType type, std::span<const std::byte> body,
                                    std::string_view payload) {
  constexpr std::size_t kLeastRepeated = 32;
  const auto fixed = static_cast<std::uint32_t>(sizeof(abi::RecordHeader) + body.size());
  make_room(fixed + static_cast<std::uint32_t>(payload.size()) + 7);
  const auto known = payloads_.find(payload);
  if (known != payloads_.end()) {
    const abi::Earlier earlier{offset_ - known->second, static_cast<std::uint32_t>(payload.size())};
    prepare_bytes(type, body, {reinterpret_cast<const char*>(&earlier), sizeof earlier},
                  abi::kBrief, 0);
  } else {
    if (payload.size() >= kLeastRepeated) payloads_.emplace(payload, offset_ + fixed);
    prepare_bytes(type, body, payload, 0, 0);
  }
  commit();
}

void SyntheticThread::commit() {
  uncommitted().size.store(uncommitted_size_, std::memory_order_release);
}

void SyntheticThread::seal() {
  if (segment_ == abi::kNone) return;
  service_.arena().segment(segment_).sealed.store(1 + offset_);
  base_ += offset_;
  offset_ = 0;
  segment_ = abi::kNone;
}

void SyntheticThread::end() {
  seal();
  service_.arena().thread(slot_).claim.store(abi::ThreadClaim::kEnded);
}

void SyntheticThread::accept(abi::Cookie listener, abi::Cookie socket, std::uint16_t port,
                             std::uint16_t peer_port) {
  abi::Accept body{};
  body.exit = service_.tick();
  body.listener = listener;
  body.socket = socket;
  body.local = loopback(port);
  body.peer = loopback(peer_port);
  write(abi::RecordType::kAccept, body);
}

void SyntheticThread::connect(abi::Cookie socket, std::uint16_t local_port, std::uint16_t port,
                              int error) {
  abi::Connect body{};
  body.exit = service_.tick();
  body.socket = socket;
  body.error = error;
  body.type = SOCK_STREAM;
  body.peer = loopback(port);
  body.local = loopback(local_port);
  write(abi::RecordType::kConnect, body);
}

void SyntheticThread::receive(abi::Cookie socket, std::string_view bytes, int error) {
  abi::BytesIn body{};
  body.exit = service_.tick();
  body.socket = socket;
  body.offset = service_.offsets(socket).in;
  body.requested = 4096;
  body.error = error;
  body.length = static_cast<std::uint32_t>(bytes.size());
  service_.offsets(socket).in += bytes.size();
  write_payload(abi::RecordType::kBytesIn, std::as_bytes(std::span(&body, 1)), bytes);
}

void SyntheticThread::receive_at(abi::Cookie socket, std::uint64_t offset, std::string_view bytes) {
  service_.offsets(socket).in = offset;
  receive(socket, bytes);
}

void SyntheticThread::intend(abi::Cookie socket, std::string_view bytes) {
  SyntheticService::Offsets& offsets = service_.offsets(socket);
  offsets.intended = offsets.out;
  const abi::SendIntent body{socket, offsets.out, static_cast<std::uint32_t>(bytes.size()), 0};
  write_payload(abi::RecordType::kSendIntent, std::as_bytes(std::span(&body, 1)), bytes);
  last_intent_ = static_cast<std::uint32_t>(uncommitted_ - service_.arena().bytes(segment_));
  behind_intent_ = offset_;
  intent_stamp_ = uncommitted().enter;
  intended_ = bytes.size();
}

void SyntheticThread::finish_send(abi::Cookie socket, std::int64_t accepted, int error) {
  SyntheticService::Offsets& offsets = service_.offsets(socket);
  const std::uint64_t stamp = service_.tick();
  const bool whole = accepted == static_cast<std::int64_t>(intended_);
  if (whole && segment_ != abi::kNone && offset_ == behind_intent_) {
    const auto later = static_cast<std::uint32_t>(stamp - intent_stamp_);
    compact({later << 3 | abi::kCompactMark, abi::RecordType::kSendResult, abi::kBrief,
             static_cast<std::uint16_t>((offset_ - last_intent_) / 8)});
  } else {
    write(abi::RecordType::kSendResult,
          abi::SendResult{stamp, socket, offsets.intended, accepted, error, 0});
  }
  if (accepted > 0) offsets.out = offsets.intended + static_cast<std::uint64_t>(accepted);
}

void SyntheticThread::send(abi::Cookie socket, std::string_view bytes) {
  intend(socket, bytes);
  finish_send(socket, static_cast<std::int64_t>(bytes.size()));
}

void SyntheticThread::wait(std::vector<abi::Cookie> ready) {
  std::string tail;
  for (const abi::Cookie socket : ready) {
    const abi::Ready entry{socket, abi::kReadable, 0};
    tail.append(reinterpret_cast<const char*>(&entry), sizeof entry);
  }
  abi::Wait body{};
  body.exit = service_.tick();
  body.timeout_ns = -1;
  body.result = static_cast<std::int32_t>(ready.size());
  body.ready = static_cast<std::uint32_t>(ready.size());
  write(abi::RecordType::kWait, body, tail, 0, static_cast<std::uint8_t>(abi::WaitKind::kEpoll));
}

void SyntheticThread::clock(std::int64_t value_ns) {
  make_room(sizeof(abi::RecordHeader) + sizeof(abi::Clock));
  last_clock_ = offset_;
  last_value_ = value_ns;
  write(abi::RecordType::kClock, abi::Clock{value_ns, 0});
}

void SyntheticThread::clock_later(std::uint32_t later_ns) {
  const bool fits = offset_ + sizeof(abi::Compact) <= service_.arena().geometry().segment_bytes;
  if (!fits) return clock(last_value_ + later_ns);
  compact({later_ns << 3 | abi::kCompactMark, abi::RecordType::kClock, abi::kBrief,
           static_cast<std::uint16_t>((offset_ - last_clock_) / 8)});
}

void SyntheticThread::compact(const abi::Compact& record) {
  make_room(sizeof record);
  std::memcpy(service_.arena().bytes(segment_) + offset_, &record, sizeof record);
  offset_ += sizeof record;
  service_.arena().segment(segment_).reserved.store(offset_);
}

void SyntheticThread::close(abi::Cookie socket) {
  write(abi::RecordType::kClose, abi::Close{socket, 0});
}

void SyntheticThread::gap(std::uint64_t records) {
  write(abi::RecordType::kGap, abi::Gap{records, records * 100});
}

}  // namespace reprise::recorder
