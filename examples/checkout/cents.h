// Money, counted in the smallest unit of its currency.
#ifndef EXAMPLES_CHECKOUT_CENTS_H_
#define EXAMPLES_CHECKOUT_CENTS_H_

#include <compare>
#include <cstdint>

namespace checkout {

/// An amount of money in hundredths of a unit. Which currency is known from the cart or order it
/// belongs to; every currency the shop sells in has two decimals.
struct Cents {
  int64_t value = 0;

  friend constexpr auto operator<=>(Cents, Cents) = default;
  friend constexpr Cents operator+(Cents a, Cents b) { return {a.value + b.value}; }
  friend constexpr Cents operator-(Cents a, Cents b) { return {a.value - b.value}; }
  friend constexpr Cents operator*(Cents a, int64_t times) { return {a.value * times}; }
};

}  // namespace checkout

#endif  // EXAMPLES_CHECKOUT_CENTS_H_
