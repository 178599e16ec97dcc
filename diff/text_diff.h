// Differences of two bodies that are not JSON: of text by line, of other bytes by offset.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "diff/difference.h"

namespace reprise::diff {

// Valid UTF-8 without controls but white space.
bool is_text(std::span<const std::uint8_t> bytes);

// Appends to `differences`, at `where`.line[N]. Lines are compared with their ends; a carriage
// return counts.
void compare_lines(std::string_view base, std::string_view candidate, const std::string& where,
                   Differences& differences);

// Appends to `differences`, at `where`.byte[N]: runs in hexadecimal, long ones with "…" and their
// length. Of bodies of equal length each run of different bytes is one difference, else everything
// between the equal beginning and the equal end is.
void compare_bytes(std::span<const std::uint8_t> base, std::span<const std::uint8_t> candidate,
                   const std::string& where, Differences& differences);

// "7f 45 4c 46", "7f 45 … (70 bytes)".
std::string hex_text(std::span<const std::uint8_t> bytes);

}  // namespace reprise::diff
