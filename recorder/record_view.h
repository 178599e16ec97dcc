// A record of agent/abi/records.h read in place.
//
// The bytes lie in memory that the service can write: a corrupted one may change them while they
// are read. So the size is read once and checked by the drain, bodies are copied out before their
// fields are used, and tails are bounded by the size. Contents may then be nonsense, but nothing
// reaches outside the record. A view is valid as long as the record's segment is not given back.
//
// A brief record (abi::kBrief) means something together with what it names only: whoever makes the
// view finds that and says so, and from then on the view is like one of a whole record.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "agent/abi/records.h"

namespace reprise::recorder {

class RecordView {
 public:
  RecordView() = default;
  // `size` bytes at `record`, which is what size_of() says.
  RecordView(const std::byte* record, std::uint32_t size) : record_(record), size_(size) {
    if (size == sizeof(abi::Compact)) {
      read_compact();
      return;
    }
    std::memcpy(&word_, record + offsetof(abi::RecordHeader, type), sizeof word_);
    std::memcpy(&enter_, record + offsetof(abi::RecordHeader, enter), sizeof enter_);
    if (is_brief()) read_earlier();
  }
  // Bytes of the record that begins with `word`, in so much room; 0 when there can be none.
  static constexpr std::uint32_t size_of(std::uint32_t word, std::size_t room) {
    const std::uint32_t size = abi::record_size(word);
    const std::size_t least = size == word ? sizeof(abi::RecordHeader) : sizeof(abi::Compact);
    return size >= least && size % 8 == 0 && size <= room ? size : 0;
  }

  // What a compact record names; length 0 when it is damaged.
  static constexpr abi::Earlier named_by(const abi::Compact& compact) {
    const bool clock = compact.type == abi::RecordType::kClock;
    if ((compact.flags & abi::kBrief) == 0) return {};
    if (!clock && compact.type != abi::RecordType::kSendResult) return {};
    const abi::Earlier earlier{std::uint32_t{8} * compact.back, clock ? kWholeClock : kIntent};
    return earlier.length <= earlier.back ? earlier : abi::Earlier{};
  }

  explicit operator bool() const { return record_ != nullptr; }
  const std::byte* address() const { return record_; }
  std::uint32_t size() const { return size_; }
  abi::RecordType type() const { return static_cast<abi::RecordType>(word_.type); }
  bool has(abi::RecordFlags flag) const { return (word_.flags & flag) != 0; }
  bool is_brief() const { return has(abi::kBrief); }
  // It has no header, and no stamp before it is resolved.
  bool is_compact() const { return size_ == sizeof(abi::Compact); }
  std::uint8_t source() const { return word_.source; }
  std::uint64_t enter() const { return enter_; }
  // Stamp after the call, for types that have one; else `enter`.
  std::uint64_t exit() const {
    if (is_compact()) return is_result() && !named_.empty() ? result_.exit : enter_;
    if (!has_exit(type()) || size_ < sizeof(abi::RecordHeader) + sizeof(std::uint64_t))
      return enter_;
    std::uint64_t exit = 0;
    std::memcpy(&exit, record_ + sizeof(abi::RecordHeader), sizeof exit);
    return exit;
  }

  // What a brief record names: bytes that begin `back` in front of it. Length 0 when it is damaged.
  const abi::Earlier& earlier() const { return earlier_; }
  // They were found, at `named`. Ticks are those of stamps.
  void resolve(const std::byte* named, std::uint64_t ticks_per_second) {
    named_ = {reinterpret_cast<const std::uint8_t*>(named), earlier_.length};
    if (type() == abi::RecordType::kClock) resolve_clock(ticks_per_second);
    if (is_compact() && is_result()) resolve_result();
  }
  // Of a record in its segment: they lie in front of it.
  void resolve_in_place(std::uint64_t ticks_per_second) {
    resolve(record_ - earlier_.back, ticks_per_second);
  }
  std::span<const std::uint8_t> named() const { return named_; }
  // A brief clock read has a stamp that may be a little too early: not before `stamp`, that of the
  // record in front of it.
  void not_before(std::uint64_t stamp) {
    if (is_brief() && type() == abi::RecordType::kClock) enter_ = std::max(enter_, stamp);
  }

  // The same record as it would have been written if it were not brief.
  std::vector<std::byte> written_out() const;

  // Copies the body out; false when the record is too short to have one.
  [[nodiscard]] bool read(abi::Clock& body) const {
    if (!is_brief()) return read<abi::Clock>(body);
    body = clock_;
    return !named_.empty();
  }
  [[nodiscard]] bool read(abi::SendResult& body) const {
    if (!is_brief()) return read<abi::SendResult>(body);
    body = result_;
    return !named_.empty();
  }
  template <typename Body>
  [[nodiscard]] bool read(Body& body) const {
    static_assert(std::is_trivially_copyable_v<Body>);
    if (size_ < sizeof(abi::RecordHeader) + sizeof(Body)) return false;
    std::memcpy(&body, record_ + sizeof(abi::RecordHeader), sizeof(Body));
    return true;
  }

  // What follows a body of that type, without the padding.
  template <typename Body>
  std::span<const std::uint8_t> tail() const {
    if (is_brief()) return named_;
    return tail_behind(sizeof(abi::RecordHeader) + sizeof(Body));
  }
  // What follows the header, for records without a body.
  std::span<const std::uint8_t> tail() const { return tail_behind(sizeof(abi::RecordHeader)); }

  // Whether records of this type begin their body with an exit stamp.
  static constexpr bool has_exit(abi::RecordType type) {
    switch (type) {
      case abi::RecordType::kProcessStart:
      case abi::RecordType::kFork:
      case abi::RecordType::kAccept:
      case abi::RecordType::kConnect:
      case abi::RecordType::kBytesIn:
      case abi::RecordType::kSendResult:
      case abi::RecordType::kWait:
      case abi::RecordType::kLookup:
      case abi::RecordType::kTls:
        return true;
      default:
        return false;
    }
  }

 private:
  bool is_result() const { return type() == abi::RecordType::kSendResult; }

  static constexpr std::uint32_t kIntent = sizeof(abi::RecordHeader) + sizeof(abi::SendIntent);
  static constexpr std::uint32_t kWholeClock = sizeof(abi::RecordHeader) + sizeof(abi::Clock);
  struct Word {
    std::uint8_t type = 0, flags = 0, padding = 0, source = 0;
  };
  static_assert(offsetof(abi::RecordHeader, source) == offsetof(abi::RecordHeader, type) + 3);

  // Until it is resolved, what a compact record says is in place of a stamp: in the lower half how
  // many bytes back, in the upper one how much later. Brief clock reads of version 2 had a header
  // and were so themselves.
  void read_compact() {
    abi::Compact compact;
    std::memcpy(&compact, record_, sizeof compact);
    word_.type = static_cast<std::uint8_t>(compact.type);
    word_.flags = compact.flags | abi::kBrief;
    if ((compact.flags & abi::kBrief) == 0) return;  // damage
    enter_ = std::uint64_t{compact.later >> 3} << 32 | std::uint32_t{8} * compact.back;
    earlier_ = named_by(compact);
  }
  // Of the record without its padding.
  std::size_t exact_size() const { return size_ - (word_.padding & 7u); }
  void read_earlier() {
    abi::Earlier earlier{};
    if (type() == abi::RecordType::kClock) {
      earlier = {static_cast<std::uint32_t>(enter_), kWholeClock};
    } else if (exact_size() >= sizeof(abi::RecordHeader) + sizeof earlier) {
      std::memcpy(&earlier, record_ + exact_size() - sizeof earlier, sizeof earlier);
    }
    if (earlier.length <= earlier.back) earlier_ = earlier;
  }
  void resolve_clock(std::uint64_t ticks_per_second) {
    const RecordView whole(reinterpret_cast<const std::byte*>(named_.data()), kWholeClock);
    (void)whole.read<abi::Clock>(clock_);  // it is long enough
    word_.source = whole.source();
    // Where that runs over, which none does that an agent wrote, it is a number like any other.
    const std::uint64_t later_ns = enter_ >> 32;
    clock_.value_ns =
        static_cast<std::int64_t>(static_cast<std::uint64_t>(clock_.value_ns) + later_ns);
    enter_ = whole.enter() + later_ns * ticks_per_second / 1'000'000'000;
  }

  void resolve_result() {
    const RecordView intent(reinterpret_cast<const std::byte*>(named_.data()), kIntent);
    abi::SendIntent body;
    if (intent.type() != abi::RecordType::kSendIntent || !intent.read(body)) {
      named_ = {};  // damage: it cannot be read
      return;
    }
    const std::uint64_t later = enter_ >> 32;
    enter_ = intent.enter();
    result_ = {enter_ + later, body.socket, body.offset, body.length, 0, 0};
  }

  std::span<const std::uint8_t> tail_behind(std::size_t offset) const {
    const std::size_t end = exact_size();
    if (end <= offset) return {};
    return {reinterpret_cast<const std::uint8_t*>(record_) + offset, end - offset};
  }

  const std::byte* record_ = nullptr;
  std::uint32_t size_ = 0;
  Word word_;
  std::uint64_t enter_ = 0;
  abi::Earlier earlier_{};
  std::span<const std::uint8_t> named_;
  // Of a brief one that was resolved, which has a name.
  union {
    abi::Clock clock_;
    abi::SendResult result_;
  };
};

// Consecutive records of one thread as they lie in its segment. Brief ones name what lies before
// them there. Valid as long as the segment is not given back.
struct RecordRun {
  std::uint32_t slot = 0;      // ThreadSlot
  std::uint64_t position = 0;  // of the first, in the thread's stream
  std::span<const std::byte> bytes;
  // Where in `bytes` those are that are no compact clock reads.
  std::span<const std::uint32_t> others;
  std::uint64_t types = 0;       // a bit for each RecordType that there may be
  std::uint64_t named_from = 0;  // no position before it is named
  std::uint64_t after = 0;       // stamp of what came before

  // The record `at` bytes from the front, as a whole one; as it is when what it names is not there,
  // since the service may have overwritten it meanwhile. Ticks are those of stamps.
  void resolve(RecordView& record, std::size_t at, std::uint64_t ticks_per_second) const {
    const abi::Earlier& earlier = record.earlier();
    if (earlier.length == 0 || earlier.back > position + at - named_from) return;
    record.resolve_in_place(ticks_per_second);
  }
};

[[nodiscard]] constexpr std::uint64_t type_bit(abi::RecordType type) {
  const auto number = static_cast<unsigned>(type);
  return number < 64 ? std::uint64_t{1} << number : 0;
}

// The record that begins `at` bytes from their front; an empty view when none can.
[[nodiscard]] inline RecordView record_at(std::span<const std::byte> bytes, std::size_t at) {
  if (at > bytes.size() || bytes.size() - at < sizeof(abi::Compact)) return {};
  std::uint32_t word = 0;
  std::memcpy(&word, bytes.data() + at, sizeof word);
  const std::uint32_t size = RecordView::size_of(word, bytes.size() - at);
  return size == 0 ? RecordView() : RecordView(bytes.data() + at, size);
}

// visit(offset, record) for each record in `bytes`; brief ones are to be resolved. Returns how many
// bytes at the end are no record.
template <typename Visit>
std::size_t each_record_in(std::span<const std::byte> bytes, Visit visit) {
  std::size_t at = 0;
  while (const RecordView record = record_at(bytes, at)) {
    visit(at, record);
    at += record.size();
  }
  return bytes.size() - at;
}

// visit(position, record) for each record of a run, as whole ones. Ticks are those of stamps.
template <typename Visit>
void each_record_in(const RecordRun& run, std::uint64_t ticks_per_second, Visit visit) {
  std::uint64_t last = run.after;
  each_record_in(run.bytes, [&](std::size_t at, RecordView record) {
    run.resolve(record, at, ticks_per_second);
    record.not_before(last);
    last = record.exit();
    visit(run.position + at, record);
  });
}

// That calls of the agent's are forbidden is told to whoever records; of the service it says
// nothing.
inline bool tells_of_sandbox(const RecordView& record) {
  return record.type() == abi::RecordType::kGap &&
         record.source() == static_cast<std::uint8_t>(abi::GapReason::kSandbox);
}

// The zero-terminated string at the front of `tail`, which is moved behind it. A tail without a
// terminator is taken whole.
inline std::string_view take_string(std::span<const std::uint8_t>& tail) {
  const auto* begin = reinterpret_cast<const char*>(tail.data());
  const std::size_t length = tail.empty() ? 0 : ::strnlen(begin, tail.size());
  tail = tail.subspan(length < tail.size() ? length + 1 : length);
  return {begin, length};
}

}  // namespace reprise::recorder
