#include "agent/world/substitute/testing/test_replay.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

namespace reprise::agent::testing {
namespace {

constexpr std::uint32_t kLinks = 16;
// A service that says nothing for so long is stuck. Only a failing test waits for it.
constexpr int kPatienceSeconds = 20;

std::size_t round_up(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

[[noreturn]] void fail(const char* what) {
  perror(what);
  abort();
}

std::size_t draws_in(const std::vector<TestEntry>& tape) {
  std::size_t count = 0;
  for (const TestEntry& entry : tape) count += entry.ready.size() + entry.io.size();
  return count;
}

std::size_t bytes_in(const std::vector<TestEntry>& tape) {
  std::size_t count = 0;
  for (const TestEntry& entry : tape) {
    for (const auto* part : {&entry.ready, &entry.io}) {
      for (const TestDraw& draw : *part) count += draw.bytes.size();
    }
  }
  return count;
}

}  // namespace

std::string runfile(const std::string& path) {
  const char* directory = getenv("TEST_SRCDIR");
  const char* workspace = getenv("TEST_WORKSPACE");
  if (directory == nullptr || workspace == nullptr) return path;
  return std::string(directory) + "/" + workspace + "/" + path;
}

TestReplay::TestReplay(const std::vector<TestEntry>& tape) : arena_({.flags = abi::kReplay}) {
  char name[] = "/tmp/reprise-test-replay-XXXXXX";
  if (mkdtemp(name) == nullptr) fail(name);
  directory_ = name;
  path_ = directory_ + "/control";
  const std::size_t links = round_up(sizeof(abi::ControlHeader));
  const std::size_t mailboxes = round_up(links + kLinks * sizeof(abi::Link));
  const std::uint32_t mailbox_count = arena_.header().thread_count;
  const std::size_t entries = round_up(mailboxes + mailbox_count * sizeof(abi::Mailbox));
  const std::size_t draws = round_up(entries + tape.size() * sizeof(abi::TapeEntry));
  const std::size_t bytes = round_up(draws + draws_in(tape) * sizeof(abi::TapeDraw));
  bytes_ = round_up(bytes + bytes_in(tape));
  const int fd = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || posix_fallocate(fd, 0, static_cast<off_t>(bytes_)) != 0) fail(path_.c_str());
  base_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (base_ == MAP_FAILED) fail("mmap");
  abi::ControlHeader& fresh = header();
  fresh.magic = abi::kControlMagic;
  fresh.abi_version = abi::kAbiVersion;
  fresh.link_count = kLinks;
  fresh.mailbox_count = mailbox_count;
  fresh.entry_count = static_cast<std::uint32_t>(tape.size());
  fresh.control_bytes = bytes_;
  fresh.links_offset = links;
  fresh.mailboxes_offset = mailboxes;
  fresh.entries_offset = entries;
  fresh.draws_offset = draws;
  fresh.tape_bytes_offset = bytes;
  fresh.clock_step_ns = kClockStepNs;
  fresh.draw_seed = 42;
  fresh.monotonic_ns = kMonotonicNs;
  fresh.realtime_ns = kRealtimeNs;
  for (std::uint32_t i = 0; i < kLinks; ++i) link(i).opening.entry = abi::kNone;
  write_tape(tape);
}

TestReplay::~TestReplay() {
  if (pid_ > 0 && !exit_) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (output_fd_ >= 0) close(output_fd_);
  munmap(base_, bytes_);
  const std::string remove = "rm -rf " + directory_;
  if (system(remove.c_str()) != 0) perror(remove.c_str());
}

void TestReplay::write_tape(const std::vector<TestEntry>& tape) {
  std::uint32_t next_draw = 0;
  std::int64_t next_byte = 0;
  for (std::size_t i = 0; i < tape.size(); ++i) {
    abi::tape_entries(base_)[i] = {next_draw, static_cast<std::uint32_t>(tape[i].ready.size()),
                                   static_cast<std::uint32_t>(tape[i].io.size()), tape[i].next};
    for (const auto* part : {&tape[i].ready, &tape[i].io}) {
      for (const TestDraw& draw : *part) {
        abi::TapeDraw& out = abi::tape_draws(base_)[next_draw++];
        out = {draw.kind, draw.source, 0, draw.module, draw.value, 0, 0};
        if (draw.kind != abi::DrawKind::kRandom) continue;
        out.value = next_byte;
        out.length = static_cast<std::uint32_t>(draw.bytes.size());
        memcpy(abi::tape_bytes(base_) + next_byte, draw.bytes.data(), draw.bytes.size());
        next_byte += static_cast<std::int64_t>(draw.bytes.size());
      }
    }
  }
}

void TestReplay::launch(const std::vector<std::string>& arguments, bool preload) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail("pipe2");
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const std::string library = runfile("agent/libreprise-replay.so");
  pid_ = fork();
  if (pid_ < 0) fail("fork");
  if (pid_ == 0) {
    dup2(ends[1], STDOUT_FILENO);
    setenv(abi::kArenaVariable, arena_.path().c_str(), 1);
    setenv(abi::kControlVariable, path_.c_str(), 1);
    if (preload) setenv("LD_PRELOAD", library.c_str(), 1);
    execv(argv[0], argv.data());
    perror(argv[0]);
    _exit(127);
  }
  close(ends[1]);
  output_fd_ = ends[0];
  fcntl(output_fd_, F_SETFL, O_NONBLOCK);
}

void TestReplay::reap() {
  int status = 0;
  if (exit_ || waitpid(pid_, &status, WNOHANG) != pid_) return;
  exit_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void TestReplay::read_output() {
  char buffer[4096];
  ssize_t length = 0;
  while ((length = read(output_fd_, buffer, sizeof buffer)) > 0) {
    output_.append(buffer, static_cast<std::size_t>(length));
  }
}

const std::string& TestReplay::output() {
  read_output();
  return output_;
}

void TestReplay::answer_questions() {
  for (std::uint32_t i = 0; i < header().mailbox_count; ++i) {
    abi::Mailbox& mailbox = abi::mailboxes(base_)[i];
    if (mailbox.state.load(std::memory_order_acquire) != abi::MailState::kAsked) continue;
    const std::string request(reinterpret_cast<const char*>(mailbox.payload), mailbox.length);
    Body body;
    if (const auto rule = rules_.find(mailbox.ask); rule != rules_.end()) {
      body = rule->second(request);
    } else if (mailbox.ask == abi::Ask::kThread) {
      body = body_of(abi::AnswerThread{thread_entry, 0, 0, 0});
    }
    if (body) {
      memcpy(mailbox.payload, body->data(), body->size());
      mailbox.length = static_cast<std::uint32_t>(body->size());
    }
    mailbox.state.store(body ? abi::MailState::kAnswered : abi::MailState::kRefused,
                        std::memory_order_release);
    syscall(SYS_futex, &mailbox.state, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  }
}

bool TestReplay::wait_until(const std::function<bool()>& condition) {
  const std::uint64_t give_up = monotonic_ns() + kPatienceSeconds * 1'000'000'000ull;
  abi::ArenaHeader& arena = arena_.header();
  for (;;) {
    arena.doorbell_armed.store(1);
    const std::uint32_t rung = arena.doorbell.load();
    answer_questions();
    read_output();
    if (condition()) return true;
    reap();
    if (exit_) {
      read_output();
      return condition();
    }
    if (monotonic_ns() > give_up) {
      fprintf(stderr, "the service is stuck; output so far:\n%s\n", output_.c_str());
      return false;
    }
    // Output and the end ring no bell.
    const timespec look_around = {0, 5'000'000};
    syscall(SYS_futex, &arena.doorbell, FUTEX_WAIT, rung, &look_around, nullptr, 0);
  }
}

int TestReplay::wait_for_exit() {
  (void)wait_until([&] { return exit_.has_value(); });
  return exit_.value_or(-1);
}

abi::ThreadSlot* TestReplay::waiting(abi::Activity activity) {
  for (std::uint32_t i = 0; i < arena_.header().thread_count; ++i) {
    abi::ThreadSlot& slot = arena_.thread(i);
    if (slot.claim.load() != abi::ThreadClaim::kLive) continue;
    if (static_cast<abi::Activity>(slot.activity.load() & 0xff) == activity) return &slot;
  }
  return nullptr;
}

abi::ThreadSlot* TestReplay::wait_for(abi::Activity activity) {
  abi::ThreadSlot* found = nullptr;
  (void)wait_until([&] { return (found = waiting(activity)) != nullptr; });
  return found;
}

void TestReplay::move_clock_to(std::int64_t monotonic_ns) {
  abi::ControlHeader& words = header();
  words.realtime_ns += monotonic_ns - words.monotonic_ns;
  words.monotonic_ns = monotonic_ns;
  words.clock_moves.fetch_add(1);
  words.clock_fires.fetch_add(1);
  syscall(SYS_futex, &words.clock_moves, FUTEX_WAKE, 1 << 30, nullptr, nullptr, 0);
}

void TestReplay::let_time_run() {
  header().real_time = 1;
  header().clock_moves.fetch_add(1);
  syscall(SYS_futex, &header().clock_moves, FUTEX_WAKE, 1 << 30, nullptr, nullptr, 0);
}

void TestReplay::publish(std::uint32_t number, const abi::Mark& mark) {
  abi::Link& to = link(number);
  const std::uint32_t marks = to.marks.load();
  to.ring[marks % abi::kMarks] = mark;
  to.marks.store(marks + 1, std::memory_order_release);
}

}  // namespace reprise::agent::testing
