// Boost.Asio's hand-offs, followed: with
//
//   #define BOOST_ASIO_CUSTOM_HANDLER_TRACKING "sdk/asio_tracking.h"
//
// for the whole program (a compiler flag), a handler that is posted, dispatched or deferred, to a
// pool, an io_context or a strand, runs in the context in which it was handed over; so does one that
// waited for a timer. Asio tells of each handler when it is made and when it is called, so this is
// no guess.
//
// Handlers of sockets are left alone: whose work they are the bytes tell, which Asio reads before it
// calls the handler.
//
// It costs a handler the size of a pointer and a branch; with the agent, four records. Source: Boost
// 1.74, boost/asio/detail/handler_tracking.hpp, which lists these macros. Threading: as Asio's.
#pragma once

#include <cstring>
#include <optional>

#include "agent/abi/sdk.h"
#include "sdk/context.h"

namespace reprise::detail {

// What Asio's operations derive from.
class TrackedHandler {
 public:
  Context context;

 protected:
  TrackedHandler() = default;
  ~TrackedHandler() = default;
};

// Names may be followed by properties: "execute(blk=never,rel=fork)".
inline bool hands_over(const char* object, const char* operation) {
  for (const char* name : {"post", "dispatch", "defer", "execute"}) {
    if (std::strncmp(operation, name, std::strlen(name)) == 0) return true;
  }
  return std::strcmp(object, "deadline_timer") == 0;
}

template <typename ExecutionContext, typename Handle>
void handler_created(ExecutionContext&, TrackedHandler& handler, const char* object, void*, Handle,
                     const char* operation) {
  if (__builtin_expect(reprise_context_give == nullptr, 1)) return;
  if (hands_over(object, operation)) handler.context = Context::current();
}

// The call of a handler, whose operation is gone by then.
class HandlerCall {
 public:
  explicit HandlerCall(const TrackedHandler& handler) : context_(handler.context) {}
  template <typename... Results>
  void begin(const Results&...) {
    scope_.emplace(context_);
  }
  void end() { scope_.reset(); }

 private:
  Context context_;
  std::optional<Scope> scope_;
};

}  // namespace reprise::detail

#define BOOST_ASIO_INHERIT_TRACKED_HANDLER : public reprise::detail::TrackedHandler
#define BOOST_ASIO_ALSO_INHERIT_TRACKED_HANDLER , public reprise::detail::TrackedHandler
#define BOOST_ASIO_HANDLER_TRACKING_INIT (void)0
#define BOOST_ASIO_HANDLER_LOCATION(location) (void)0
#define BOOST_ASIO_HANDLER_CREATION(arguments) reprise::detail::handler_created arguments
#define BOOST_ASIO_HANDLER_COMPLETION(arguments) reprise::detail::HandlerCall tracked_call arguments
#define BOOST_ASIO_HANDLER_INVOCATION_BEGIN(arguments) tracked_call.begin arguments
#define BOOST_ASIO_HANDLER_INVOCATION_END tracked_call.end()
#define BOOST_ASIO_HANDLER_OPERATION(arguments) (void)0
#define BOOST_ASIO_HANDLER_REACTOR_REGISTRATION(arguments) (void)0
#define BOOST_ASIO_HANDLER_REACTOR_DEREGISTRATION(arguments) (void)0
#define BOOST_ASIO_HANDLER_REACTOR_READ_EVENT 0
#define BOOST_ASIO_HANDLER_REACTOR_WRITE_EVENT 0
#define BOOST_ASIO_HANDLER_REACTOR_ERROR_EVENT 0
#define BOOST_ASIO_HANDLER_REACTOR_EVENTS(arguments) (void)0
#define BOOST_ASIO_HANDLER_REACTOR_OPERATION(arguments) (void)0
