// Stands in for every peer of the service: decides what becomes of its connects, accepts what it
// sends to, and holds what it is owed until the schedule releases it.
//
// Peers are real sockets: on the loopback interface, and one with an abstract Unix name for all
// that the service reaches by a path. Two of them are traps, after recorded outcomes: a port that
// refuses, and one whose queue is full, so that a connect stays pending for as long as the service
// has patience. A connect through a Unix socket needs neither: it has its outcome at once. For the
// datagrams of one flow there is one socket.
//
// Ownership: borrows the stage and the io_context. Threading: one thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "agent/abi/control.h"
#include "replayer/answered_connection.h"
#include "replayer/outcomes.h"
#include "replayer/stage.h"

namespace reprise::replayer {

class Responder {
 public:
  Responder(boost::asio::io_context& io, Stage& stage);

  // Opens the sockets that connects are led to.
  [[nodiscard]] tl::expected<void, Error> start();

  // What the agent shall do about a connect that `thread` makes. `context` is that of the
  // recording.
  abi::AnswerConnect connect(const abi::AskConnect& ask, const event::Context& context,
                             const RecordedThread& thread);

  // What a connection is that another process of the service got; none of ours: nothing.
  std::optional<abi::AnswerPassed> passed(abi::Cookie socket) const;

  void on_event(const event::Event& event);

  // The moment at which the next output is due; none when nothing can be released. `forced`: though
  // the service did not read what came before.
  std::optional<Moment> next_due(bool forced);
  // The recorded thread that had it; none for an end.
  event::ThreadId next_reader();
  // Releases the output that next_due() told.
  void release(Moment limit, bool forced);

  // Something released was not read yet.
  bool unread() const;
  // Something that was released may not have reached the service's kernel.
  bool undelivered() const;
  // The service sent something that did not arrive yet.
  bool in_flight() const;
  // Whether any connection waits for the rest of a request, or owes something.
  bool owes() const;
  // Forgets connections that are closed on both sides.
  void sweep();

 private:
  using tcp = boost::asio::ip::tcp;
  struct Door {
    std::unique_ptr<tcp::acceptor> acceptor;  // answers
    std::unique_ptr<tcp::acceptor> pending;   // never answers
    std::vector<tcp::socket> fill;            // that fill its queue
    std::unique_ptr<tcp::acceptor> refusing;  // bound, and not listening
  };

  void bind(event::ConnectionId id);
  bool open_door(Door& door, const boost::asio::ip::address& loopback);
  bool open_unix_door();
  template <typename Acceptor>
  void accept(Acceptor& acceptor);
  void on_accepted(PeerSocket::Socket socket);
  AnsweredConnection* most_urgent(bool forced);
  abi::AnswerConnect redirect(const abi::AskConnect& ask, const event::Context& context,
                              std::optional<NameId> peer, const RecordedConnect& outcome);
  abi::AnswerConnect connect_datagrams(const abi::AskConnect& ask, const event::Context& context,
                                       const RecordedThread& thread);
  // Leads what `ask` sends to a socket of its own.
  abi::AnswerConnect take_datagrams(const abi::AskConnect& ask,
                                    AnsweredConnection::Identity identity);
  abi::AnswerConnect fail(const abi::AskConnect& ask, const RecordedConnect& outcome,
                          const abi::SocketAddress& local);
  // None for a Unix path.
  Door* door_for(const abi::SocketAddress& address);
  // Where the service is to connect to, by what came of it; none where that cannot be.
  std::optional<abi::SocketAddress> place_for(const abi::SocketAddress& address,
                                              RecordedConnect::Outcome outcome);
  std::shared_ptr<const RecordedTls> tls_of(const RecordedConnection* recorded,
                                            const event::Address& peer) const;

  boost::asio::io_context& io_;
  Stage& stage_;
  ConnectOutcomes outcomes_;
  Door v4_, v6_;
  std::unique_ptr<boost::asio::local::stream_protocol::acceptor> unix_;
  // By the address that the service's socket is bound to, until it arrives.
  std::map<std::string, std::shared_ptr<AnsweredConnection>> awaited_;
  std::vector<std::shared_ptr<AnsweredConnection>> connections_;  // in the order of connects
  std::unordered_map<abi::Cookie, AnsweredConnection*> by_cookie_;
  std::unordered_map<event::ConnectionId, AnsweredConnection*> by_id_;
};

}  // namespace reprise::replayer
