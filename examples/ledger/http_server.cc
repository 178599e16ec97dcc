#include "examples/ledger/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace ledger {
namespace {

constexpr size_t kBodyLimit = 64 * 1024;

// A request that is still arriving; libmicrohttpd carries it from call to call.
struct Arrival {
  std::string body;
  bool too_large = false;
};

struct DestroyResponse {
  void operator()(MHD_Response* response) const { MHD_destroy_response(response); }
};

std::string QueryParameter(MHD_Connection* connection, const char* name) {
  const char* const value = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
  return value == nullptr ? "" : value;
}

MHD_Result Send(MHD_Connection* connection, const HttpAnswer& answer) {
  const std::unique_ptr<MHD_Response, DestroyResponse> response(MHD_create_response_from_buffer(
      answer.body.size(), const_cast<char*>(answer.body.data()), MHD_RESPMEM_MUST_COPY));
  if (response == nullptr) return MHD_NO;
  MHD_add_response_header(response.get(), MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
  return MHD_queue_response(connection, static_cast<unsigned>(answer.status), response.get());
}

// An MHD_AccessHandlerCallback: called once with the header, then with each piece of the body, then
// with none left.
MHD_Result OnAccess(void* handler, MHD_Connection* connection, const char* path, const char* method,
                    const char* /*version*/, const char* piece, size_t* size, void** state) {
  if (*state == nullptr) {
    *state = new Arrival;
    return MHD_YES;
  }
  auto& arrival = *static_cast<Arrival*>(*state);
  if (*size > 0) {
    arrival.too_large = arrival.too_large || arrival.body.size() + *size > kBodyLimit;
    if (!arrival.too_large) arrival.body.append(piece, *size);
    *size = 0;
    return MHD_YES;
  }
  const HttpAnswer answer = arrival.too_large
                                ? HttpAnswer{413, "{\"error\":\"the body is too large\"}\n"}
                                : static_cast<RequestHandler*>(handler)->Handle(
                                      {.method = method,
                                       .path = path,
                                       .from = QueryParameter(connection, "from"),
                                       .to = QueryParameter(connection, "to"),
                                       .body = arrival.body});
  std::printf("%s %s %d\n", method, path, answer.status);
  return Send(connection, answer);
}

// An MHD_RequestCompletedCallback.
void OnCompleted(void* /*unused*/, MHD_Connection* /*connection*/, void** state,
                 MHD_RequestTerminationCode /*why*/) {
  delete static_cast<Arrival*>(*state);
  *state = nullptr;
}

}  // namespace

tl::expected<HttpServer, std::string> HttpServer::Start(const HttpServerOptions& options,
                                                        RequestHandler& handler) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(options.port);
  const bool pool = options.model == ThreadModel::kPool;
  const unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD |
                         (pool ? MHD_USE_EPOLL : MHD_USE_POLL | MHD_USE_THREAD_PER_CONNECTION);
  errno = 0;
  MHD_Daemon* const daemon =
      MHD_start_daemon(flags, options.port, nullptr, nullptr, &OnAccess, &handler,  //
                       MHD_OPTION_SOCK_ADDR, &address,                              //
                       MHD_OPTION_THREAD_POOL_SIZE, pool ? options.threads : 0U,    //
                       MHD_OPTION_NOTIFY_COMPLETED, &OnCompleted, nullptr, MHD_OPTION_END);
  if (daemon == nullptr) return tl::unexpected<std::string>(std::strerror(errno));
  return HttpServer(daemon);
}

uint16_t HttpServer::port() const {
  return MHD_get_daemon_info(daemon_.get(), MHD_DAEMON_INFO_BIND_PORT)->port;
}

}  // namespace ledger
