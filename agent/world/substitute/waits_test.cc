// Waits of a replayed program end in virtual time, and are seen for what they are meanwhile.
//
// No test waits for real time: an hour passes when the clock word says so.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "agent/world/substitute/testing/test_replay.h"

namespace reprise::agent::testing {
namespace {

constexpr std::int64_t kHour = 3'600'000'000'000;

class Waits : public ::testing::Test {
 protected:
  void start(const std::string& name) {
    replay_.launch({runfile("agent/world/substitute/testing/waits_probe"), name});
  }
  // The probe waits with `activity` until an hour from now; the hour passes, and it ends.
  void pass_an_hour_in(abi::Activity activity) {
    abi::ThreadSlot* thread = replay_.wait_for(activity);
    ASSERT_NE(thread, nullptr) << replay_.output();
    EXPECT_EQ(thread->deadline_ns.load(), static_cast<std::uint64_t>(hour_from_start()));
    replay_.move_clock_to(hour_from_start() - 1'000'000);
    ASSERT_NE(replay_.wait_for(activity), nullptr);
    replay_.move_clock_to(hour_from_start());
    EXPECT_EQ(replay_.wait_for_exit(), 0);
  }
  // Allows for the steps of the clock reads that made an absolute deadline.
  std::int64_t hour_from_start() const { return TestReplay::kMonotonicNs + kHour; }
  void signal_thread(const abi::ThreadSlot& thread, int number) {
    ASSERT_EQ(syscall(SYS_tgkill, replay_.pid(), thread.tid, number), 0);
  }

  TestReplay replay_;
};

// Waits with a relative time-out of an hour, by the name of the probe: its activity and what it
// tells.
struct Timed {
  const char* probe;
  abi::Activity activity;
  const char* told;
};
class TimedWaits : public Waits, public ::testing::WithParamInterface<Timed> {};

TEST_P(TimedWaits, EndWhenTheClockWordReachesTheDeadline) {
  start(GetParam().probe);
  pass_an_hour_in(GetParam().activity);
  EXPECT_EQ(replay_.output(), GetParam().told);
}

INSTANTIATE_TEST_SUITE_P(
    All, TimedWaits,
    ::testing::Values(
        Timed{"nanosleep", abi::Activity::kSleep, "nanosleep 0\n"},
        Timed{"clock_nanosleep", abi::Activity::kSleep, "clock_nanosleep 0\n"},
        Timed{"sleep", abi::Activity::kSleep, "sleep 0\n"},
        Timed{"poll", abi::Activity::kReadiness, "poll 0\n"},
        Timed{"select", abi::Activity::kReadiness, "select 0\nleft 0\n"},
        Timed{"pselect", abi::Activity::kReadiness, "pselect 0\n"},
        Timed{"epoll", abi::Activity::kReadiness, "epoll_wait 0\n"},
        Timed{"condition_realtime", abi::Activity::kCondition, "timedwait ETIMEDOUT\nowned 0\n"},
        Timed{"condition_monotonic", abi::Activity::kCondition, "timedwait ETIMEDOUT\nowned 0\n"},
        Timed{"condition_variable", abi::Activity::kCondition, "wait_for timeout\n"},
        Timed{"timedlock", abi::Activity::kMutex, "timedlock ETIMEDOUT\n"},
        Timed{"semaphore", abi::Activity::kSemaphore, "sem_timedwait ETIMEDOUT\n"},
        Timed{"receive_timeout", abi::Activity::kRead,
              "setsockopt 0\ngetsockopt 0\ntold 3600\nrecv EAGAIN\n"},
        Timed{"timerfd_blocking", abi::Activity::kRead, "read 8\nexpirations 1\n"},
        Timed{"alarm", abi::Activity::kSignalWait,
              "before 0\npending 3600\npause EINTR\nhandled 1\n"},
        Timed{"timer", abi::Activity::kSignalWait, "timer_create 0\ntimer_settime 0\nhandled 1\n"},
        Timed{"epoll_event", abi::Activity::kSleep, "epoll_wait 1\n"},
        Timed{"read", abi::Activity::kSleep, "read 1\n"},
        Timed{"blocking_send", abi::Activity::kSleep, "write 1048576\nwhole 1\n"},
        Timed{"mutex", abi::Activity::kSleep, "lock 0\n"},
        Timed{"semaphore_posted", abi::Activity::kSleep, "sem_wait 0\n"},
        Timed{"numbered_futex", abi::Activity::kFutex, "other value EAGAIN\nfutex ETIMEDOUT\n"},
        Timed{"numbered_futex_until", abi::Activity::kFutex, "futex ETIMEDOUT\n"},
        Timed{"numbered_sleep", abi::Activity::kSleep, "nanosleep 0\n"},
        Timed{"numbered_poll", abi::Activity::kReadiness, "ppoll 0\nleft 0\n"},
        Timed{"atomic_wait", abi::Activity::kSleep, "value 1\n"},
        Timed{"join", abi::Activity::kSleep, "joined 1\n"},
        Timed{"child", abi::Activity::kSleep, "waited 1\nstatus 7\n"}),
    [](const auto& instance) { return std::string(instance.param.probe); });

// Waits without a time-out, while another thread or a child sleeps.
struct Blocked {
  const char* probe;
  abi::Activity activity;
};
class BlockedThreads : public Waits, public ::testing::WithParamInterface<Blocked> {};

TEST_P(BlockedThreads, SayWhatTheyWaitForUntilTheyRunAgain) {
  start(GetParam().probe);
  abi::ThreadSlot* blocked = replay_.wait_for(GetParam().activity);
  ASSERT_NE(blocked, nullptr);
  ASSERT_NE(replay_.wait_for(abi::Activity::kSleep), nullptr);
  const std::uint64_t transitions = blocked->activity.load() >> 8;
  replay_.move_clock_by(kHour);
  EXPECT_EQ(replay_.wait_for_exit(), 0);
  EXPECT_GT(blocked->activity.load() >> 8, transitions);
}

INSTANTIATE_TEST_SUITE_P(All, BlockedThreads,
                         ::testing::Values(Blocked{"epoll_event", abi::Activity::kReadiness},
                                           Blocked{"read", abi::Activity::kRead},
                                           Blocked{"blocking_send", abi::Activity::kWrite},
                                           Blocked{"mutex", abi::Activity::kMutex},
                                           Blocked{"semaphore_posted", abi::Activity::kSemaphore},
                                           Blocked{"atomic_wait", abi::Activity::kFutex},
                                           Blocked{"join", abi::Activity::kJoin},
                                           Blocked{"child", abi::Activity::kChild}),
                         [](const auto& instance) { return std::string(instance.param.probe); });

TEST_F(Waits, AShortSleepIsOverOnlyWhenTheClockMoves) {
  start("usleep");
  ASSERT_NE(replay_.wait_for(abi::Activity::kSleep), nullptr);
  replay_.move_clock_by(999'998'999);
  ASSERT_NE(replay_.wait_for(abi::Activity::kSleep), nullptr);
  EXPECT_EQ(replay_.output(), "");
  replay_.move_clock_by(1);
  EXPECT_EQ(replay_.wait_for_exit(), 0);
}

TEST_F(Waits, TimeThatRunsByItselfEndsASleep) {
  start("usleep");
  ASSERT_NE(replay_.wait_for(abi::Activity::kSleep), nullptr);
  replay_.let_time_run();
  EXPECT_EQ(replay_.wait_for_exit(), 0);
  EXPECT_EQ(replay_.output(), "usleep 0\n");
}

TEST_F(Waits, AHandlerEndsASleepWhichTellsWhatIsLeft) {
  start("interrupted_sleep");
  abi::ThreadSlot* thread = replay_.wait_for(abi::Activity::kSleep);
  ASSERT_NE(thread, nullptr);
  replay_.move_clock_by(kHour / 2);
  signal_thread(*thread, SIGUSR1);
  EXPECT_EQ(replay_.wait_for_exit(), 0);
  EXPECT_EQ(replay_.output(), "nanosleep EINTR\nleft 1800\nhandled 1\n");
}

TEST_F(Waits, AHandlerEndsAReadinessWait) {
  start("poll_interrupted");
  abi::ThreadSlot* thread = replay_.wait_for(abi::Activity::kReadiness);
  ASSERT_NE(thread, nullptr);
  signal_thread(*thread, SIGUSR1);
  EXPECT_EQ(replay_.wait_for_exit(), 0);
  EXPECT_EQ(replay_.output(), "poll EINTR\n");
}

TEST_F(Waits, AStopOfADebuggerEndsNothing) {
  start("poll");
  abi::ThreadSlot* thread = replay_.wait_for(abi::Activity::kReadiness);
  ASSERT_NE(thread, nullptr);
  const std::uint64_t activity = thread->activity.load();
  for (int i = 0; i < 20; ++i) {
    kill(replay_.pid(), SIGSTOP);
    kill(replay_.pid(), SIGCONT);
  }
  EXPECT_EQ(thread->activity.load(), activity);
  replay_.move_clock_by(kHour);
  EXPECT_EQ(replay_.wait_for_exit(), 0);
  EXPECT_EQ(replay_.output(), "poll 0\n");
}

TEST_F(Waits, AMaskedWaitDeliversWhatItLetsThrough) {
  start("epoll_masked");
  EXPECT_EQ(replay_.wait_for_exit(), 0);
  EXPECT_EQ(replay_.output(), "before 0\nepoll_pwait EINTR\nafter 1\n");
}

TEST_F(Waits, AReadGoesOnAfterAHandlerThatRestartsCalls) {
  start("read_restarted");
  abi::ThreadSlot* thread = replay_.wait_for(abi::Activity::kRead);
  ASSERT_NE(thread, nullptr);
  ASSERT_NE(replay_.wait_for(abi::Activity::kSleep), nullptr);
  signal_thread(*thread, SIGUSR1);
  ASSERT_TRUE(
      replay_.wait_until([&] { return !replay_.arena().of(abi::RecordType::kSignal).empty(); }));
  replay_.move_clock_by(kHour);
  EXPECT_EQ(replay_.wait_for_exit(), 0);
  EXPECT_EQ(replay_.output(), "read 1\nhandled 1\n");
}

TEST_F(Waits, AReadEndsAfterAHandlerThatRestartsNone) {
  start("read_interrupted");
  abi::ThreadSlot* thread = replay_.wait_for(abi::Activity::kRead);
  ASSERT_NE(thread, nullptr);
  ASSERT_NE(replay_.wait_for(abi::Activity::kSleep), nullptr);
  signal_thread(*thread, SIGUSR1);
  ASSERT_TRUE(replay_.wait_until([&] { return replay_.output().size() >= 21; }));
  EXPECT_EQ(replay_.output(), "read EINTR\nhandled 1\n");
  replay_.move_clock_by(kHour);
  EXPECT_EQ(replay_.wait_for_exit(), 0);
}

TEST_F(Waits, ConditionsWakeTheLongestWaiterAndNoOther) {
  start("condition_order");
  EXPECT_EQ(replay_.wait_for_exit(), 0);
  EXPECT_EQ(replay_.output(), "order abc\n");
}

TEST_F(Waits, ConditionsLoseNoSignalBetweenSlices) {
  start("condition_storm");
  EXPECT_EQ(replay_.wait_for_exit(), 0);
  EXPECT_EQ(replay_.output(), "consumed 5000\n");
}

TEST_F(Waits, ASendThatCannotGoOnTimesOutWithWhatWentOut) {
  start("send_timeout");
  ASSERT_NE(replay_.wait_for(abi::Activity::kWrite), nullptr);
  replay_.move_clock_by(kHour);
  ASSERT_TRUE(replay_.wait_until([&] { return replay_.output() == "sent a part 1\n"; }));
  ASSERT_NE(replay_.wait_for(abi::Activity::kWrite), nullptr);
  replay_.move_clock_by(kHour);
  EXPECT_EQ(replay_.wait_for_exit(), 0);
  EXPECT_EQ(replay_.output(), "sent a part 1\nsend EAGAIN\n");
}

TEST_F(Waits, ATimerDescriptorCountsVirtualExpirations) {
  start("timerfd");
  ASSERT_NE(replay_.wait_for(abi::Activity::kReadiness), nullptr);
  replay_.move_clock_by(5 * kHour / 2);  // two of its periods at once
  EXPECT_EQ(replay_.wait_for_exit(), 0);
  EXPECT_EQ(replay_.output(), "left 3600\nepoll_wait 1\nread 8\nexpirations 2\nagain EAGAIN\n");
}

TEST_F(Waits, AnIntervalTimerExpiresAtEachOfItsTimes) {
  start("setitimer");
  for (int i = 1; i <= 3; ++i) {
    const auto expected = static_cast<std::uint64_t>(TestReplay::kMonotonicNs + i * kHour);
    ASSERT_TRUE(replay_.wait_until([&] {
      const abi::ThreadSlot* thread = replay_.waiting(abi::Activity::kSignalWait);
      return thread != nullptr && thread->deadline_ns.load() == expected;
    })) << replay_.output();
    replay_.move_clock_by(kHour);
  }
  EXPECT_EQ(replay_.wait_for_exit(), 0);
  EXPECT_EQ(replay_.output(), "handled 3\nleft 3600\n");
}

TEST_F(Waits, ASignalIsWaitedForInVirtualTime) {
  start("sigwait");
  ASSERT_NE(replay_.wait_for(abi::Activity::kSignalWait), nullptr);
  replay_.move_clock_by(kHour);
  ASSERT_TRUE(
      replay_.wait_until([&] { return replay_.output() == "sigtimedwait EAGAIN\nready 1\n"; }));
  abi::ThreadSlot* thread = replay_.wait_for(abi::Activity::kSignalWait);
  ASSERT_NE(thread, nullptr);
  signal_thread(*thread, SIGUSR1);
  EXPECT_EQ(replay_.wait_for_exit(), 0);
  EXPECT_EQ(replay_.output(), "sigtimedwait EAGAIN\nready 1\nsigwait 0\nnumber 10\n");
}

TEST_F(Waits, ALoopOnTheClockEndsThoughTimeStandsStill) {
  start("spin");
  EXPECT_EQ(replay_.wait_for_exit(), 0);
  EXPECT_EQ(replay_.output(), "spun 1\n");
}

TEST_F(Waits, ACallOnNoDescriptorFailsAtOnce) {
  start("no_descriptor");
  EXPECT_EQ(replay_.wait_for_exit(), 0);
  EXPECT_EQ(replay_.output(), "read EBADF\nwrite EBADF\n");
}

TEST_F(Waits, ACancelledWaiterOwnsTheMutexInItsCleanUp) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const int own_input = dup(STDIN_FILENO);
  dup2(ends[0], STDIN_FILENO);
  start("condition_cancel");
  dup2(own_input, STDIN_FILENO);
  ASSERT_NE(replay_.wait_for(abi::Activity::kCondition), nullptr);
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  EXPECT_EQ(replay_.wait_for_exit(), 0);
  EXPECT_EQ(replay_.output(), "waiting 1\nowned in clean-up 0\ncancelled 1\n");
  close(ends[0]);
  close(ends[1]);
  close(own_input);
}

}  // namespace
}  // namespace reprise::agent::testing
