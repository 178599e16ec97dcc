#include "replayer/control.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <climits>
#include <cstring>
#include <new>
#include <utility>

namespace reprise::replayer {
namespace {

// What one clock read too many adds to the last value: more than a clock read takes, less than any
// work does.
constexpr std::uint64_t kClockStepNs = 100;
// Any constant does; it only has to be the same in every replay.
constexpr std::uint64_t kDrawSeed = 0x5265'7072'6973'6531;

constexpr std::uint64_t align(std::uint64_t offset) { return (offset + 63) & ~std::uint64_t{63}; }

template <typename Word>
void futex_wake(std::atomic<Word>& word) {
  ::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

struct Sizes {
  std::uint32_t links = 0;
  std::uint32_t mailboxes = 0;
};

// Connections of the service that are open at once; one that finds no link is served without marks.
std::uint32_t links_for(const Plan& plan) {
  constexpr std::size_t kSpare = 256;
  constexpr std::size_t kMost = 32768;
  return static_cast<std::uint32_t>(std::min(plan.connections.size() + kSpare, kMost));
}

void lay_out(abi::ControlHeader& header, const Sizes& sizes, const Tape& tape) {
  header.magic = abi::kControlMagic;
  header.abi_version = abi::kAbiVersion;
  header.link_count = sizes.links;
  header.mailbox_count = sizes.mailboxes;
  header.entry_count = static_cast<std::uint32_t>(tape.entries.size());
  header.links_offset = align(sizeof(abi::ControlHeader));
  header.mailboxes_offset = align(header.links_offset + sizes.links * sizeof(abi::Link));
  header.gates_offset = align(header.mailboxes_offset + sizes.mailboxes * sizeof(abi::Mailbox));
  header.entries_offset = align(header.gates_offset + sizes.mailboxes * sizeof(abi::Gate));
  header.draws_offset = align(header.entries_offset + tape.entries.size() * sizeof(abi::TapeEntry));
  header.tape_bytes_offset = align(header.draws_offset + tape.draws.size() * sizeof(abi::TapeDraw));
  header.control_bytes = align(header.tape_bytes_offset + tape.bytes.size() + 1);
  header.clock_step_ns = kClockStepNs;
  header.draw_seed = kDrawSeed;
}

Error cannot(const char* what, const std::string& path, int error) {
  return {Error::Kind::kEnvironment, std::string("cannot ") + what + " the control file " + path +
                                         ": " + std::strerror(error) +
                                         (error == ENOSPC ? "; free some space there" : "")};
}

template <typename T>
void copy_to(void* base, std::uint64_t offset, const std::vector<T>& values) {
  if (!values.empty()) {
    std::memcpy(abi::arena_array<std::byte>(base, offset), values.data(),
                values.size() * sizeof(T));
  }
}

}  // namespace

tl::expected<Control, Error> Control::create(const std::string& path, std::uint32_t thread_slots,
                                             const Plan& plan) {
  const Sizes sizes{links_for(plan), thread_slots};
  const Tape& tape = plan.tape;
  abi::ControlHeader layout{};
  lay_out(layout, sizes, tape);
  const std::uint64_t bytes = layout.control_bytes;
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return tl::unexpected(cannot("make", path, errno));
  Control control;
  control.path_ = path;
  const int allocated = ::posix_fallocate(file, 0, static_cast<off_t>(bytes));
  void* base = MAP_FAILED;
  if (allocated == 0) base = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  const int error = allocated != 0 ? allocated : errno;
  ::close(file);
  if (base == MAP_FAILED) return tl::unexpected(cannot("allocate", path, error));
  control.base_ = base;
  control.bytes_ = bytes;
  abi::ControlHeader& header = *new (base) abi::ControlHeader{};
  lay_out(header, sizes, tape);
  plan.header.host.copy(header.host_name, sizeof header.host_name - 1);
  copy_to(base, layout.entries_offset, tape.entries);
  copy_to(base, layout.draws_offset, tape.draws);
  copy_to(base, layout.tape_bytes_offset, tape.bytes);
  for (std::uint32_t link = sizes.links; link > 0; --link) control.free_links_.push_back(link - 1);
  return control;
}

Control::Control(Control&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      base_(std::exchange(other.base_, nullptr)),
      bytes_(other.bytes_),
      free_links_(std::move(other.free_links_)) {}

Control::~Control() {
  if (base_ != nullptr) ::munmap(base_, bytes_);
  if (!path_.empty()) ::unlink(path_.c_str());
}

void Control::set_mode(unsigned mode) { ::chmod(path_.c_str(), mode); }

LinkId Control::open_link(abi::LinkRole role, std::uint64_t recorded, const abi::Mark& opening,
                          const RecordedTls* tls) {
  const std::lock_guard lock(links_mutex_);
  if (free_links_.empty()) return {};
  const LinkId id{free_links_.back()};
  free_links_.pop_back();
  abi::Link& link = abi::links(base_)[id.value];
  link.accepted.store(0, std::memory_order_relaxed);
  link.recorded = recorded;
  link.tls_verdict = tls == nullptr ? 0 : tls->verdict;
  link.tls_certificates = tls == nullptr ? 0 : tls->certificates_on_tape;
  link.tls_certificate_bytes =
      tls == nullptr ? 0 : static_cast<std::uint32_t>(tls->certificates.size());
  link.opening = opening;
  link.marks.store(0, std::memory_order_relaxed);
  link.role = role;
  return id;
}

void Control::close_link(LinkId link) {
  if (!link) return;
  const std::lock_guard lock(links_mutex_);
  abi::links(base_)[link.value].role = abi::LinkRole::kFree;
  free_links_.push_back(link.value);
}

bool Control::publish(LinkId id, const abi::Mark& mark, std::uint64_t consumed) {
  if (!id) return true;
  abi::Link& link = abi::links(base_)[id.value];
  const std::uint32_t marks = link.marks.load(std::memory_order_relaxed);
  // The slot to be overwritten, and the one after it, must be behind what was read: the agent still
  // stands at the last mark not beyond its offset.
  if (marks >= abi::kMarks && link.ring[(marks + 1) % abi::kMarks].offset > consumed) return false;
  link.ring[marks % abi::kMarks] = mark;
  link.marks.store(marks + 1, std::memory_order_release);
  return true;
}

bool Control::asked(std::uint32_t slot) const {
  return abi::mailboxes(base_)[slot].state.load(std::memory_order_acquire) ==
         abi::MailState::kAsked;
}

const abi::Mailbox& Control::question(std::uint32_t slot) const {
  return abi::mailboxes(base_)[slot];
}

void Control::answer(std::uint32_t slot, std::span<const std::byte> body) {
  abi::Mailbox& mailbox = abi::mailboxes(base_)[slot];
  assert(body.size() <= sizeof(mailbox.payload));
  std::memcpy(mailbox.payload, body.data(), body.size());
  mailbox.length = static_cast<std::uint32_t>(body.size());
  reply(slot, abi::MailState::kAnswered);
}

void Control::refuse(std::uint32_t slot) { reply(slot, abi::MailState::kRefused); }

void Control::reply(std::uint32_t slot, abi::MailState state) {
  abi::Mailbox& mailbox = abi::mailboxes(base_)[slot];
  mailbox.state.store(state, std::memory_order_release);
  futex_wake(mailbox.state);
}

void Control::take_turns() { mutable_header().one_at_a_time.store(1, std::memory_order_release); }

void Control::open_gate(std::uint32_t slot, std::int64_t horizon_ns) {
  mutable_header().horizon_ns.store(horizon_ns, std::memory_order_release);
  abi::Gate& gate = abi::gates(base_)[slot];
  gate.passes.fetch_add(1, std::memory_order_release);
  futex_wake(gate.passes);
}

void Control::set_clock(std::int64_t monotonic_ns, std::int64_t realtime_ns) {
  abi::ControlHeader& header = mutable_header();
  header.realtime_ns.store(realtime_ns, std::memory_order_relaxed);
  header.monotonic_ns.store(monotonic_ns, std::memory_order_release);
  header.clock_moves.fetch_add(1, std::memory_order_release);
}

void Control::wake_sleepers() {
  mutable_header().clock_fires.fetch_add(1, std::memory_order_release);
  futex_wake(mutable_header().clock_moves);
}

void Control::want_leak_watch() {
  mutable_header().leak_watch.store(abi::LeakWatch::kWanted, std::memory_order_release);
}

void Control::let_time_run() {
  mutable_header().real_time.store(1, std::memory_order_release);
  mutable_header().clock_moves.fetch_add(1, std::memory_order_release);
  wake_sleepers();
  if (mutable_header().one_at_a_time.exchange(0, std::memory_order_acq_rel) == 0) return;
  for (std::uint32_t slot = 0; slot < header().mailbox_count; ++slot) {
    open_gate(slot, abi::kAwake);
  }
}

}  // namespace reprise::replayer
