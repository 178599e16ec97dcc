// One client's connection: reads requests one after another and writes their answers, on
// Boost.Beast.
#ifndef EXAMPLES_CHECKOUT_CONNECTION_H_
#define EXAMPLES_CHECKOUT_CONNECTION_H_

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

namespace checkout {

class Connection;

/// The connections that are open, so that a stop reaches them. Thread-safe. Outlives them all.
class OpenConnections {
 public:
  /// Serves `socket`, whose executor is a strand of its own, until its client leaves; closes it at
  /// once when StopAll() was called before.
  void Serve(boost::asio::ip::tcp::socket socket);

  /// Closes what waits for a request, and lets answers that are being written go out first.
  void StopAll();

 private:
  friend class Connection;
  void Forget(const Connection* connection);

  std::mutex mutex_;
  bool stopping_ = false;
  std::map<const Connection*, std::weak_ptr<Connection>> connections_;
};

/// Owned by its own pending waits: it is gone when there is nothing more to wait for. Everything
/// but Stop() runs on the socket's strand.
///
/// The socket's readiness is waited for, not its bytes: so the thread that reads a request is the
/// thread that handles it and first tries to write its answer, without another one's work between.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(boost::asio::ip::tcp::socket socket, OpenConnections& registry);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Start();
  /// May be called from any thread.
  void Stop();

 private:
  struct Reply;

  /// Calls Advance() when the socket is ready, or closes it when it is not for too long.
  void Wait(boost::asio::ip::tcp::socket::wait_type readiness);
  /// Goes on with requests and answers for as long as the socket is ready.
  void Advance();
  /// True when a request was read and handled, and its reply is to be written. Otherwise the
  /// connection waits or is closed.
  [[nodiscard]] bool Read();
  /// True when the reply is written and another request may come. Otherwise as above.
  [[nodiscard]] bool Write();
  void Close();

  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer idle_;
  OpenConnections& registry_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  /// What is being written.
  std::unique_ptr<Reply> reply_;
  bool stopping_ = false;
};

}  // namespace checkout

#endif  // EXAMPLES_CHECKOUT_CONNECTION_H_
