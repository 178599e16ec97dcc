// Draws are recorded with the value the service was given and with who asked.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

#include "agent/testing/service.h"
#include "agent/testing/test_arena.h"

namespace reprise::agent {
namespace {

using abi::ClockSource;
using abi::RandomSource;
using abi::RecordType;
using testing::Outcome;
using testing::run_service;
using testing::SeenRecord;
using testing::TestArena;

constexpr char kProbe[] = "agent/testing/draw_probe";
constexpr char kLateLibrary[] = "agent/testing/liblate_library.so";
// The same code under a name that says it is a TLS library.
constexpr char kCryptoLibrary[] = "agent/testing/libssl.late_library.so";

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string hexadecimal(const std::string& bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += kDigits[static_cast<unsigned char>(c) >> 4];
    text += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

// The path of the module that holds `address`, as the Module records before `until` tell.
std::string module_of(TestArena& arena, std::uint64_t address) {
  for (const SeenRecord& record : arena.of(RecordType::kModule)) {
    const auto module = record.body<abi::Module>();
    if (address >= module.begin && address < module.end) {
      return record.tail<abi::Module>().c_str();
    }
  }
  return "unknown";
}

TEST(Draw, EveryClockIsRecordedWithItsValue) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "clocks"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  const std::vector<std::string> values = lines_of(run.output);
  const std::vector<ClockSource> sources = {
      ClockSource::kRealtime,        ClockSource::kMonotonic,
      ClockSource::kProcessCpu,      ClockSource::kThreadCpu,
      ClockSource::kMonotonicRaw,    ClockSource::kRealtimeCoarse,
      ClockSource::kMonotonicCoarse, ClockSource::kBoottime,
      ClockSource::kGettimeofday,    ClockSource::kTime,
      ClockSource::kTimespecGet,     ClockSource::kRealtime,
      ClockSource::kMonotonic,       ClockSource::kRealtime};
  const auto clocks = arena.of(RecordType::kClock);
  ASSERT_EQ(clocks.size(), sources.size());
  ASSERT_EQ(values.size(), sources.size());
  for (std::size_t i = 0; i < sources.size(); ++i) {
    EXPECT_EQ(static_cast<ClockSource>(clocks[i].source), sources[i]) << i;
    EXPECT_EQ(std::to_string(clocks[i].body<abi::Clock>().value_ns), values[i]) << i;
    EXPECT_EQ(module_of(arena, clocks[i].body<abi::Clock>().caller), "")
        << i << ": the program itself asked, through whatever library";
  }
}

TEST(Draw, EveryRandomSourceIsRecordedWithItsBytes) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "randomness"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  const std::vector<std::string> values = lines_of(run.output);
  const std::vector<RandomSource> sources = {RandomSource::kGetrandom,    RandomSource::kGetentropy,
                                             RandomSource::kArc4random,   RandomSource::kArc4random,
                                             RandomSource::kArc4random,   RandomSource::kDevice,
                                             RandomSource::kDevice,       RandomSource::kDevice,
                                             RandomSource::kRandomDevice, RandomSource::kGetrandom};
  const auto draws = arena.of(RecordType::kRandom);
  ASSERT_EQ(draws.size(), sources.size());
  ASSERT_EQ(values.size(), sources.size());
  for (std::size_t i = 0; i < sources.size(); ++i) {
    EXPECT_EQ(static_cast<RandomSource>(draws[i].source), sources[i]) << i;
    EXPECT_EQ(hexadecimal(draws[i].tail<abi::Random>()), values[i]) << i;
  }
}

// A replay finds a draw by its place among the others: two halves would shift all that follow.
TEST(Draw, WhatTheCLibraryChoosesOfATemporaryNameIsADrawOfItsCaller) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "temporary_names"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  const std::vector<std::string> names = lines_of(run.output);
  const std::vector<SeenRecord> draws = arena.of(RecordType::kRandom);
  ASSERT_EQ(names.size(), 3u);
  ASSERT_EQ(draws.size(), 4u);
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(hexadecimal(draws[i].tail<abi::Random>()), names[i]) << i;
    EXPECT_EQ(module_of(arena, draws[i].body<abi::Random>().caller), "") << i;  // the program
  }
  EXPECT_EQ(draws[3].body<abi::Random>().error, ENOENT);
}

TEST(Draw, OneThatASegmentHasNoRoomForIsNotCutInTwo) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "long_draws"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  std::vector<std::string> drawn;
  for (const auto& draw : arena.of(RecordType::kRandom)) {
    drawn.push_back(hexadecimal(draw.tail<abi::Random>()));
  }
  EXPECT_EQ(drawn, lines_of(run.output));
}

TEST(Draw, RandomDeviceIsSeenThroughFileAndStream) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "random_files"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  const auto draws = arena.of(RecordType::kRandom);
  ASSERT_GE(draws.size(), 2u);
  for (const auto& draw : draws) {
    EXPECT_EQ(static_cast<RandomSource>(draw.source), RandomSource::kDevice);
  }
  std::string bytes;
  for (const auto& draw : draws) bytes += hexadecimal(draw.tail<abi::Random>());
  for (const std::string& line : lines_of(run.output)) {
    EXPECT_TRUE(bytes.starts_with(line)) << bytes;
    bytes.erase(0, line.size());
  }
}

TEST(Draw, OpenSslIsAskedByTheProgramAndNotByItself) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "open_ssl"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  // To give these two the library seeds itself from the kernel.
  const auto draws = arena.of(RecordType::kRandom);
  ASSERT_EQ(draws.size(), 2u);
  EXPECT_EQ(static_cast<RandomSource>(draws[0].source), RandomSource::kOpenSsl);
  EXPECT_EQ(hexadecimal(draws[0].tail<abi::Random>()), lines_of(run.output)[0]);
  EXPECT_EQ(draws[1].body<abi::Random>().length, 0u);
}

TEST(Draw, LateLibraryIsRecordedBeforeItsFirstDraw) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "from_library", kLateLibrary});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  const auto clocks = arena.of(RecordType::kClock);
  ASSERT_EQ(clocks.size(), 1u) << "RTLD_DEEPBIND must not hide the library's calls";
  EXPECT_EQ(std::to_string(clocks[0].body<abi::Clock>().value_ns), lines_of(run.output)[0]);
  EXPECT_EQ(arena.of(RecordType::kRandom).size(), 1u);
  EXPECT_THAT(module_of(arena, clocks[0].body<abi::Clock>().caller),
              ::testing::EndsWith("late_library.so"));
  bool seen_module = false;
  for (const SeenRecord& record : arena.drain()) {
    if (record.type == RecordType::kModule &&
        record.tail<abi::Module>().find("late_library") != std::string::npos) {
      seen_module = true;
    }
    if (record.type == RecordType::kClock) {
      EXPECT_TRUE(seen_module);
    }
  }
}

TEST(Draw, CryptoLibraryKeepsItsOwnDraws) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "from_library", kCryptoLibrary});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  EXPECT_TRUE(arena.of(RecordType::kClock).empty());
  EXPECT_TRUE(arena.of(RecordType::kRandom).empty());
}

struct SeenLookup {
  abi::Lookup lookup;
  abi::LookupKind kind;
  std::vector<std::string> names;
  std::vector<abi::LookupAddress> addresses;
};

SeenLookup decode(const SeenRecord& record) {
  SeenLookup seen{record.body<abi::Lookup>(), static_cast<abi::LookupKind>(record.source), {}, {}};
  std::string tail = record.tail<abi::Lookup>();
  for (std::uint32_t i = 0; i < 2 + seen.lookup.canonical_name; ++i) {
    seen.names.emplace_back(tail.c_str());
    tail.erase(0, seen.names.back().size() + 1);
  }
  EXPECT_EQ(tail.size(), seen.lookup.count * sizeof(abi::LookupAddress));
  seen.addresses.resize(seen.lookup.count);
  std::ranges::copy(tail, reinterpret_cast<char*>(seen.addresses.data()));
  return seen;
}

TEST(Draw, LookupsAreRecordedWithQuestionAndAnswerAndNothingOfTheWay) {
  TestArena arena;
  const Outcome run = run_service(arena, {kProbe, "lookups"});
  ASSERT_TRUE(run.exited_with(0)) << run.output;
  std::vector<SeenLookup> lookups;
  for (const auto& record : arena.of(RecordType::kLookup)) lookups.push_back(decode(record));
  ASSERT_EQ(lookups.size(), 5u);

  EXPECT_EQ(lookups[0].kind, abi::LookupKind::kAddressInfo);
  EXPECT_EQ(lookups[0].names, (std::vector<std::string>{"127.0.0.1", "8080", "127.0.0.1"}));
  EXPECT_EQ(lookups[0].lookup.result, 0);
  EXPECT_EQ(lookups[0].lookup.family, AF_INET);
  ASSERT_EQ(lookups[0].addresses.size(), 1u);
  EXPECT_EQ(lookups[0].addresses[0].type, SOCK_STREAM);
  sockaddr_in address{};
  memcpy(&address, lookups[0].addresses[0].address.bytes, sizeof(address));
  EXPECT_EQ(ntohs(address.sin_port), 8080);

  EXPECT_EQ(lookups[1].names[0], "no.such.name.invalid");
  EXPECT_NE(lookups[1].lookup.result, 0);
  EXPECT_TRUE(lookups[1].addresses.empty());

  EXPECT_EQ(lookups[2].kind, abi::LookupKind::kNameInfo);
  EXPECT_EQ(lookups[2].names, (std::vector<std::string>{"127.0.0.1", "80"}));

  EXPECT_EQ(lookups[3].kind, abi::LookupKind::kHostByName);
  EXPECT_EQ(lookups[3].names[0], "127.0.0.2");
  ASSERT_EQ(lookups[3].addresses.size(), 1u);
  EXPECT_EQ(lookups[4].names[0], "127.0.0.3") << "the call with too small a buffer is none";

  for (const RecordType type : {RecordType::kConnect, RecordType::kSendIntent, RecordType::kBytesIn,
                                RecordType::kWait, RecordType::kRandom, RecordType::kClock}) {
    EXPECT_TRUE(arena.of(type).empty()) << testing::name_of(type);
  }
}

}  // namespace
}  // namespace reprise::agent
