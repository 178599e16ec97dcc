#include "cli/body_text.h"

#include <gtest/gtest.h>

namespace reprise::cli {
namespace {

protocol::Message message(std::string_view body, std::string content_type = "") {
  protocol::Message message;
  message.body.assign(body.begin(), body.end());
  message.decoded_body = message.body;
  message.content_type = std::move(content_type);
  return message;
}

TEST(BodyText, JsonIsIndentedAndItsNumbersStay) {
  const BodyText shown = body_text(message(R"({"a":[1,0.10000000000000000001],"b":{}})"), 0);
  EXPECT_EQ(shown.kind, "JSON");
  EXPECT_EQ(shown.text,
            "{\n  \"a\": [\n    1,\n    0.10000000000000000001\n  ],\n  \"b\": {}\n}\n");
}

TEST(BodyText, WhatOnlyLooksLikeJsonIsText) {
  EXPECT_EQ(body_text(message("{broken"), 0).text, "{broken\n");
  EXPECT_EQ(body_text(message("{broken"), 0).kind, "text");
}

TEST(BodyText, LinesStayAndControlsAreEscaped) {
  EXPECT_EQ(body_text(message("a\r\nb\tc"), 0).text, "a\nb    c\n");
  EXPECT_EQ(body_text(message("\"\x1b\""), 0).kind, "binary");
}

TEST(BodyText, BinaryIsDumpedUpToALimit) {
  const std::string bytes(1000, '\x01');
  const BodyText head = body_text(message(bytes), 4096);
  EXPECT_EQ(head.kind, "binary");
  EXPECT_EQ(head.hidden, 1000u - 256u);
  EXPECT_EQ(body_text(message(bytes), 0).hidden, 0u);
}

TEST(BodyText, LongTextIsCutBehindALine) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "line\n";
  const BodyText shown = body_text(message(text), 52);
  EXPECT_EQ(shown.text.size(), 50u);
  EXPECT_EQ(shown.hidden, 450u);
}

TEST(BodyText, LongLineIsNotCutInsideACharacter) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "ü";
  const BodyText shown = body_text(message(text), 51);
  EXPECT_EQ(shown.text, [] {
    std::string expected;
    for (int i = 0; i < 25; ++i) expected += "ü";
    return expected + "\n";
  }());
}

}  // namespace
}  // namespace reprise::cli
