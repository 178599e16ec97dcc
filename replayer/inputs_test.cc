#include "replayer/inputs.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>

#include "replayer/testing/told_recording.h"

namespace reprise::replayer {
namespace {

using std::chrono::milliseconds;

// What arrives on one connection, and in which chunks it would be sent again.
class Chunks : public testing::Test {
 protected:
  Chunks() { recording_.context = event::Context::of({1}); }

  std::vector<std::string> of(event::ConnectionId connection) {
    plan_ = recording_.plan();
    std::vector<std::string> texts;
    for (const Chunk& chunk : plan_->inputs.chunks_of(connection)) {
      texts.push_back(text_of(plan_->streams->bytes({connection, Flow::kReceived}, chunk.bytes)));
    }
    return texts;
  }
  const ConnectionInputs& inputs() { return plan_->inputs.of(connection_); }

  using Texts = std::vector<std::string>;
  ToldRecording recording_;
  const event::ConnectionId connection_ = recording_.accept();
  std::unique_ptr<Plan> plan_;
};

TEST_F(Chunks, ShortReadEndsAChunk) {
  recording_.receive(connection_, "abc", 10);
  recording_.receive(connection_, "def", 10);
  EXPECT_EQ(of(connection_), (Texts{"abc", "def"}));
}

TEST_F(Chunks, ReadThatFilledItsBufferDoesNotEndAChunk) {
  recording_.receive(connection_, "abc", 3);
  recording_.receive(connection_, "def", 3);
  recording_.receive(connection_, "g", 3);
  EXPECT_EQ(of(connection_), Texts{"abcdefg"});
}

TEST_F(Chunks, NothingLeftToReadEndsAChunkThatFilledTheBuffer) {
  recording_.receive(connection_, "abc", 3);
  recording_.receive_nothing(connection_, EAGAIN);
  recording_.receive(connection_, "def", 3);
  EXPECT_EQ(of(connection_), (Texts{"abc", "def"}));
}

TEST_F(Chunks, InterruptedReadEndsNoChunk) {
  recording_.receive(connection_, "abc", 3);
  recording_.receive_nothing(connection_, EINTR);
  recording_.receive(connection_, "def", 3);
  EXPECT_EQ(of(connection_), Texts{"abcdef"});
}

TEST_F(Chunks, PauseEndsAChunkThatFilledTheBuffer) {
  recording_.receive(connection_, "abc", 3);
  recording_.pause(milliseconds(5));
  recording_.receive(connection_, "def", 3);
  EXPECT_EQ(of(connection_), (Texts{"abc", "def"}));
  const auto chunks = plan_->inputs.chunks_of(connection_);
  EXPECT_GE(chunks[1].at - chunks[0].at, milliseconds(5));
}

TEST_F(Chunks, AnswerEndsAChunkThatFilledTheBuffer) {
  recording_.receive(connection_, "abc", 3);
  recording_.send(connection_, "answer");
  recording_.receive(connection_, "def", 3);
  EXPECT_EQ(of(connection_), (Texts{"abc", "def"}));
}

TEST_F(Chunks, FileThatIsSentEndsAChunkToo) {
  recording_.receive(connection_, "abc", 3);
  recording_.tell(event::FileRangeSent{.connection = connection_, .length = 10});
  recording_.receive(connection_, "def", 3);
  EXPECT_EQ(of(connection_), (Texts{"abc", "def"}));
}

TEST_F(Chunks, WhatIsSentElsewhereEndsNoChunk) {
  const event::ConnectionId other = recording_.accept();
  recording_.receive(connection_, "abc", 3);
  recording_.send(other, "answer");
  recording_.receive(other, "xyz", 10);
  recording_.receive(connection_, "def", 3);
  EXPECT_EQ(of(connection_), Texts{"abcdef"});
  EXPECT_EQ(of(other), Texts{"xyz"});
}

TEST_F(Chunks, LargeReadToldInPartsIsOneRead) {
  const auto part = [&](const std::string& bytes, std::uint64_t offset, bool continues) {
    recording_.tell(event::BytesReceived{.connection = connection_,
                                         .offset = offset,
                                         .requested = 6,
                                         .bytes = bytes_of(bytes),
                                         .continues = continues});
  };
  part("ab", 0, true);
  part("cd", 2, true);
  part("ef", 4, false);  // together they filled the buffer
  part("g", 6, false);
  part("h", 7, false);
  EXPECT_EQ(of(connection_), (Texts{"abcdefg", "h"}));
  EXPECT_EQ(plan_->inputs.chunks_of(connection_)[0].anchors, 2u);
}

TEST_F(Chunks, EachReadOfAChunkKeepsItsOwnAnchor) {
  recording_.receive(connection_, "abc", 3);
  recording_.receive(connection_, "def", 3);
  of(connection_);
  const auto anchors = plan_->inputs.anchors_of(plan_->inputs.chunks_of(connection_)[0]);
  ASSERT_EQ(anchors.size(), 2u);
  EXPECT_EQ(anchors[0].offset, 0u);
  EXPECT_EQ(anchors[1].offset, 3u);
  EXPECT_NE(anchors[0].entry, anchors[1].entry);
}

// --- The end of what a peer sends
// -----------------------------------------------------------------

TEST_F(Chunks, EndOfStreamIsLearntOnce) {
  recording_.receive(connection_, "abc");
  recording_.receive_nothing(connection_, 0);
  const Moment ended = recording_.now();
  recording_.context = event::Context::background();
  recording_.receive_nothing(connection_, ECONNRESET);
  EXPECT_EQ(of(connection_), Texts{"abc"});
  EXPECT_EQ(inputs().end, PeerEnd::kEof);
  EXPECT_EQ(inputs().ended, ended);
  EXPECT_EQ(inputs().end_context, event::Context::of({1}));
}

TEST_F(Chunks, ResetIsNoOrderlyEnd) {
  recording_.receive_nothing(connection_, ECONNRESET);
  EXPECT_EQ(of(connection_), Texts{});
  EXPECT_EQ(inputs().end, PeerEnd::kReset);
}

// A peer that goes when the service does must not go before it, should the service take longer.
TEST_F(Chunks, EndThatFollowsTheServicesOwnIsTold) {
  recording_.receive(connection_, "abc");
  recording_.tell(event::ShutDown{.connection = connection_, .how = SHUT_WR});
  recording_.receive_nothing(connection_, 0);
  const auto other = recording_.accept();
  recording_.receive_nothing(other, 0);
  recording_.tell(event::ShutDown{.connection = other, .how = SHUT_WR});
  of(connection_);
  EXPECT_TRUE(inputs().after_service);
  EXPECT_FALSE(plan_->inputs.of(other).after_service);
}

TEST_F(Chunks, ConnectionThatStaysOpenHasNoEnd) {
  recording_.receive(connection_, "abc");
  recording_.receive_nothing(connection_, EAGAIN);
  of(connection_);
  EXPECT_EQ(inputs().end, PeerEnd::kNone);
}

TEST_F(Chunks, PeerThatWasReportedAndNeverReadHadHungUp) {
  recording_.receive(connection_, "abc");
  recording_.report({connection_});
  const Moment reported = recording_.now();
  recording_.pause(milliseconds(3));
  recording_.tell(event::Closed{.connection = connection_});
  of(connection_);
  EXPECT_EQ(inputs().end, PeerEnd::kEof);
  EXPECT_EQ(inputs().ended, reported);
}

TEST_F(Chunks, ConnectionClosedWithBytesUnreadWasNotHungUpOn) {
  recording_.receive(connection_, "abc");
  recording_.report({connection_});
  recording_.tell(event::Closed{.connection = connection_, .unread = 7});
  of(connection_);
  EXPECT_EQ(inputs().end, PeerEnd::kNone);
}

TEST_F(Chunks, ConnectionReadAfterItsReportWasNotHungUpOn) {
  recording_.report({connection_});
  recording_.receive(connection_, "abc");
  recording_.tell(event::Closed{.connection = connection_});
  of(connection_);
  EXPECT_EQ(inputs().end, PeerEnd::kNone);
}

TEST_F(Chunks, UnknownConnectionHasNone) { EXPECT_EQ(of({77}), Texts{}); }

}  // namespace
}  // namespace reprise::replayer
