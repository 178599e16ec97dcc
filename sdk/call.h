// Calls that the hooks cannot see, or cannot give back: an embedded database, a device, a library
// that talks by shared memory.
//
//   Receipt receipt = reprise::external_call("printer.print", invoice, copies,
//                                            [&](const Invoice& i, int n) { return printer.print(i, n); });
//
// While recording the function is called, and its arguments and its result, or the exception it
// threw, are recorded; nothing that it does itself is. At replay it is not called: the recorded
// outcome of the call comes back, found by whose work it is, by name and by arguments. A call that
// was not recorded throws NotRecorded, or with `--on-miss passthrough` is made.
//
//  - The function is called with the arguments, or without any if it takes none (it captured them).
//  - Arguments and result are whatever Boost.Serialization writes; the headers for your containers
//    (boost/serialization/vector.hpp…) are yours to include. Text of any kind is a std::string.
//  - A result is returned by value; move-only ones are moved, void is fine.
//  - Names are words ("printer.print") of at most 80 characters.
//
// Without the agent all this is one branch, always the same way. Threading: any thread.
#pragma once

#include <exception>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "agent/abi/sdk.h"
#include "sdk/encoding.h"
#include "sdk/failure.h"

namespace reprise {
namespace detail {

// An argument as the function gets it: one that is kept is looked at, one that is given away may be
// taken.
template <typename Argument>
using Passed =
    std::conditional_t<std::is_lvalue_reference_v<Argument>,
                       const std::remove_reference_t<Argument>&, std::remove_reference_t<Argument>&&>;

// A function with the arguments of one call, which it is called with or without.
template <typename Function, typename... Arguments>
class AnnotatedCall {
 public:
  AnnotatedCall(const char* name, Function& function, Arguments&&... arguments)
      : name_(name), function_(function), arguments_(std::forward<Arguments>(arguments)...) {}

  static decltype(auto) perform(Function& function, Arguments&&... arguments) {
    if constexpr (kWithArguments) {
      return function(static_cast<Passed<Arguments>>(arguments)...);
    } else {
      return function();
    }
  }

  // Out of the way of the call that nobody records.
  [[gnu::noinline, gnu::cold]] auto record_or_replay();

 private:
  static constexpr bool kWithArguments = std::is_invocable_v<Function&, Passed<Arguments>...>;
  static constexpr bool kWithout = std::is_invocable_v<Function&>;
  static constexpr bool kChanging = std::is_invocable_v<Function&, Arguments&...>;
  static_assert(kWithArguments || kWithout || !kChanging,
                "reprise: the function changes an argument through a reference. What it writes there "
                "could not be given back at replay: let it return the value.");
  static_assert(kWithArguments || kWithout || kChanging,
                "reprise: the last argument of external_call is a function that can be called with "
                "the arguments before it, or with none.");

  decltype(auto) perform() {
    return std::apply(
        [this](auto&&... each) -> decltype(auto) {
          return perform(function_, static_cast<Arguments&&>(each)...);
        },
        arguments_);
  }
  auto record();

  const char* name_;
  Function& function_;
  std::tuple<Arguments&&...> arguments_;
};

// Never fails the service: what cannot be written is told as that.
template <typename Write>
void tell_end(bool threw, Write write) noexcept {
  try {
    const std::string bytes = write();
    reprise_call_end(threw ? 1 : 0, bytes.data(), bytes.size());
  } catch (...) {
    reprise_call_end(1, "", 0);
  }
}

template <typename Result>
Result give_back(const char* name, const reprise_answer& answer) {
  std::string bytes(answer.length, '\0');
  if (reprise_call_read(bytes.data(), bytes.size()) == 0) {
    throw NotRecorded(std::string("the recorded outcome of ") + name + " did not come");
  }
  try {
    if (answer.threw == 0) {
      if constexpr (std::is_void_v<Result>) {
        return;
      } else {
        return decode<Result>(bytes);
      }
    }
    const auto failure = decode<Failure>(bytes);
    bytes.clear();
    throw_again(failure);
  } catch (const boost::archive::archive_exception& error) {
    throw NotRecorded(std::string("the recorded outcome of ") + name +
                      " is none that this build can read: " + error.what());
  }
}

template <typename Function, typename... Arguments>
auto AnnotatedCall<Function, Arguments...>::record_or_replay() {
  using Result = decltype(perform());
  std::string said;
  try {
    said = std::apply([](const auto&... each) { return encode(each...); }, arguments_);
  } catch (const boost::archive::archive_exception&) {
    return perform();  // the service comes first
  }
  reprise_answer answer{};
  switch (reprise_call_begin(name_, said.data(), said.size(), &answer)) {
    case REPRISE_PERFORM:
      return record();
    case REPRISE_ANSWERED:
      return give_back<Result>(name_, answer);
    case REPRISE_MISSED:
      throw NotRecorded(std::string("no call of ") + name_ +
                        " was recorded here; --on-miss passthrough makes it");
    default:
      return perform();
  }
}

template <typename Function, typename... Arguments>
auto AnnotatedCall<Function, Arguments...>::record() {
  using Result = decltype(perform());
  try {
    if constexpr (std::is_void_v<Result>) {
      perform();
      reprise_call_end(0, "", 0);
    } else {
      Result result = perform();
      tell_end(false, [&] { return encode(result); });
      return result;
    }
  } catch (...) {
    tell_end(true, [] { return encode(describe_current()); });
    throw;
  }
}

template <typename... Parts, std::size_t... Places>
auto external_call(const char* name, std::index_sequence<Places...>, Parts&&... parts) {
  using All = std::tuple<Parts...>;
  using Function = std::remove_reference_t<std::tuple_element_t<sizeof...(Places), All>>;
  std::tuple<Parts&&...> all(std::forward<Parts>(parts)...);
  auto& function = std::get<sizeof...(Places)>(all);
  using Call = AnnotatedCall<Function, std::tuple_element_t<Places, All>...>;
  const auto get = [&all](auto place) -> decltype(auto) {
    return static_cast<std::tuple_element_t<place, All>&&>(std::get<place>(all));
  };
  using Result =
      decltype(Call::perform(function, get(std::integral_constant<std::size_t, Places>())...));
  static_assert(!std::is_reference_v<Result>,
                "reprise: the function returns a reference, and at replay there is nothing for it "
                "to refer to. Let it return a value: [&]() -> Receipt { … }.");
  if (__builtin_expect(reprise_call_begin == nullptr, 1)) {
    return Call::perform(function, get(std::integral_constant<std::size_t, Places>())...);
  }
  return Call(name, function, get(std::integral_constant<std::size_t, Places>())...)
      .record_or_replay();
}

}  // namespace detail

// external_call(name, arguments…, function)
template <typename... Parts>
auto external_call(const char* name, Parts&&... parts) {
  static_assert(sizeof...(Parts) > 0, "reprise: external_call needs a function, its last argument.");
  return detail::external_call(name, std::make_index_sequence<sizeof...(Parts) - 1>(),
                               std::forward<Parts>(parts)...);
}

}  // namespace reprise
