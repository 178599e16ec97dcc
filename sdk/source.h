// Inputs that no socket drives: a queue's messages, the ticks of a timer.
//
//   reprise::Source<Order> orders("orders");
//   while (auto order = orders.next([&] { return queue.pop(); })) {   // std::optional<Order>
//     order.reply(fulfil(*order));
//   }
//
// Each input is an exchange like a client's request: numbered, shown, replayed and compared. It
// begins when the function gave it, and is over with the object that next() returned; reply() says
// what came of it, an exception that ends it is its outcome too. While recording, what the function
// does itself is not recorded. At replay it is not called: next() waits until the replayer releases
// the next recorded input, in its place among all others.
//
//  - The function returns a message, a std::optional of one (empty: nothing came, which is replayed
//    as well), or for a Source<Tick> a bool or nothing.
//  - Several threads may wait at one source, each gets inputs of its own. Other threads that work on
//    an input are told so with reprise::Context.
//  - Messages are whatever Boost.Serialization writes.
//
// Ownership: a source outlives its inputs. Without the agent next() is a call of the function and a
// branch.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "agent/abi/sdk.h"
#include "sdk/encoding.h"
#include "sdk/failure.h"

namespace reprise {

// The message of a source that only says when.
struct Tick {
  template <typename Archive>
  void serialize(Archive&, unsigned) {}
};

// An input, for as long as it is worked on; false when there was none.
template <typename Message>
class Input {
 public:
  Input() = default;
  Input(Message message, std::uint64_t entry)
      : message_(std::move(message)), entry_(entry), exceptions_(std::uncaught_exceptions()) {}
  Input(Input&& other) noexcept
      : message_(std::move(other.message_)),
        entry_(std::exchange(other.entry_, 0)),
        exceptions_(other.exceptions_),
        reply_(std::move(other.reply_)) {}
  Input& operator=(Input&&) = delete;
  ~Input() {
    if (__builtin_expect(entry_ == 0, 1)) return;
    const bool threw = std::uncaught_exceptions() > exceptions_;
    reprise_entry_close(entry_, threw ? 1 : 0, reply_.data(), threw ? 0 : reply_.size());
  }

  explicit operator bool() const { return message_.has_value(); }
  Message& operator*() { return *message_; }
  Message* operator->() { return &*message_; }

  // What came of it, for the recording alone: compared at replay as a response is.
  template <typename Value>
  void reply(const Value& value) {
    if (__builtin_expect(entry_ != 0, 0)) reply_ = detail::encode(value);
  }

 private:
  std::optional<Message> message_;
  std::uint64_t entry_ = 0;  // 0: nobody records it
  int exceptions_ = 0;
  std::string reply_;
};

template <typename Message>
class Source {
 public:
  // One word of at most 80 characters.
  explicit Source(std::string name) : name_(std::move(name)) {
    if (reprise_source_open != nullptr) source_ = reprise_source_open(name_.c_str());
  }
  ~Source() {
    if (source_ != 0) reprise_source_close(source_);
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  template <typename Fetch>
  Input<Message> next(Fetch&& fetch) {
    if (__builtin_expect(source_ == 0, 1)) return unrecorded(fetch);
    return watched(fetch);
  }

 private:
  // Out of the way of the input that nobody records.
  template <typename Fetch>
  [[gnu::noinline, gnu::cold]] Input<Message> watched(Fetch& fetch) {
    std::uint64_t entry = 0;
    reprise_answer answer{};
    switch (reprise_entry_next(source_, &entry, &answer)) {
      case REPRISE_PERFORM:
        return recorded(fetch);
      case REPRISE_ANSWERED:
        return replayed(entry, answer);
      case REPRISE_ENDED:
        return {};
      default:
        return unrecorded(fetch);
    }
  }

  template <typename Fetch>
  static std::optional<Message> fetched(Fetch& fetch) {
    using Result = std::invoke_result_t<Fetch&>;
    constexpr bool tick = std::is_same_v<Message, Tick>;
    if constexpr (tick && std::is_void_v<Result>) {
      fetch();
      return Message{};
    } else if constexpr (tick && std::is_same_v<Result, bool>) {
      return fetch() ? std::optional<Message>(Message{}) : std::nullopt;
    } else {
      static_assert(std::is_convertible_v<Result, std::optional<Message>>,
                    "reprise: the function of a source returns a message of its type, a "
                    "std::optional of one, or for a Source<Tick> a bool or nothing.");
      return fetch();
    }
  }

  template <typename Fetch>
  static Input<Message> unrecorded(Fetch& fetch) {
    std::optional<Message> message = fetched(fetch);
    return message ? Input<Message>(std::move(*message), 0) : Input<Message>();
  }

  template <typename Fetch>
  Input<Message> recorded(Fetch& fetch) {
    std::optional<Message> message;
    try {
      message = fetched(fetch);
    } catch (...) {
      reprise_entry_none(source_, name_.c_str(), 0);
      throw;
    }
    if (!message) {
      reprise_entry_none(source_, name_.c_str(), 1);
      return {};
    }
    std::string payload;
    try {
      payload = detail::encode(*message);
    } catch (const boost::archive::archive_exception&) {
      reprise_entry_none(source_, name_.c_str(), 0);  // the service comes first
      return Input<Message>(std::move(*message), 0);
    }
    const std::uint64_t entry =
        reprise_entry_open(source_, name_.c_str(), payload.data(), payload.size());
    return Input<Message>(std::move(*message), entry);
  }

  Input<Message> replayed(std::uint64_t entry, const reprise_answer& answer) {
    std::string payload(answer.length, '\0');
    const bool whole = reprise_entry_read(entry, payload.data(), payload.size()) != 0;
    try {
      if (whole) return Input<Message>(detail::decode<Message>(payload), entry);
    } catch (const boost::archive::archive_exception&) {
    }
    reprise_entry_close(entry, 1, "", 0);
    throw NotRecorded("the recorded input of " + name_ + " is none that this build can read");
  }

  std::string name_;
  std::uint64_t source_ = 0;  // 0: nobody records
};

}  // namespace reprise
