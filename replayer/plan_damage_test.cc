// An archive is untrusted input: whatever it says, a plan of it can be made and walked through.
#include <gtest/gtest.h>

#include <cerrno>
#include <random>

#include "archive/sample_disk.h"
#include "replayer/match.h"
#include "replayer/outcomes.h"
#include "replayer/output.h"
#include "replayer/plan.h"
#include "replayer/testing/told_recording.h"

namespace reprise::replayer {
namespace {

using event::Context;

// What the agent reads without a check of its own.
void expect_tape_holds_together(const Tape& tape) {
  for (const abi::TapeEntry& entry : tape.entries) {
    EXPECT_LE(entry.first_draw + entry.ready_draws + entry.io_draws, tape.draws.size());
    EXPECT_TRUE(entry.next == abi::kNone || entry.next < tape.entries.size());
  }
  for (const abi::TapeDraw& draw : tape.draws) {
    if (draw.kind != abi::DrawKind::kRandom) continue;
    EXPECT_LE(static_cast<std::uint64_t>(draw.value) + draw.length, tape.bytes.size());
  }
  for (const auto& [origin, start] : tape.threads) EXPECT_LT(start.entry, tape.entries.size());
}

// What the driver does with every unit, and the responder with every connection and call.
void expect_can_be_walked_through(const Plan& plan) {
  expect_tape_holds_together(plan.tape);
  for (const Unit& unit : plan.units) {
    const RecordedConnection* connection = plan.connection(unit.connection);
    if (connection == nullptr) continue;
    ASSERT_LE(unit.first_chunk + unit.chunks, plan.inputs.chunks.size());
    ASSERT_LE(unit.first_exchange + unit.exchanges, connection->transactions.size());
    for (std::uint32_t i = 0; i < unit.chunks; ++i) {
      const Chunk& chunk = plan.inputs.chunks[unit.first_chunk + i];
      EXPECT_FALSE(plan.inputs.anchors_of(chunk).empty());
      (void)plan.streams->bytes({unit.connection, Flow::kReceived}, chunk.bytes);
    }
  }
  for (const RecordedExchange& exchange : plan.exchanges) {
    (void)plan.streams->bytes({exchange.connection, Flow::kSent}, exchange.response);
  }
  const auto expect_output = [](const std::vector<Output>& outputs) {
    for (const Output& output : outputs) EXPECT_LE(output.bytes.begin, output.bytes.end);
  };
  Matcher matcher(plan);
  for (const RecordedCall& call : plan.calls) {
    CallRequest request{.context = call.context,
                        .peer = call.peer,
                        .protocol = call.protocol,
                        .operation = plan.names[call.operation],
                        .bytes = plan.streams->bytes({call.connection, Flow::kSent}, call.request)};
    (void)matcher.expected(request);
    (void)matcher.match(request);
    expect_output(cut_answer(plan, call, 3, {plan.began}, call.context));
  }
  for (const auto& [id, connection] : plan.connections) {
    if (connection.direction == event::Direction::kInbound) continue;
    expect_output(cut_greeting(plan, connection, {plan.began}, {}));
    (void)plan.first_protocol(connection);
  }
  for (const RecordedExchange& exchange : plan.exchanges) (void)matcher.finish(exchange.id);
  ConnectOutcomes connects(plan);
  for (const RecordedConnect& connect : plan.connects) {
    EXPECT_NE(connects.take(connect.context, connect.peer, connect.type, {}), nullptr);
  }
}

class Damage : public testing::Test {
 protected:
  const Plan& plan() {
    plan_ = recording_.plan();
    expect_can_be_walked_through(*plan_);
    return *plan_;
  }
  std::vector<std::string> chunks(event::ConnectionId connection) {
    plan();
    std::vector<std::string> texts;
    for (const Chunk& chunk : plan_->inputs.chunks_of(connection)) {
      texts.push_back(text_of(plan_->streams->bytes({connection, Flow::kReceived}, chunk.bytes)));
    }
    return texts;
  }
  void read_at(event::ConnectionId connection, std::uint64_t offset, const std::string& bytes) {
    recording_.tell(event::BytesReceived{.connection = connection,
                                         .offset = offset,
                                         .requested = bytes.size(),
                                         .bytes = bytes_of(bytes)});
  }

  using Texts = std::vector<std::string>;
  ToldRecording recording_;
  const event::ConnectionId client_ = recording_.accept();
  std::unique_ptr<Plan> plan_;
};

// --- Streams
// --------------------------------------------------------------------------------------

TEST_F(Damage, HoleInAStreamEndsAChunk) {
  read_at(client_, 0, "abc");
  read_at(client_, 5, "fgh");
  EXPECT_EQ(chunks(client_), (Texts{"abc", "fgh"}));
}

TEST_F(Damage, ReadsThatOverlapAreChunksOfTheirOwn) {
  read_at(client_, 0, "abcd");
  read_at(client_, 2, "cdef");
  const Texts found = chunks(client_);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0], "abcd");
}

TEST_F(Damage, ReadsOutOfOrderAreSortedByOffset) {
  read_at(client_, 3, "def");
  read_at(client_, 0, "abc");
  EXPECT_EQ(chunks(client_), Texts{"abcdef"});
}

TEST_F(Damage, ReadBeyondAllOffsetsIsLeftOut) {
  read_at(client_, 0, "abc");
  read_at(client_, UINT64_MAX - 1, "defghi");
  EXPECT_EQ(chunks(client_), Texts{"abc"});
}

TEST_F(Damage, PartOfAReadThatDoesNotFollowTheOthersIsAChunkOfItsOwn) {
  read_at(client_, 0, "abc");
  std::get<event::BytesReceived>(recording_.events.back().fact).continues = true;
  read_at(client_, 10, "klm");
  EXPECT_EQ(chunks(client_), (Texts{"abc", "klm"}));
}

TEST_F(Damage, SendsWithoutOrWithStrangeResultsAreKeptAsFarAsTheyGo) {
  recording_.tell(event::SendIntended{.connection = client_, .bytes = bytes_of("abc")});
  recording_.tell(event::SendFinished{client_, 0, INT64_MAX, 0});
  recording_.tell(event::SendIntended{.connection = client_, .offset = 3, .bytes = bytes_of("d")});
  recording_.tell(event::SendFinished{client_, 77, 5, 0});
  recording_.tell(event::FileRangeSent{
      .connection = client_, .offset = 4, .length = UINT64_MAX, .content = 12345});
  EXPECT_EQ(text_of(plan().streams->bytes({client_, Flow::kSent}, {0, 100})), "abcd");
}

// --- Tables
// ---------------------------------------------------------------------------------------

TEST_F(Damage, ExchangeOnAnUnknownConnectionIsNotDriven) {
  recording_.answer(recording_.begin(client_, get("/a")), ok("a"));
  recording_.answer(recording_.begin(client_, get("/b")), ok("b"));
  recording_.exchanges[{2}].connection = {99};
  EXPECT_EQ(plan().selected, 1u);
}

TEST_F(Damage, ExchangeBeyondWhatWasReadIsNotDriven) {
  recording_.answer(recording_.begin(client_, get("/a")), ok("a"));
  recording_.exchanges[{1}].request = {1000, 2000};
  EXPECT_EQ(plan().selected, 0u);
}

TEST_F(Damage, ConnectionThatWasNeverAcceptedIsNotDriven) {
  recording_.answer(recording_.begin(client_, get("/a")), ok("a"));
  recording_.events.erase(recording_.events.begin());  // the accept
  EXPECT_TRUE(plan().units.empty());
}

TEST_F(Damage, TurnedRangesOfACallBreakNothing) {
  recording_.begin(client_, get("/a"));
  recording_.call({.operation = "GET /stock", .request = get("/stock"), .response = ok("7")});
  std::swap(recording_.calls[{1}].response.begin, recording_.calls[{1}].response.end);
  std::swap(recording_.calls[{1}].request.begin, recording_.calls[{1}].request.end);
  plan();
}

TEST_F(Damage, CallOnAnUnknownConnectionIsMatchedToNothing) {
  recording_.begin(client_, get("/a"));
  recording_.call({.operation = "GET /stock", .request = get("/stock"), .response = ok("7")});
  recording_.calls[{1}].connection = {99};
  const RecordedCall& call = plan().calls.front();
  EXPECT_TRUE(cut_answer(*plan_, call, 0, {plan_->began}, call.context).empty());
}

// --- Everything at once
// ---------------------------------------------------------------------------

// Facts and rows with ids, offsets and ranges that may or may not belong together.
class Nonsense {
 public:
  explicit Nonsense(std::uint32_t seed) : random_(seed) {}

  std::unique_ptr<Plan> plan() {
    for (int i = 0; i < 4; ++i) {
      i % 2 == 0 ? recording_.accept() : recording_.connect("peer" + std::to_string(i));
    }
    for (int i = 0; i < 80; ++i) {
      recording_.context = context();
      recording_.process = {below(3)};
      recording_.thread = {below(4)};
      recording_.now_ticks += below(3'000'000);
      recording_.tell(fact());
    }
    for (std::uint64_t id = 1; id <= 6; ++id) {
      recording_.exchanges[{id}] = {.id = {id},
                                    .connection = {below(7)},
                                    .ordinal = below(4),
                                    .protocol = event::Protocol::kHttp1,
                                    .request = range(),
                                    .response = range(),
                                    .complete = below(2) == 0};
      recording_.calls[{id}] = {.id = {id},
                                .context = context(),
                                .connection = connection(),
                                .protocol = event::Protocol::kResp,
                                .peer = "peer",
                                .operation = "GET",
                                .request = range(),
                                .response = range(),
                                .prelude = below(3) == 0,
                                .complete = below(2) == 0};
    }
    Selection selection;
    if (below(2) == 0)
      selection = {.only = event::ExchangeId{1 + below(7)}, .with_prefix = below(2) == 0};
    return recording_.plan(selection);
  }

 private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  std::uint64_t offset() { return below(20) == 0 ? UINT64_MAX - below(5) : below(30); }
  event::ByteRange range() { return {offset(), offset()}; }
  event::ConnectionId connection() { return {below(7)}; }
  Context context() {
    const std::uint64_t id = below(9);
    return id == 0 ? Context::background() : id == 8 ? Context::unattributed() : Context::of({id});
  }
  int error() { return std::array{0, 0, EAGAIN, EINTR, ECONNRESET, EINPROGRESS}[below(6)]; }
  event::Bytes bytes() { return event::Bytes(below(8), static_cast<std::uint8_t>(below(256))); }

  event::Fact fact() {
    switch (below(17)) {
      case 0:
        return event::Accepted{.listener = connection(), .connection = connection()};
      case 1:
        return event::Connected{.connection = connection(), .type = 1, .error = error()};
      case 2:
        return event::ConnectFinished{connection(), error()};
      case 3:
        return event::Closed{connection(), below(2)};
      case 4:
        return event::SendIntended{connection(), offset(), bytes(), below(2) == 0};
      case 5:
        return event::SendFinished{connection(), offset(), std::int64_t(offset()), error()};
      case 6:
        return event::FileRangeSent{.connection = connection(),
                                    .offset = offset(),
                                    .length = offset(),
                                    .content = below(3)};
      case 7:
      case 8:
        return event::Waited{.ready = {{connection(), true, false, below(2) == 0, false},
                                       {connection(), false, true, false, below(2) == 0}}};
      case 9:
        return event::ClockRead{.source = std::uint8_t(below(9)),
                                .value_ns = std::int64_t(offset())};
      case 10:
        return event::RandomDrawn{.source = 1, .bytes = bytes(), .error = error()};
      case 11:
        return event::ThreadStarted{.ordinal = std::uint32_t(below(3))};
      case 12:
        return event::HandedOff{event::HandedOff::Kind::kThreadCreated, offset()};
      case 13:
        return event::ProcessForked{.child = {below(4)}};
      case 14:
        return event::ProcessStarted{
            .parent = {below(3)}, .path = "0", .image = std::uint32_t(below(2))};
      case 15:
        return event::ThreadEnded{};
      default:
        return event::BytesReceived{connection(), offset(), offset(),
                                    error(),      bytes(),  below(3) == 0};
    }
  }

  std::mt19937 random_;
  ToldRecording recording_;
};

TEST(NonsenseArchive, NeverBreaksAPlan) {
  for (std::uint32_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Nonsense nonsense(seed);
    expect_can_be_walked_through(*nonsense.plan());
    if (testing::Test::HasFailure()) break;
  }
}

TEST(DamagedArchive, GivesThePlanOfWhatIsWhole) {
  const auto whole = archive::sample_disk({}, true, {.block_bytes = 2048});
  std::mt19937 random(1);
  std::size_t plans = 0;
  for (int i = 0; i < 150; ++i) {
    auto disk = std::make_shared<archive::MemoryDisk>(*whole);
    for (int flips = 0; flips < 5; ++flips) disk->bytes[random() % disk->bytes.size()] ^= 0x40;
    if (i % 3 == 0) disk->bytes.resize(random() % disk->bytes.size());
    const auto reader = archive::reader_on(disk);
    if (!reader) continue;
    const auto plan = Plan::read(**reader, {});
    ASSERT_TRUE(plan) << plan.error().message;
    expect_can_be_walked_through(**plan);
    ++plans;
  }
  EXPECT_GT(plans, 50u);
}

}  // namespace
}  // namespace reprise::replayer
