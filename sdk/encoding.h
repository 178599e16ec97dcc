// Values as bytes, by Boost.Serialization: what its text archive can write can be recorded. Text, so
// that people can read a recording and a difference points at a field; with facets that also read
// back infinities and NaN, and the classic locale whatever the program has set.
//
// A program that uses the SDK links boost_serialization. Threading: plain functions.
#pragma once

#include <boost/archive/archive_exception.hpp>
#include <boost/archive/text_iarchive.hpp>
#include <boost/archive/text_oarchive.hpp>
#include <boost/math/special_functions/nonfinite_num_facets.hpp>
#include <boost/serialization/string.hpp>
#include <locale>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace reprise::detail {

inline constexpr unsigned kArchiveFlags = boost::archive::no_header | boost::archive::no_codecvt;

inline std::locale encoding_locale() {
  const std::locale out(std::locale::classic(), new boost::math::nonfinite_num_put<char>);
  return std::locale(out, new boost::math::nonfinite_num_get<char>);
}

// What is written for a value: itself, but text of any form is a string.
template <typename Value>
decltype(auto) storable(const Value& value) {
  if constexpr (std::is_convertible_v<const Value&, std::string_view> &&
                !std::is_same_v<Value, std::string>) {
    return std::string(std::string_view(value));
  } else {
    return (value);
  }
}

template <typename Value>
constexpr void require_encodable() {
  using Plain = std::remove_cv_t<std::remove_reference_t<Value>>;
  constexpr bool text = std::is_convertible_v<const Plain&, std::string_view>;
  static_assert(text || !std::is_pointer_v<Plain>,
                "reprise: a pointer means nothing in another process. Pass what it points to, or "
                "capture the pointer in the function instead of passing it as an argument.");
  static_assert(!std::is_member_pointer_v<Plain> && !std::is_null_pointer_v<Plain> &&
                    !std::is_function_v<Plain>,
                "reprise: this argument cannot be recorded; capture it in the function instead.");
}

// Throws what Boost.Serialization and the values' own serialize() throw.
template <typename... Values>
std::string encode(const Values&... values) {
  (require_encodable<Values>(), ...);
  std::ostringstream stream;
  stream.imbue(encoding_locale());
  {
    boost::archive::text_oarchive archive(stream, kArchiveFlags);
    ((archive << storable(values)), ...);
  }
  return std::move(stream).str();
}

template <typename Value>
Value decode(const std::string& bytes) {
  static_assert(std::is_default_constructible_v<Value>,
                "reprise: what is recorded is read back into a default constructed object; give the "
                "type a default constructor, or return it in a std::unique_ptr.");
  std::istringstream stream(bytes);
  stream.imbue(encoding_locale());
  boost::archive::text_iarchive archive(stream, kArchiveFlags);
  Value value{};
  archive >> value;
  return value;
}

}  // namespace reprise::detail
