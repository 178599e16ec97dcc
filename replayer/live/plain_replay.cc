#include "replayer/live/plain_replay.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "replayer/live/course.h"
#include "replayer/live/crowd.h"
#include "replayer/live/entrance.h"
#include "replayer/live/measurement.h"
#include "replayer/live/pacing.h"
#include "replayer/socket_address.h"

namespace reprise::replayer {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// Real time a service has to listen.
constexpr seconds kStartPatience{60};
constexpr milliseconds kLookEvery{5};

// Nobody is asked about anything, and nobody asks.
class PlainEntrance final : public Entrance {
 public:
  PlainEntrance(const Plan& plan, std::optional<std::uint16_t> port) : plan_(plan), port_(port) {}

  std::optional<abi::SocketAddress> target(const RecordedConnection& connection) const override {
    const auto listener =
        std::ranges::find(plan_.listeners, connection.listener, &RecordedListener::id);
    const event::Address& local =
        listener == plan_.listeners.end() ? connection.local : listener->local;
    const abi::SocketAddress recorded = to_abi(local);
    const std::uint16_t port = port_.value_or(port_of(recorded));
    if (port == 0) return std::nullopt;
    return family_of(recorded) == AF_INET6 ? to_abi(boost::asio::ip::address_v6::loopback(), port)
                                           : to_abi(boost::asio::ip::address_v4::loopback(), port);
  }
  LinkId enter(const RecordedConnection&, const std::string&, nanoseconds) override { return {}; }
  void begin(const RecordedExchange&, nanoseconds) override {}
  bool mark(LinkId, const abi::Mark&, std::uint64_t) override { return true; }
  void leave(const std::string&, LinkId) override {}

 private:
  const Plan& plan_;
  const std::optional<std::uint16_t> port_;
};

bool listens_at(const abi::SocketAddress& address) {
  const int socket = ::socket(family_of(address), SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool connected =
      ::connect(socket, reinterpret_cast<const sockaddr*>(address.bytes), address.length) == 0;
  ::close(socket);
  return connected;
}

// "" once somebody listens wherever the recording has its clients.
std::string await_listening(const std::vector<Course>& courses, const Entrance& entrance,
                            const std::function<bool()>& alive) {
  std::vector<abi::SocketAddress> targets;
  for (const Course& course : courses) {
    const auto target = entrance.target(*course.connection);
    if (!target)
      return "the recording does not tell on which port its service listened; name it with --port";
    const auto same = [&](const abi::SocketAddress& other) {
      return address_text(other) == address_text(*target);
    };
    if (std::ranges::none_of(targets, same)) targets.push_back(*target);
  }
  const auto limit = steady_clock::now() + kStartPatience;
  while (!targets.empty()) {
    if (listens_at(targets.back())) {
      targets.pop_back();
      continue;
    }
    if (!alive() || steady_clock::now() > limit) {
      return "the service does not listen on " + address_text(targets.back()) +
             (alive() ? "; name its port with --port" : ", it has ended");
    }
    std::this_thread::sleep_for(kLookEvery);
  }
  return "";
}

}  // namespace

tl::expected<void, Error> PlainReplay::run(const std::function<bool()>& alive) {
  const std::vector<Course> courses = lay_courses(plan_);
  PlainEntrance entrance(plan_, port_);
  if (std::string why = await_listening(courses, entrance, alive); !why.empty()) {
    return tl::unexpected(Error{Error::Kind::kEnvironment, std::move(why)});
  }
  ledger_.tell_once();
  const Instant now = steady_clock::now();
  const LiveTime time(plan_.began, now, options_.speed);
  Crowd crowd(plan_, entrance, pace(courses, options_, now), time, false);
  crowd.start();
  while (!crowd.is_done() && alive()) {
    std::this_thread::sleep_for(kLookEvery);
    if (options_.on_progress) options_.on_progress(crowd.finished(), plan_.selected);
  }
  crowd.stop("the service ended");
  for (const DrivenExchange& exchange : crowd.take_finished()) {
    tell_error(ledger_, plan_, exchange);
  }
  tell_performance(ledger_, plan_, crowd.performance(), options_);
  if (!options_.load) ledger_.replayed(crowd.performance().requests);
  ledger_.sort_divergences();
  return {};
}

}  // namespace reprise::replayer
