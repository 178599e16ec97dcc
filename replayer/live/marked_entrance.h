// Where the clients come in to a service with the agent: who is on the way to which listener, whose
// each connection is, what is marked on its link, and when that may be used again.
//
// Two threads meet here: that of the clients opens and closes connections, the one that collects
// answers the service's questions about them and sees it close them.
//
// Ownership: borrows the stage. Threading: what is marked "clients" is called by the clients'
// thread, all else by the thread that collects.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "replayer/clients.h"
#include "replayer/listeners.h"
#include "replayer/live/entrance.h"
#include "replayer/stage.h"

namespace reprise::replayer {

class MarkedEntrance final : public Entrance, public Clients {
 public:
  explicit MarkedEntrance(Stage& stage);

  abi::AnswerListen listen(const abi::AskListen& ask, const std::string& process) override;
  abi::AnswerAccept accept(const abi::AskAccept& ask) override;
  // Of listeners; a connection that is handed on is its new process's business.
  std::optional<abi::AnswerPassed> passed(abi::Cookie socket) const override;
  std::optional<abi::SocketAddress> listening_at(const event::Address& address) const override;
  event::ExchangeId recorded_exchange(event::ConnectionId id, std::uint64_t ordinal) const override;

  // The service listens where that connection is to be opened.
  bool is_open_for(const RecordedConnection& connection) const;
  std::string unrecorded_listeners() const;
  // A client has connected that the service did not accept yet.
  bool somebody_comes() const;
  void on_event(const event::Event& event);

  // --- Clients ---
  std::optional<abi::SocketAddress> target(const RecordedConnection& connection) const override;
  LinkId enter(const RecordedConnection& connection, const std::string& address,
               nanoseconds shift) override;
  void begin(const RecordedExchange& exchange, nanoseconds shift) override;
  bool mark(LinkId link, const abi::Mark& mark, std::uint64_t consumed) override;
  void leave(const std::string& address, LinkId link) override;

 private:
  enum End : std::uint8_t { kClient = 1, kService = 2 };
  struct Coming {
    const RecordedConnection* recorded = nullptr;
    LinkId link;
  };
  void end(LinkId link, End which);

  Stage& stage_;
  mutable std::mutex mutex_;  // of the next two
  Listeners listeners_;
  std::unordered_map<std::string, Coming> coming_;         // by the client's address
  std::unordered_map<abi::Cookie, LinkId> accepted_;       // not seen in an event yet
  std::unordered_map<event::ConnectionId, LinkId> links_;  // open in the service
  std::unordered_map<event::ConnectionId, event::ConnectionId> origins_;  // recorded ones
  std::unique_ptr<std::atomic<std::uint8_t>[]> ended_;                    // by link
};

}  // namespace reprise::replayer
