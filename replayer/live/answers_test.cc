// The oracle is AnswerWatch, which decodes everything: the same has to be told at the same moments.
#include "replayer/live/answers.h"

#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "replayer/testing/told_recording.h"

namespace reprise::replayer {
namespace {

using protocol::Side;

struct Piece {
  Side side;
  std::string bytes;
};

// A response, by what had passed when it was told.
using Told =
    std::tuple<std::uint32_t, std::size_t, std::uint64_t, bool, bool, std::string, std::string>;

Told told(std::uint32_t transaction, std::size_t after, const Answer& answer) {
  return {transaction,  after,         answer.length,        answer.equal,
          answer.whole, answer.status, text_of(answer.bytes)};
}

std::vector<Told> decoded(const Plan& plan, const RecordedConnection& recorded,
                          const std::vector<Piece>& pieces) {
  std::vector<Told> all;
  std::size_t passed = 0;
  AnswerWatch watch(plan, recorded, [&](std::uint32_t transaction) {
    all.push_back(told(transaction, passed, watch.take(transaction)));
  });
  for (const Piece& piece : pieces) {
    ++passed;
    const event::Bytes bytes = bytes_of(piece.bytes);
    piece.side == Side::kClient ? watch.sent(bytes) : watch.received(bytes);
  }
  ++passed;
  watch.service_ended(protocol::End::kEof);
  return all;
}

class AnswersTest : public ::testing::Test {
 protected:
  // One connection with these responses to as many requests, all of which come in one piece.
  void record(const std::vector<std::string>& responses) {
    const auto client = recording_.accept();
    int number = 0;
    for (const std::string& response : responses) {
      const std::string request = get("/" + std::to_string(++number));
      recording_.answer(recording_.begin(client, request), response);
      recorded_.push_back({Side::kClient, request});
      recorded_.push_back({Side::kServer, response});
    }
    plan_ = recording_.plan();
    connection_ = plan_->connection(client);
    notes_ = AnswerNotes(*plan_, *connection_);
  }

  // `decodes`: of how many requests the response is decoded whatever it is.
  std::vector<Told> follow(const std::vector<Piece>& pieces, int& decodes) {
    decodes = 0;
    std::vector<Told> all;
    std::size_t passed = 0;
    std::uint64_t sent = 0;
    Answers answers(*plan_, *connection_, notes_, [&](std::uint32_t transaction) {
      all.push_back(told(transaction, passed, answers.take(transaction)));
    });
    for (const Piece& piece : pieces) {
      ++passed;
      const event::Bytes bytes = bytes_of(piece.bytes);
      if (piece.side == Side::kClient) {
        answers.sent(std::exchange(sent, sent + bytes.size()), bytes);
        decodes += answers.decodes() ? 1 : 0;
      } else {
        answers.received(bytes);
      }
    }
    ++passed;
    answers.service_ended(protocol::End::kEof);
    return all;
  }

  void expect_as_decoded(const std::vector<Piece>& pieces) {
    int decodes = 0;
    EXPECT_EQ(follow(pieces, decodes), decoded(*plan_, *connection_, pieces));
  }

  ToldRecording recording_;
  std::unique_ptr<Plan> plan_;
  const RecordedConnection* connection_ = nullptr;
  AnswerNotes notes_;
  std::vector<Piece> recorded_;
};

TEST_F(AnswersTest, WhatWasDecodedOnceIsNotDecodedAgain) {
  record({ok("one"), ok("two"), ok("three")});
  const auto expected = decoded(*plan_, *connection_, recorded_);
  ASSERT_EQ(expected.size(), 3u);
  int decodes = 0;
  EXPECT_EQ(follow(recorded_, decodes), expected);
  EXPECT_EQ(decodes, 3) << "the first pass";
  EXPECT_EQ(follow(recorded_, decodes), expected);
  EXPECT_EQ(decodes, 0);
}

TEST_F(AnswersTest, OneThatDiffersDoesNotConcernTheOthers) {
  record({ok("one"), ok("two"), ok("three")});
  std::vector<Piece> pieces = recorded_;
  pieces[3].bytes.back() ^= 1;
  int decodes = 0;
  EXPECT_EQ(follow(pieces, decodes), decoded(*plan_, *connection_, pieces));
  EXPECT_EQ(follow(pieces, decodes), decoded(*plan_, *connection_, pieces));
  EXPECT_EQ(decodes, 1) << "of the second it is not known how it ends";
  EXPECT_EQ(follow(recorded_, decodes), decoded(*plan_, *connection_, recorded_));
}

TEST_F(AnswersTest, HoweverTheResponsesAreCut) {
  record({ok("one"), ok("two")});
  expect_as_decoded(recorded_);
  const std::string first = recorded_[1].bytes;
  for (std::size_t cut = 1; cut < first.size(); ++cut) {
    std::vector<Piece> pieces = recorded_;
    pieces[1].bytes = first.substr(0, cut);
    pieces.insert(pieces.begin() + 2, {Side::kServer, first.substr(cut)});
    expect_as_decoded(pieces);
  }
}

TEST_F(AnswersTest, EveryByteThatDiffersInALaterPassIsSeen) {
  record({ok("one"), ok("two"), ok("three")});
  expect_as_decoded(recorded_);
  for (std::size_t piece = 1; piece < recorded_.size(); piece += 2) {
    for (std::size_t at = 0; at < recorded_[piece].bytes.size(); ++at) {
      std::vector<Piece> pieces = recorded_;
      pieces[piece].bytes[at] ^= 1;
      SCOPED_TRACE(pieces[piece].bytes);
      expect_as_decoded(pieces);
    }
  }
}

TEST_F(AnswersTest, PipelinedResponsesMayComeTogether) {
  record({ok("one"), ok("two")});
  expect_as_decoded(recorded_);
  const std::vector<Piece> together = {
      recorded_[0], recorded_[2], {Side::kServer, recorded_[1].bytes + recorded_[3].bytes}};
  expect_as_decoded(together);
}

TEST_F(AnswersTest, AResponseThatGoesOnIsNotWholeAsRecorded) {
  record({ok("one"), ok("two")});
  expect_as_decoded(recorded_);
  std::vector<Piece> pieces = recorded_;
  pieces[3].bytes += ok("unasked");
  expect_as_decoded(pieces);
}

TEST_F(AnswersTest, WhatOnlyTheEndOfTheConnectionEndsIsWholeWithThatAlone) {
  record({ok("one"), "HTTP/1.0 200 OK\r\n\r\nuntil the end"});
  expect_as_decoded(recorded_);
  expect_as_decoded(recorded_);
  EXPECT_TRUE(notes_.whole[0]);
  EXPECT_FALSE(notes_.whole[1]);
}

TEST_F(AnswersTest, OfAResponseThatBreaksOffItIsToldHowMuchCame) {
  record({ok("one"), ok("two")});
  expect_as_decoded(recorded_);
  std::vector<Piece> pieces = recorded_;
  pieces[3].bytes.resize(10);
  expect_as_decoded(pieces);
}

TEST_F(AnswersTest, ARequestWithAHoleIsAnotherOne) {
  record({ok("one"), ok("two")});
  expect_as_decoded(recorded_);
  Answers answers(*plan_, *connection_, notes_, [](std::uint32_t) {});
  answers.sent(0, bytes_of(recorded_[0].bytes));
  EXPECT_FALSE(answers.decodes());
  answers.sent(recorded_[0].bytes.size() + 5, bytes_of(recorded_[2].bytes.substr(5)));
  EXPECT_TRUE(answers.decodes());
}

}  // namespace
}  // namespace reprise::replayer
