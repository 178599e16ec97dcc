#include "cli/text.h"

#include <gtest/gtest.h>

namespace reprise::cli {
namespace {

TEST(Text, NamesVersionsOfTls) {
  EXPECT_EQ(tls_text(0x0301), "TLS 1.0");
  EXPECT_EQ(tls_text(0x0304), "TLS 1.3");
}

TEST(Printable, ControlCharactersDoNotReachTheTerminal) {
  EXPECT_EQ(printable("a\x1b[31mb"), "a\\x1b[31mb");
  EXPECT_EQ(printable("a\r\n\tb"), "a\\r\\n\\tb");
  EXPECT_EQ(printable(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\xc2\\x9b31m");  // C1: another form of ESC [
  EXPECT_EQ(printable("\xe2\x80\xae"
                      "gpj.exe"),
            "\\xe2\\x80\\xaegpj.exe");  // right to left
}

TEST(Printable, KeepsTextInAnyLanguage) {
  for (const char* text : {"größer", "日本語", "🙂", "naïve – ok"})
    EXPECT_EQ(printable(text), text);
}

TEST(Printable, EscapesWhatIsNotUtf8) {
  EXPECT_EQ(printable("a\xff"), "a\\xff");
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");           // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(printable("\xe6\x97"), "\\xe6\\x97");           // cut off
}

TEST(Truncated, CutsAtColumnsNotBytes) {
  EXPECT_EQ(truncated("abcdef", 6), "abcdef");
  EXPECT_EQ(truncated("abcdefg", 6), "abcde…");
  EXPECT_EQ(truncated("größer", 4), "grö…");
  EXPECT_EQ(truncated("日本語", 5), "日本…");
  EXPECT_EQ(truncated("日本語", 4), "日…");
  EXPECT_EQ(truncated("abc", 0), "");
}

TEST(DurationText, HasThreeDigitsAndAUnit) {
  EXPECT_EQ(duration_text(0), "0 ns");
  EXPECT_EQ(duration_text(999), "999 ns");
  EXPECT_EQ(duration_text(1'234), "1.23 µs");
  EXPECT_EQ(duration_text(812'000), "812 µs");
  EXPECT_EQ(duration_text(999'900), "1.00 ms");
  EXPECT_EQ(duration_text(12'345'678), "12.3 ms");
  EXPECT_EQ(duration_text(5'000'000'000), "5.00 s");
  EXPECT_EQ(duration_text(64'000'000'000), "1 min 4 s");
  EXPECT_EQ(duration_text(3'700'000'000'000), "1 h 1 min");
  EXPECT_EQ(duration_text(-1'500), "-1.50 µs");
  EXPECT_EQ(duration_text(INT64_MIN).front(), '-');
}

TEST(SizeText, UsesBinaryUnits) {
  EXPECT_EQ(size_text(0), "0 B");
  EXPECT_EQ(size_text(1023), "1023 B");
  EXPECT_EQ(size_text(1536), "1.5 KiB");
  EXPECT_EQ(size_text(64u << 20), "64.0 MiB");
  EXPECT_EQ(size_text(~std::uint64_t{0}), "16.0 EiB");
}

TEST(TimeText, IsUtcAndKnowsTimesBefore1970) {
  EXPECT_EQ(date_text(1'700'000'000'123'456'789), "2023-11-14");
  EXPECT_EQ(time_text(1'700'000'000'123'456'789), "22:13:20.123");
  EXPECT_EQ(date_text(-1), "1969-12-31");
  EXPECT_EQ(time_text(-1), "23:59:59.999");
}

TEST(Base64, PadsAsRfc4648) {
  const auto encode = [](std::string_view text) {
    return base64({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  };
  EXPECT_EQ(encode(""), "");
  EXPECT_EQ(encode("f"), "Zg==");
  EXPECT_EQ(encode("fo"), "Zm8=");
  EXPECT_EQ(encode("foo"), "Zm9v");
  EXPECT_EQ(encode("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encode("\xff\xfe"), "//4=");
}

TEST(HexDump, ShowsOffsetsBytesAndText) {
  const std::vector<std::uint8_t> bytes = {0, 'A', 0xff};
  EXPECT_EQ(hex_dump(bytes), "00000000  00 41 ff                                          |.A.|\n");
}

TEST(EditDistance, CountsLetters) {
  EXPECT_EQ(edit_distance("ls", "ls"), 0u);
  EXPECT_EQ(edit_distance("sl", "ls"), 2u);
  EXPECT_EQ(edit_distance("verfy", "verify"), 1u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
}

TEST(ShellWord, QuotesWhatAShellWouldTakeApart) {
  EXPECT_EQ(shell_word("/tmp/a.reprise"), "/tmp/a.reprise");
  EXPECT_EQ(shell_word("my file"), "'my file'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("$HOME"), "'$HOME'");
}

TEST(Text, CommandLineIsQuotedAndHasNoSecrets) {
  EXPECT_EQ(command_text({"./shop", "a b", "--token", "abc", "line\nline"}),
            "./shop 'a b' --token '***' 'line\\nline'");
}

}  // namespace
}  // namespace reprise::cli
