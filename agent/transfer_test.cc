// Bytes that cross a connection are in the archive, byte for byte, whatever call moved them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "agent/testing/service.h"
#include "agent/testing/test_arena.h"

namespace reprise::agent {
namespace {

using abi::RecordType;
using testing::run_service;
using testing::RunOptions;
using testing::SeenRecord;
using testing::TestArena;

constexpr char kProbe[] = "agent/testing/transfer_probe";
constexpr char kText[] = "GET /probe HTTP/1.1\r\nHost: x\r\n\r\n";

// The bytes of one direction of each connection, put together by offset; a hole is an error.
template <typename Body>
std::map<abi::Cookie, std::string> streams(const std::vector<SeenRecord>& records) {
  std::map<abi::Cookie, std::string> found;
  for (const SeenRecord& record : records) {
    const auto body = record.body<Body>();
    std::string& stream = found[body.socket];
    if (body.length == 0) continue;
    EXPECT_LE(body.offset, stream.size()) << "bytes are missing before this record";
    EXPECT_EQ(record.tail<Body>().size(), body.length);
    stream.resize(body.offset);
    stream += record.tail<Body>();
  }
  std::erase_if(found, [](const auto& entry) { return entry.second.empty(); });
  return found;
}

class TransferForms
    : public ::testing::TestWithParam<std::tuple<std::string, std::string, std::string>> {};

TEST_P(TransferForms, AreRecordedByteForByte) {
  const auto& [family, write_form, read_form] = GetParam();
  TestArena arena;
  const auto run = run_service(arena, {kProbe, "forms", family, write_form, read_form});
  ASSERT_TRUE(run.exited_with(0)) << run.output;

  const auto sent = streams<abi::SendIntent>(arena.of(RecordType::kSendIntent));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent.begin()->second, kText);
  const auto received = streams<abi::BytesIn>(arena.of(RecordType::kBytesIn));
  ASSERT_EQ(received.size(), 1u);
  EXPECT_EQ(received.begin()->second, kText);

  const auto accepted = arena.of(RecordType::kAccept);
  ASSERT_EQ(accepted.size(), 1u);
  EXPECT_EQ(accepted[0].body<abi::Accept>().socket, received.begin()->first);
  const auto connected = arena.of(RecordType::kConnect);
  ASSERT_EQ(connected.size(), 1u);
  EXPECT_EQ(connected[0].body<abi::Connect>().socket, sent.begin()->first);

  const auto last = arena.of(RecordType::kBytesIn).back().body<abi::BytesIn>();
  EXPECT_EQ(last.length, 0u) << "the end of the stream";
  EXPECT_EQ(last.error, 0);
  std::int64_t taken = 0;
  for (const auto& record : arena.of(RecordType::kSendResult)) {
    taken += record.body<abi::SendResult>().result;
  }
  EXPECT_EQ(taken, static_cast<std::int64_t>(sizeof(kText) - 1));
}

std::string form_name(const ::testing::TestParamInfo<TransferForms::ParamType>& info) {
  std::string name =
      std::get<0>(info.param) + "_" + std::get<1>(info.param) + "_" + std::get<2>(info.param);
  for (char& c : name) {
    if (c == '-') c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(
    Writes, TransferForms,
    ::testing::Combine(::testing::Values("inet"),
                       ::testing::Values("write", "__write", "writev", "pwritev2", "send", "__send",
                                         "sendto", "sendmsg", "sendmmsg", "syscall-write",
                                         "syscall-sendto", "dprintf", "__dprintf_chk", "stdio"),
                       ::testing::Values("read")),
    form_name);
INSTANTIATE_TEST_SUITE_P(
    Reads, TransferForms,
    ::testing::Combine(::testing::Values("inet"), ::testing::Values("write"),
                       ::testing::Values("__read", "__read_chk", "readv", "preadv2", "recv",
                                         "__recv_chk", "recvfrom", "__recvfrom_chk", "recvmsg",
                                         "recvmmsg", "syscall-read", "syscall-recvfrom", "stdio")),
    form_name);
INSTANTIATE_TEST_SUITE_P(Families, TransferForms,
                         ::testing::Combine(::testing::Values("inet6", "unix"),
                                            ::testing::Values("send"), ::testing::Values("recv")),
                         form_name);

std::vector<abi::BytesIn> reads_of(TestArena& arena) {
  std::vector<abi::BytesIn> found;
  for (const auto& record : arena.of(RecordType::kBytesIn)) {
    found.push_back(record.body<abi::BytesIn>());
  }
  return found;
}

TEST(Transfer, PeekedBytesAreReadOnce) {
  TestArena arena;
  ASSERT_TRUE(run_service(arena, {kProbe, "peek"}).exited_with(0));
  const auto reads = reads_of(arena);
  ASSERT_EQ(reads.size(), 2u);
  EXPECT_EQ(reads[0].length, 2u);
  EXPECT_EQ(reads[1].offset, 2u);
  EXPECT_EQ(reads[1].length, 4u);
}

TEST(Transfer, ReadsThatWouldBlockAreRecordedWithTheirSize) {
  TestArena arena;
  ASSERT_TRUE(run_service(arena, {kProbe, "would_block"}).exited_with(0));
  const auto reads = reads_of(arena);
  ASSERT_EQ(reads.size(), 2u);
  EXPECT_EQ(reads[0].error, EAGAIN);
  EXPECT_EQ(reads[1].error, EAGAIN);
  EXPECT_EQ(reads[1].requested, 7u);
}

TEST(Transfer, InterruptedReadIsRecordedBehindItsSignal) {
  TestArena arena;
  ASSERT_TRUE(run_service(arena, {kProbe, "interrupted"}).exited_with(0));
  const auto reads = reads_of(arena);
  ASSERT_EQ(reads.size(), 1u);
  EXPECT_EQ(reads[0].error, EINTR);
  ASSERT_EQ(arena.of(RecordType::kSignal).size(), 1u);
  EXPECT_GT(arena.of(RecordType::kSignal)[0].enter, arena.of(RecordType::kBytesIn)[0].enter);
  EXPECT_LT(arena.of(RecordType::kSignal)[0].enter, reads[0].exit);
}

TEST(Transfer, ResetConnectionTellsItsErrors) {
  TestArena arena;
  ASSERT_TRUE(run_service(arena, {kProbe, "reset"}).exited_with(0));
  ASSERT_EQ(reads_of(arena).size(), 1u);
  EXPECT_EQ(reads_of(arena)[0].error, ECONNRESET);
  const auto results = arena.of(RecordType::kSendResult);
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].body<abi::SendResult>().error, EPIPE);
  EXPECT_EQ(results[0].body<abi::SendResult>().result, -1);
}

TEST(Transfer, CloseTellsWhatWasNeverRead) {
  TestArena arena;
  ASSERT_TRUE(run_service(arena, {kProbe, "unread"}).exited_with(0));
  const abi::Cookie socket = reads_of(arena)[0].socket;
  bool found = false;
  for (const auto& record : arena.of(RecordType::kClose)) {
    const auto body = record.body<abi::Close>();
    if (body.socket != socket) continue;
    found = true;
    EXPECT_EQ(body.unread, 6u);
  }
  EXPECT_TRUE(found);
}

class LargeTransfer : public ::testing::TestWithParam<std::string> {};

TEST_P(LargeTransfer, ArrivesWholeInParts) {
  constexpr std::size_t kBytes = 3'000'001;
  testing::ArenaOptions options;
  options.flags = abi::kLossless;
  TestArena arena(options);
  const auto run = run_service(arena, {kProbe, "large", std::to_string(kBytes), GetParam()});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  const auto sent = streams<abi::SendIntent>(arena.of(RecordType::kSendIntent));
  const auto received = streams<abi::BytesIn>(arena.of(RecordType::kBytesIn));
  ASSERT_EQ(received.size(), 1u);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(received.begin()->second.size(), kBytes);
  EXPECT_TRUE(sent.begin()->second.substr(0, kBytes) == received.begin()->second);
  EXPECT_TRUE(arena.of(RecordType::kGap).empty());
}

TEST_P(LargeTransfer, IsNotAnnouncedAgainWithEveryRetry) {
  constexpr std::size_t kBytes = 8'000'000;
  testing::ArenaOptions options;
  options.flags = abi::kLossless;
  TestArena arena(options);
  ASSERT_TRUE(
      run_service(arena, {kProbe, "large", std::to_string(kBytes), GetParam()}).exited_with(0));
  std::size_t announced = 0;
  for (const auto& record : arena.of(RecordType::kSendIntent)) {
    announced += record.body<abi::SendIntent>().length;
  }
  const std::size_t calls = arena.of(RecordType::kSendResult).size();
  EXPECT_LE(announced, kBytes + calls * std::size_t{256} * 1024);
}

INSTANTIATE_TEST_SUITE_P(Modes, LargeTransfer, ::testing::Values("blocking", "nonblocking"),
                         [](const auto& mode) { return mode.param; });

TEST(Transfer, PartsOfOnePayloadSayThatTheyGoOn) {
  testing::ArenaOptions options;
  options.flags = abi::kLossless;
  TestArena arena(options);
  ASSERT_TRUE(run_service(arena, {kProbe, "large", "200000", "blocking"}).exited_with(0));
  const auto parts = arena.of(RecordType::kSendIntent);
  ASSERT_GE(parts.size(), 4u);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool last = i + 1 == parts.size();
    EXPECT_EQ((parts[i].flags & abi::kContinues) == 0, last);
  }
}

TEST(Transfer, FileSentByReferenceIsNamed) {
  const std::string path = std::string(getenv("TEST_TMPDIR")) + "/sent_file";
  std::ofstream(path) << "0123456789abcdef";
  TestArena arena;
  const auto run = run_service(arena, {kProbe, "send_file", path});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  const auto ranges = arena.of(RecordType::kFileRange);
  ASSERT_EQ(ranges.size(), 2u);
  const auto first = ranges[0].body<abi::FileRange>();
  EXPECT_EQ(first.offset, 4u) << "behind what was sent before";
  EXPECT_EQ(first.file_offset, 3u);
  EXPECT_EQ(first.length, 5u);
  EXPECT_EQ(first.file_size, 16u);
  EXPECT_EQ(ranges[0].tail<abi::FileRange>(), path + std::string(1, '\0'));
  const auto second = ranges[1].body<abi::FileRange>();
  EXPECT_EQ(second.offset, 9u);
  EXPECT_EQ(second.length, 16u) << "no more than the file holds";
  EXPECT_EQ(second.inode, first.inode);
  EXPECT_EQ(ranges[1].tail<abi::FileRange>(), "") << "told once";
  const auto results = arena.of(RecordType::kSendResult);
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[2].body<abi::SendResult>().result, 16);
}

std::string file_of_test(const std::string& name) {
  const std::string path = std::string(getenv("TEST_TMPDIR")) + "/" + name;
  std::ofstream(path) << "0123456789abcdef";
  return path;
}
ino_t inode_of(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(stat(path.c_str(), &status), 0);
  return status.st_ino;
}

TEST(Transfer, AFileThatTheServiceHasJustLookedAtIsNotLookedAtAgain) {
  const std::string path = file_of_test("looked_at");
  const auto told = [&](const char* looks) {
    TestArena arena;
    const auto run = run_service(arena, {kProbe, "send_unasked", path, looks});
    EXPECT_TRUE(run.exited_with(0)) << run.output;
    const auto ranges = arena.of(RecordType::kFileRange);
    EXPECT_EQ(ranges.size(), 1000u);
    return std::ranges::count_if(ranges, [&](const auto& range) {
      const auto body = range.template body<abi::FileRange>();
      return body.inode == inode_of(path) && body.file_size == 16 && body.length == 5;
    });
  };
  EXPECT_GT(told("looks"), 0);
  EXPECT_EQ(told("does_not"), 0) << "the control: a look of the agent's is refused";
}

TEST(Transfer, WhatWasLookedAtIsNotTakenForAnotherFileOfTheSameNumber) {
  const std::string looked = file_of_test("looked_at_first"), sent = file_of_test("sent_then");
  TestArena arena;
  ASSERT_TRUE(run_service(arena, {kProbe, "send_another", looked, sent}).exited_with(0));
  const auto ranges = arena.of(RecordType::kFileRange);
  ASSERT_EQ(ranges.size(), 100u);
  for (const auto& range : ranges) EXPECT_EQ(range.body<abi::FileRange>().inode, inode_of(sent));
}

TEST(Transfer, SplicedBytesAreAHoleThatIsCounted) {
  TestArena arena;
  ASSERT_TRUE(run_service(arena, {kProbe, "splice_out"}).exited_with(0));
  const auto gaps = arena.of(RecordType::kGap);
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_EQ(gaps[0].body<abi::Gap>().bytes, 4u);
  const auto sent = arena.of(RecordType::kSendIntent);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].body<abi::SendIntent>().offset, 4u);
}

TEST(Transfer, BadPointerIsTheKernelsToRefuse) {
  TestArena arena;
  const auto run = run_service(arena, {kProbe, "bad_pointer"});
  EXPECT_TRUE(run.exited_with(0)) << run.output << run.status;
  EXPECT_TRUE(arena.of(RecordType::kFatalSignal).empty());
}

TEST(Transfer, SocketPairIsNamedAsSuch) {
  TestArena arena;
  ASSERT_TRUE(run_service(arena, {kProbe, "pair"}).exited_with(0));
  const auto pairs = arena.of(RecordType::kPair);
  ASSERT_EQ(pairs.size(), 1u);
  const auto pair = pairs[0].body<abi::Pair>();
  EXPECT_EQ(arena.of(RecordType::kSendIntent)[0].body<abi::SendIntent>().socket, pair.first);
  EXPECT_EQ(reads_of(arena)[0].socket, pair.second);
}

TEST(Transfer, NothingIsRecordedWithoutTheAgent) {
  TestArena arena;
  RunOptions options;
  options.library.clear();
  ASSERT_TRUE(run_service(arena, {kProbe, "peek"}, options).exited_with(0));
  EXPECT_TRUE(arena.drain().empty());
}

}  // namespace
}  // namespace reprise::agent
