// Exceptions as they are recorded and thrown again.
//
// At replay a standard exception, or one that was registered, is thrown as the type it was. Any
// other is thrown as its nearest standard base with RecordedError added, so that handlers of that
// base still catch it, and one of RecordedError does.
//
// Threading: any thread; register types before the first call that may throw them.
#pragma once

#include <cxxabi.h>

#include <boost/serialization/string.hpp>
#include <cstdlib>
#include <exception>
#include <future>
#include <ios>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <typeinfo>
#include <utility>
#include <vector>

namespace reprise {

// A replay has nothing to give: no such call was recorded here, or what was is of another type.
class NotRecorded : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Part of every exception that stands for one whose type the SDK does not know.
class RecordedError {
 public:
  explicit RecordedError(std::string type) : type_(std::move(type)) {}
  virtual ~RecordedError() = default;
  const std::string& type() const { return type_; }  // "warehouse::OutOfStock"

 private:
  std::string type_;
};

namespace detail {

inline std::string readable(const char* mangled) {
  int status = 0;
  char* name = abi::__cxa_demangle(mangled, nullptr, nullptr, &status);
  std::string text = status == 0 ? name : mangled;
  std::free(name);
  return text;
}

// An exception as bytes.
struct Failure {
  std::string type;      // its own
  std::string kind;      // the known type that it is, or its nearest known base
  std::string what;
  std::string category;  // of a std::system_error
  int code = 0;

  template <typename Archive>
  void serialize(Archive& archive, unsigned) {
    archive& type& kind& what& category& code;
  }
};

template <typename Base>
class Recorded : public Base, public RecordedError {
 public:
  template <typename... Arguments>
  explicit Recorded(const std::string& type, Arguments&&... arguments)
      : Base(std::forward<Arguments>(arguments)...), RecordedError(type) {}
};

// A type that can be thrown again.
struct Kind {
  std::string name;
  bool (*is)(const std::exception&);
  void (*throw_again)(const Failure&, bool exact);
};

template <typename Error>
bool is_error(const std::exception& error) {
  return dynamic_cast<const Error*>(&error) != nullptr;
}

template <typename Error>
void throw_by_text(const Failure& failure, bool exact) {
  if (exact) throw Error(failure.what);
  throw Recorded<Error>(failure.type, failure.what);
}

template <typename Error>
Kind kind_by_text() {
  return {readable(typeid(Error).name()), &is_error<Error>, &throw_by_text<Error>};
}

inline std::error_code code_of(const Failure& failure) {
  for (const std::error_category* known :
       {&std::system_category(), &std::iostream_category(), &std::future_category()}) {
    if (failure.category == known->name()) return {failure.code, *known};
  }
  return {failure.code, std::generic_category()};
}

// Its constructor appends the code's message to the text; what was recorded has it already.
inline void throw_system_error(const Failure& failure, bool exact) {
  const std::error_code code = code_of(failure);
  std::string text = failure.what;
  const std::string tail = ": " + code.message();
  if (text.size() >= tail.size() &&
      text.compare(text.size() - tail.size(), tail.size(), tail) == 0) {
    text.resize(text.size() - tail.size());
  }
  if (exact) throw std::system_error(code, text);
  throw Recorded<std::system_error>(failure.type, code, text);
}

inline void throw_bad_alloc(const Failure& failure, bool exact) {
  if (exact) throw std::bad_alloc();
  throw Recorded<std::bad_alloc>(failure.type);
}

// The derived before their bases.
inline std::vector<Kind>& kinds() {
  static std::vector<Kind> all = {
      {"std::system_error", &is_error<std::system_error>, &throw_system_error},
      kind_by_text<std::invalid_argument>(),
      kind_by_text<std::domain_error>(),
      kind_by_text<std::length_error>(),
      kind_by_text<std::out_of_range>(),
      kind_by_text<std::range_error>(),
      kind_by_text<std::overflow_error>(),
      kind_by_text<std::underflow_error>(),
      kind_by_text<std::logic_error>(),
      kind_by_text<std::runtime_error>(),
      {"std::bad_alloc", &is_error<std::bad_alloc>, &throw_bad_alloc},
  };
  return all;
}

inline Failure describe(const std::exception& error) {
  Failure failure;
  failure.type = readable(typeid(error).name());
  failure.what = error.what();
  for (const Kind& kind : kinds()) {
    if (!kind.is(error)) continue;
    failure.kind = kind.name;
    break;
  }
  if (const auto* system = dynamic_cast<const std::system_error*>(&error)) {
    failure.category = system->code().category().name();
    failure.code = system->code().value();
  }
  return failure;
}

// Inside a handler: of what was thrown, whatever it is.
inline Failure describe_current() {
  try {
    throw;
  } catch (const std::exception& error) {
    return describe(error);
  } catch (...) {
    Failure failure;
    const std::type_info* type = abi::__cxa_current_exception_type();
    failure.type = type == nullptr ? "unknown" : readable(type->name());
    failure.what = failure.type;
    return failure;
  }
}

[[noreturn]] inline void throw_again(const Failure& failure) {
  for (const Kind& kind : kinds()) {
    if (kind.name == failure.kind) kind.throw_again(failure, failure.type == failure.kind);
  }
  throw Recorded<std::runtime_error>(failure.type, failure.what);
}

}  // namespace detail

// From now on `Error`, which can be made of its text, is thrown as itself at replay.
template <typename Error>
void register_error() {
  static_assert(std::is_base_of_v<std::exception, Error> &&
                    std::is_constructible_v<Error, std::string>,
                "reprise: a registered exception derives from std::exception and can be made of the "
                "text that its what() gives.");
  detail::kinds().insert(detail::kinds().begin(), detail::kind_by_text<Error>());
}

}  // namespace reprise
