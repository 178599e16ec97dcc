#include "tests/zoo/beast_server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/strand.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <cctype>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/zoo/http_text.h"
#include "tests/zoo/listener.h"

namespace zoo {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;
using Handler = std::function<Response(const Request&)>;

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, const Handler& handler)
      : stream_(std::move(socket)), handler_(handler) {}

  void Read() {
    request_ = {};
    http::async_read(stream_, buffer_, request_,
                     beast::bind_front_handler(&Session::Answer, shared_from_this()));
  }

 private:
  void Answer(beast::error_code error, std::size_t) {
    if (error) return;
    Request request{.method = std::string(request_.method_string()),
                    .target = std::string(request_.target()),
                    .headers = {},
                    .body = request_.body()};
    for (const auto& field : request_) {
      std::string name(field.name_string());
      for (char& letter : name)
        letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
      request.headers[name] = std::string(field.value());
    }
    const Response answer = handler_(request);
    response_ = {static_cast<http::status>(answer.status), request_.version()};
    response_.set(http::field::content_type, answer.content_type);
    response_.keep_alive(request_.keep_alive());
    response_.body() = answer.body;
    response_.prepare_payload();
    http::async_write(stream_, response_,
                      beast::bind_front_handler(&Session::Written, shared_from_this()));
  }

  void Written(beast::error_code error, std::size_t) {
    if (!error && response_.keep_alive()) Read();
  }

  beast::tcp_stream stream_;
  const Handler& handler_;
  beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  http::response<http::string_body> response_;
};

void Accept(tcp::acceptor& acceptor, asio::io_context& context, const Handler& handler) {
  acceptor.async_accept(asio::make_strand(context),
                        [&](beast::error_code error, tcp::socket socket) {
                          if (!error) std::make_shared<Session>(std::move(socket), handler)->Read();
                          Accept(acceptor, context, handler);
                        });
}

}  // namespace

void ServeWithBeast(int threads, Handler handler) {
  asio::io_context context(threads);
  tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
  Announce(acceptor.local_endpoint().port());
  Accept(acceptor, context, handler);
  std::vector<std::thread> pool;
  for (int thread = 1; thread < threads; ++thread) pool.emplace_back([&] { context.run(); });
  context.run();
  std::abort();  // It runs for ever: there is always an accept to wait for.
}

}  // namespace zoo
