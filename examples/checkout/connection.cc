#include "examples/checkout/connection.h"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

#include "examples/checkout/clock.h"
#include "examples/checkout/request_handler.h"
#include "examples/checkout/worker.h"

namespace checkout {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

// A client that neither sends nor takes anything for this long has left.
constexpr std::chrono::seconds kIdleLimit{60};
constexpr size_t kBodyLimit = 64 * 1024;
// An ordinary request is read in one go.
constexpr size_t kBufferSize = 8 * 1024;

std::string_view ToView(beast::string_view text) { return {text.data(), text.size()}; }

Response Answer(const Request& request) {
  HttpAnswer answer = Worker::Current().handler().Handle({.method = ToView(request.method_string()),
                                                          .target = ToView(request.target()),
                                                          .body = request.body()});
  Response response(static_cast<http::status>(answer.status), request.version());
  response.set(http::field::server, "checkout");
  response.set(http::field::date, FormatHttpDate(answer.date));
  response.set(http::field::content_type, "application/json");
  response.set("X-Request-Id", answer.request.text);
  response.keep_alive(request.keep_alive());
  response.body() = std::move(answer.body);
  response.prepare_payload();
  // The header of the answer to HEAD counts the body that is not sent.
  if (request.method() == http::verb::head) response.body().clear();
  return response;
}

Response Refusal(http::status status) {
  Response response(status, 11);
  response.set(http::field::server, "checkout");
  response.set(http::field::date, FormatHttpDate(ReadWallClock()));
  response.keep_alive(false);
  response.prepare_payload();
  return response;
}

// Whether the bytes are no request; other errors say that there is nobody to answer.
bool IsMalformed(const beast::error_code& error) {
  return error.category() == http::make_error_code(http::error::bad_method).category() &&
         error != http::error::end_of_stream && error != http::error::partial_message;
}

}  // namespace

struct Connection::Reply {
  explicit Reply(Response response) : message(std::move(response)), serializer(message) {}

  Response message;
  http::response_serializer<http::string_body> serializer;
};

void OpenConnections::Serve(tcp::socket socket) {
  const auto connection = std::make_shared<Connection>(std::move(socket), *this);
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    connections_.emplace(connection.get(), connection);
  }
  connection->Start();
}

void OpenConnections::StopAll() {
  // Destroyed without the lock: a connection whose last owner this is calls Forget().
  std::vector<std::shared_ptr<Connection>> open;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& [address, connection] : connections_) open.push_back(connection.lock());
  }
  for (const std::shared_ptr<Connection>& connection : open) {
    if (connection != nullptr) connection->Stop();
  }
}

void OpenConnections::Forget(const Connection* connection) {
  const std::lock_guard lock(mutex_);
  connections_.erase(connection);
}

Connection::Connection(tcp::socket socket, OpenConnections& registry)
    : socket_(std::move(socket)), idle_(socket_.get_executor()), registry_(registry) {
  buffer_.reserve(kBufferSize);
}

Connection::~Connection() { registry_.Forget(this); }

void Connection::Start() {
  asio::dispatch(socket_.get_executor(), [self = shared_from_this()] {
    beast::error_code error;
    self->socket_.non_blocking(true, error);
    if (!error) self->Wait(tcp::socket::wait_read);
  });
}

void Connection::Stop() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->stopping_ = true;
    if (self->reply_ == nullptr) self->Close();
  });
}

void Connection::Wait(tcp::socket::wait_type readiness) {
  idle_.expires_after(kIdleLimit);
  idle_.async_wait([self = shared_from_this()](const beast::error_code& cancelled) {
    // The socket may have become ready after this was queued, and the limit have been set anew.
    if (!cancelled && self->idle_.expiry() <= std::chrono::steady_clock::now()) self->Close();
  });
  socket_.async_wait(readiness, [self = shared_from_this()](const beast::error_code& error) {
    if (!error) self->Advance();
  });
}

void Connection::Advance() {
  while ((reply_ != nullptr || Read()) && Write()) {
  }
}

bool Connection::Read() {
  beast::error_code error;
  if (!parser_) {
    parser_.emplace();
    parser_->body_limit(kBodyLimit);
    parser_->eager(true);
  }
  while (!error && !parser_->is_done()) http::read_some(socket_, buffer_, *parser_, error);
  if (error == asio::error::would_block) {
    Wait(tcp::socket::wait_read);
    return false;
  }
  if (!error) {
    reply_ = std::make_unique<Reply>(Answer(parser_->get()));
  } else if (error == http::error::body_limit) {
    reply_ = std::make_unique<Reply>(Refusal(http::status::payload_too_large));
  } else if (IsMalformed(error)) {
    reply_ = std::make_unique<Reply>(Refusal(http::status::bad_request));
  } else {
    Close();
  }
  parser_.reset();
  return reply_ != nullptr;
}

bool Connection::Write() {
  beast::error_code error;
  while (!error && !reply_->serializer.is_done()) {
    http::write_some(socket_, reply_->serializer, error);
  }
  if (error == asio::error::would_block) {
    Wait(tcp::socket::wait_write);
    return false;
  }
  const bool last = reply_->message.need_eof();
  reply_.reset();
  if (error || last || stopping_) {
    Close();
    return false;
  }
  return true;
}

void Connection::Close() {
  beast::error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
  idle_.cancel();
}

}  // namespace checkout
