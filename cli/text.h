// Text for people: durations, sizes, times, and what may safely be printed on a terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::cli {

// `text` with everything escaped that is not printable UTF-8: control characters could drive the
// terminal. Escapes are \n, \r, \t and \xHH.
std::string printable(std::string_view text);

// Columns that printable text takes on a terminal.
std::size_t columns_of(std::string_view text);
// `text` in at most `columns` columns, the last of them "…" when something was cut off.
std::string truncated(std::string_view text, std::size_t columns);
// `text` filled up to `columns` with spaces on the right, or on the left.
std::string pad_right(std::string text, std::size_t columns);
std::string pad_left(std::string text, std::size_t columns);

std::string duration_text(std::int64_t nanoseconds);  // "812 µs", "3.21 ms", "1 min 4 s"
std::string size_text(std::uint64_t bytes);           // "214 B", "1.2 KiB"
std::string count_text(std::uint64_t count, std::string_view noun);  // "1 call", "3 calls"
// A command line as it would be typed; what is secret in it (event/secrecy.h) is masked.
std::string command_text(const std::vector<std::string>& words);
std::string date_text(std::int64_t unix_ns);  // "2024-05-01", UTC
std::string time_text(std::int64_t unix_ns);  // "12:03:44.123", UTC

// "TLS 1.3" of 0x0304, the version on the wire.
std::string tls_text(std::uint32_t version);

std::string base64(std::span<const std::uint8_t> bytes);
// Lines of offset, sixteen bytes in hex, and as text.
std::string hex_dump(std::span<const std::uint8_t> bytes);
bool is_text(std::span<const std::uint8_t> bytes);  // valid UTF-8 without controls but white space

// Letters to change, add or leave out to make `b` from `a`.
std::size_t edit_distance(std::string_view a, std::string_view b);

// `word` as a shell reads it back: quoted where need be.
std::string shell_word(std::string_view word);

}  // namespace reprise::cli
