// What a program sees of an annotated call: recorded, and given back from what was recorded.
#include "sdk/call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/serialization/map.hpp>
#include <boost/serialization/unique_ptr.hpp>
#include <boost/serialization/vector.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sdk/keeping_agent.h"

namespace reprise {
namespace {

using Mode = KeepingAgent::Mode;

class CallTest : public testing::Test {
 protected:
  ~CallTest() override { agent_ = {}; }

  // Does it once for the recording and once more from that; the function runs only the first time.
  template <typename Do>
  auto twice(Do once) {
    agent_.mode = Mode::kRecord;
    const auto recorded = once();
    EXPECT_EQ(performed_, 1);
    agent_.mode = Mode::kReplay;
    const auto replayed = once();
    EXPECT_EQ(performed_, 1) << "called at replay";
    return std::pair(recorded, replayed);
  }

  // What comes of a function that throws; of a replay.
  template <typename Caught>
  void throws_again(std::function<void()> function, std::function<void(const Caught&)> check) {
    for (const Mode one : {Mode::kRecord, Mode::kReplay}) {
      agent_.mode = one;
      try {
        external_call("fails", function);
        ADD_FAILURE() << "nothing was thrown";
      } catch (const Caught& error) {
        if (one == Mode::kReplay) check(error);
      }
    }
    EXPECT_EQ(agent_.ends, 1);
  }

  KeepingAgent& agent_ = keeping_agent();
  int performed_ = 0;
};

TEST_F(CallTest, ResultsOfAnySerializableTypeComeBack) {
  using Stock = std::map<std::string, std::vector<double>>;
  const Stock stock = {{"tea", {1.5, std::numeric_limits<double>::infinity()}}, {"", {}}};
  const auto [recorded, replayed] = twice([&] {
    return external_call("stock", std::string("all"), [&](const std::string&) {
      ++performed_;
      return stock;
    });
  });
  EXPECT_EQ(recorded, stock);
  EXPECT_EQ(replayed, stock);
}

TEST_F(CallTest, ANumberThatIsNoneComesBackAsNone) {
  const auto [recorded, replayed] = twice([&] {
    return external_call("nan", [&] { return ++performed_, std::nan(""); });
  });
  EXPECT_TRUE(std::isnan(replayed));
  EXPECT_TRUE(std::isnan(recorded));
}

TEST_F(CallTest, MoveOnlyArgumentsAndResultsAreMoved) {
  const auto [recorded, replayed] = twice([&] {
    auto in = std::make_unique<std::vector<int>>(3, 7);
    const auto out =
        external_call("move", std::move(in), [&](std::unique_ptr<std::vector<int>> given) {
          ++performed_;
          given->push_back(1);
          return given;
        });
    return out->size();
  });
  EXPECT_EQ(recorded, 4u);
  EXPECT_EQ(replayed, 4u);
}

TEST_F(CallTest, ACallWithoutResultIsNotMadeAgain) {
  twice([&] {
    external_call("void", 1, [&](int) { ++performed_; });
    return 0;
  });
  EXPECT_EQ(agent_.ends, 1);
}

TEST_F(CallTest, AFunctionMayCaptureItsArguments) {
  const std::string key = "k";
  const auto [recorded, replayed] =
      twice([&] { return external_call("capture", key, [&] { return ++performed_, key + "!"; }); });
  EXPECT_EQ(replayed, "k!");
  EXPECT_EQ(recorded, "k!");
}

TEST_F(CallTest, TextOfAnyKindIsTheSameArgument) {
  agent_.mode = Mode::kRecord;
  external_call("text", "key", [](std::string_view) {});
  agent_.mode = Mode::kReplay;
  external_call("text", std::string("key"), [](std::string_view) { FAIL() << "called"; });
  external_call("text", std::string_view("key"), [](std::string_view) { FAIL() << "called"; });
}

TEST_F(CallTest, AStandardExceptionIsThrownAsItself) {
  throws_again<std::exception>([] { throw std::out_of_range("far"); },
                               [](const std::exception& error) {
                                 EXPECT_STREQ(error.what(), "far");
                                 EXPECT_EQ(typeid(error), typeid(std::out_of_range));
                               });
}

TEST_F(CallTest, ASystemErrorKeepsItsCodeAndItsText) {
  std::string text;
  throws_again<std::system_error>(
      [&] {
        const std::system_error error(std::make_error_code(std::errc::permission_denied), "store");
        text = error.what();
        throw error;
      },
      [&](const std::system_error& error) {
        EXPECT_EQ(error.code(), std::errc::permission_denied);
        EXPECT_EQ(error.what(), text);
      });
}

class Unregistered : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

TEST_F(CallTest, AnUnknownExceptionIsItsNearestBaseAndSaysWhatItWas) {
  throws_again<std::invalid_argument>(
      [] { throw Unregistered("odd"); },
      [](const std::invalid_argument& error) {
        EXPECT_STREQ(error.what(), "odd");
        const auto* recorded = dynamic_cast<const RecordedError*>(&error);
        ASSERT_NE(recorded, nullptr);
        EXPECT_THAT(recorded->type(), testing::HasSubstr("Unregistered"));
      });
}

class Registered : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

TEST_F(CallTest, ARegisteredExceptionIsThrownAsItself) {
  register_error<Registered>();
  throws_again<Registered>([] { throw Registered("mine"); },
                           [](const Registered& error) { EXPECT_STREQ(error.what(), "mine"); });
}

TEST_F(CallTest, WhatIsNoExceptionIsToldByItsType) {
  agent_.mode = Mode::kRecord;
  EXPECT_THROW(external_call("fails", [] { throw 7; }), int);
  agent_.mode = Mode::kReplay;
  try {
    external_call("fails", [] {});
    ADD_FAILURE();
  } catch (const RecordedError& error) {
    EXPECT_EQ(error.type(), "int");
  }
}

TEST_F(CallTest, WhatWasNotRecordedIsNotMade) {
  agent_.mode = Mode::kReplay;
  EXPECT_THROW(external_call("new", 1, [](int) { ADD_FAILURE() << "called"; }), NotRecorded);
}

TEST_F(CallTest, AnOutcomeOfAnotherTypeIsNotTakenForOne) {
  agent_.mode = Mode::kRecord;
  external_call("changed", [] { return std::string("text"); });
  agent_.mode = Mode::kReplay;
  EXPECT_THROW(external_call("changed", [] { return std::vector<int>{1}; }), NotRecorded);
}

struct Unwritable {
  template <typename Archive>
  void serialize(Archive&, unsigned) {
    throw boost::archive::archive_exception(boost::archive::archive_exception::other_exception);
  }
};

TEST_F(CallTest, WhatCannotBeWrittenNeverFailsTheService) {
  agent_.mode = Mode::kRecord;
  EXPECT_EQ(external_call("argument", Unwritable(), [](const Unwritable&) { return 1; }), 1);
  int performed = 0;
  external_call("result", [&] { return ++performed, Unwritable(); });
  EXPECT_EQ(performed, 1);
  EXPECT_EQ(agent_.ends, 1) << "a call that began has an end";
  agent_.mode = Mode::kReplay;
  EXPECT_THROW(external_call("result", [] { return Unwritable(); }), NotRecorded);
}

}  // namespace
}  // namespace reprise
