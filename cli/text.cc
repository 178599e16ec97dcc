#include "cli/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <numeric>

#include "event/secrecy.h"

namespace reprise::cli {
namespace {

// Length of the well-formed UTF-8 sequence at the beginning of `text`, 0 when there is none
// (RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF).
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  std::size_t length = 0;
  unsigned char low = 0x80, high = 0xbf;
  if (first >= 0xc2 && first <= 0xdf) {
    length = 2;
  } else if (first >= 0xe0 && first <= 0xef) {
    length = 3;
    if (first == 0xe0) low = 0xa0;
    if (first == 0xed) high = 0x9f;
  } else if (first >= 0xf0 && first <= 0xf4) {
    length = 4;
    if (first == 0xf0) low = 0x90;
    if (first == 0xf4) high = 0x8f;
  }
  if (length == 0 || text.size() < length) return 0;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xbf) return 0;
  }
  return length;
}

bool is_control(std::string_view sequence) {
  const auto first = static_cast<unsigned char>(sequence[0]);
  if (first < 0x20 || first == 0x7f) return true;
  if (sequence.size() == 2 && first == 0xc2 && static_cast<unsigned char>(sequence[1]) < 0xa0) {
    return true;  // C1 controls, which some terminals obey
  }
  // Marks that reorder or hide text: U+200B..U+200F, U+202A..U+202E, U+2066..U+2069.
  if (sequence.size() != 3 || first != 0xe2) return false;
  const unsigned point = 0x2000u | ((static_cast<unsigned char>(sequence[1]) & 0x3fu) << 6) |
                         (static_cast<unsigned char>(sequence[2]) & 0x3fu);
  return (point >= 0x200b && point <= 0x200f) || (point >= 0x202a && point <= 0x202e) ||
         (point >= 0x2066 && point <= 0x2069);
}

std::string_view as_text(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const std::string_view sequence = text.substr(0, std::max<std::size_t>(length, 1));
    if (length != 0 && !is_control(sequence)) {
      out += sequence;
    } else if (sequence == "\n") {
      out += "\\n";
    } else if (sequence == "\r") {
      out += "\\r";
    } else if (sequence == "\t") {
      out += "\\t";
    } else {
      for (const char c : sequence) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
    text.remove_prefix(sequence.size());
  }
  return out;
}

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const std::size_t length = std::max<std::size_t>(sequence_length(text), 1);
    // East Asian wide forms and emoji take two columns.
    const auto first = static_cast<unsigned char>(text[0]);
    const bool wide = length == 4 || (length == 3 && first >= 0xe3 && first <= 0xed);
    columns += wide ? 2 : 1;
    text.remove_prefix(length);
  }
  return columns;
}

std::string truncated(std::string_view text, std::size_t columns) {
  if (columns_of(text) <= columns) return std::string(text);
  std::string out;
  std::size_t used = 0;
  while (!text.empty()) {
    const std::size_t length = std::max<std::size_t>(sequence_length(text), 1);
    const std::size_t next = columns_of(text.substr(0, length));
    if (used + next + 1 > columns) break;
    out += text.substr(0, length);
    used += next;
    text.remove_prefix(length);
  }
  return columns == 0 ? "" : out + "…";
}

std::string pad_right(std::string text, std::size_t columns) {
  const std::size_t used = columns_of(text);
  if (used < columns) text.append(columns - used, ' ');
  return text;
}

std::string pad_left(std::string text, std::size_t columns) {
  const std::size_t used = columns_of(text);
  if (used < columns) text.insert(0, columns - used, ' ');
  return text;
}

std::string duration_text(std::int64_t nanoseconds) {
  if (nanoseconds < 0)
    return "-" + duration_text(nanoseconds == INT64_MIN ? INT64_MAX : -nanoseconds);
  const auto value = static_cast<double>(nanoseconds);
  // Three significant digits.
  const auto in_unit = [](double amount, const char* unit) {
    return fmt::format("{:.{}f} {}", amount, amount < 9.995 ? 2 : amount < 99.95 ? 1 : 0, unit);
  };
  if (nanoseconds < 1'000) return fmt::format("{} ns", nanoseconds);
  if (value < 999.5e3) return in_unit(value / 1e3, "µs");
  if (value < 999.5e6) return in_unit(value / 1e6, "ms");
  if (value < 59.95e9) return in_unit(value / 1e9, "s");
  const std::int64_t seconds =
      nanoseconds / 1'000'000'000 + (nanoseconds % 1'000'000'000 >= 500'000'000 ? 1 : 0);
  if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
}

std::string size_text(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  static constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double amount = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; amount >= 1023.95 && unit + 1 < std::size(kUnits); ++unit) amount /= 1024;
  return fmt::format("{:.1f} {}", amount, kUnits[unit]);
}

std::string count_text(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string command_text(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : event::masked_command(words)) {
    text += (text.empty() ? "" : " ") + shell_word(printable(word));
  }
  return text;
}

std::string date_text(std::int64_t unix_ns) {
  const std::time_t seconds = unix_ns / 1'000'000'000 - (unix_ns % 1'000'000'000 < 0 ? 1 : 0);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

std::string time_text(std::int64_t unix_ns) {
  std::int64_t nanos = unix_ns % 1'000'000'000;
  std::time_t seconds = unix_ns / 1'000'000'000;
  if (nanos < 0) {
    nanos += 1'000'000'000;
    --seconds;
  }
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:02}:{:02}:{:02}.{:03}", parts.tm_hour, parts.tm_min, parts.tm_sec,
                     nanos / 1'000'000);
}

std::string tls_text(std::uint32_t version) {
  // 0x0301 is TLS 1.0: SSL 3.0's successor kept on counting (RFC 8446, D).
  return "TLS 1." + std::to_string((version & 0xff) - 1);
}

std::string base64(std::span<const std::uint8_t> bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = std::min<std::size_t>(3, bytes.size() - i);
    const std::uint32_t group =
        (bytes[i] << 16) | ((left > 1 ? bytes[i + 1] : 0u) << 8) | (left > 2 ? bytes[i + 2] : 0u);
    out += kDigits[group >> 18];
    out += kDigits[(group >> 12) & 63];
    out += left > 1 ? kDigits[(group >> 6) & 63] : '=';
    out += left > 2 ? kDigits[group & 63] : '=';
  }
  return out;
}

std::string hex_dump(std::span<const std::uint8_t> bytes) {
  std::string out;
  for (std::size_t line = 0; line < bytes.size(); line += 16) {
    std::string hex, text;
    for (std::size_t i = line; i < std::min(line + 16, bytes.size()); ++i) {
      if (i == line + 8) hex += ' ';
      hex += fmt::format("{:02x} ", bytes[i]);
      text += bytes[i] >= 0x20 && bytes[i] < 0x7f ? static_cast<char>(bytes[i]) : '.';
    }
    out += fmt::format("{:08x}  {:<49} |{}|\n", line, hex, text);
  }
  return out;
}

bool is_text(std::span<const std::uint8_t> bytes) {
  std::string_view text = as_text(bytes);
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    if (length == 0) return false;
    const char c = text[0];
    if (is_control(text.substr(0, length)) && c != '\n' && c != '\r' && c != '\t') return false;
    text.remove_prefix(length);
  }
  return true;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

std::string shell_word(std::string_view word) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=./:@%,";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string(word);
  }
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace reprise::cli
