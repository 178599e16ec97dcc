#include "examples/checkout/amount.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <system_error>

namespace checkout {
namespace {

#ifdef CHECKOUT_FIXED
constexpr std::chars_format kNotation = std::chars_format::general;
#else
constexpr std::chars_format kNotation = std::chars_format::fixed;
#endif

// A double holds every amount up to this one to the cent.
constexpr double kLargestUnits = 1e12;

}  // namespace

tl::expected<Cents, std::string> ParseAmount(std::string_view text) {
  const char* const end = text.data() + text.size();
  double units = 0;
  // What follows the number is the currency.
  const std::from_chars_result number = std::from_chars(text.data(), end, units, kNotation);
  if (number.ec != std::errc{} || !(std::abs(units) <= kLargestUnits)) {
    return tl::unexpected(fmt::format("'{}' is not an amount such as '12.5 EUR'", text));
  }
  return Cents{std::llround(units * 100)};
}

std::string FormatAmount(Cents amount, std::string_view currency) {
  const int64_t magnitude = std::abs(amount.value);
  return fmt::format("{}{}.{:02} {}", amount.value < 0 ? "-" : "", magnitude / 100, magnitude % 100,
                     currency);
}

}  // namespace checkout
