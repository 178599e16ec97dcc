#include "examples/http/server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>

namespace http {
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

struct StopDaemon {
  void operator()(MHD_Daemon* daemon) const { MHD_stop_daemon(daemon); }
};
// Closes all connections when the requests in hand are handled.
using Daemon = std::unique_ptr<MHD_Daemon, StopDaemon>;

std::string DrawRequestId() {
  char digits[9];
  std::snprintf(digits, sizeof digits, "%08x", std::random_device{}());
  return digits;
}

// An MHD_KeyValueIterator.
MHD_Result AddParameter(void* parameters, MHD_ValueKind /*query*/, const char* name,
                        const char* value) {
  static_cast<std::map<std::string, std::string>*>(parameters)
      ->insert_or_assign(name, value == nullptr ? "" : value);
  return MHD_YES;
}

MHD_Result Send(MHD_Connection* connection, const Request& request, const Answer& answer) {
  const std::unique_ptr<MHD_Response, DestroyResponse> response(MHD_create_response_from_buffer(
      answer.body.size(), const_cast<char*>(answer.body.data()), MHD_RESPMEM_MUST_COPY));
  if (response == nullptr) return MHD_NO;
  MHD_add_response_header(response.get(), MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
  MHD_add_response_header(response.get(), "X-Request-Id", request.id.c_str());
  for (const auto& [name, value] : answer.headers) {
    MHD_add_response_header(response.get(), name.c_str(), value.c_str());
  }
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
  Request request{.id = DrawRequestId(),
                  .method = method,
                  .path = path,
                  .parameters = {},
                  .body = std::move(arrival.body)};
  MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, &AddParameter, &request.parameters);
  const Answer answer = arrival.too_large ? Answer{413, "{\"error\":\"the body is too large\"}\n"}
                                          : (*static_cast<const Handler*>(handler))(request);
  std::printf("request=%s %s %s %d\n", request.id.c_str(), method, path, answer.status);
  return Send(connection, request, answer);
}

// An MHD_RequestCompletedCallback.
void OnCompleted(void* /*unused*/, MHD_Connection* /*connection*/, void** state,
                 MHD_RequestTerminationCode /*why*/) {
  delete static_cast<Arrival*>(*state);
  *state = nullptr;
}

// Nothing, and errno, when it cannot listen.
Daemon Start(const ServerOptions& options, const Handler& handler) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(options.port);
  const bool pool = options.model == ThreadModel::kPool;
  // Without a Date, which differs from run to run in what nobody asked for.
  const unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_SUPPRESS_DATE_NO_CLOCK |
                         (pool ? MHD_USE_EPOLL : MHD_USE_POLL | MHD_USE_THREAD_PER_CONNECTION);
  errno = 0;
  return Daemon(MHD_start_daemon(flags, options.port, nullptr, nullptr,      //
                                 &OnAccess, const_cast<Handler*>(&handler),  //
                                 MHD_OPTION_SOCK_ADDR, &address,             //
                                 MHD_OPTION_THREAD_POOL_SIZE, pool ? options.threads : 0U,
                                 MHD_OPTION_NOTIFY_COMPLETED, &OnCompleted, nullptr,
                                 MHD_OPTION_END));
}

}  // namespace

std::string Request::Parameter(const std::string& name) const {
  const auto found = parameters.find(name);
  return found == parameters.end() ? "" : found->second;
}

int ServeUntilStopped(const ServerOptions& options, const Handler& handler) {
  // A peer that hangs up must not end the service.
  signal(SIGPIPE, SIG_IGN);
  // A line is out when it is written, into a pipe too.
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  // All threads will block these, and this one alone takes them.
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGINT);
  sigaddset(&stop_signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);

  Daemon daemon = Start(options, handler);
  if (daemon == nullptr) {
    std::fprintf(stderr, "cannot listen on port %u: %s\n", options.port, std::strerror(errno));
    return EXIT_FAILURE;
  }
  std::printf("listening on %u\n",
              MHD_get_daemon_info(daemon.get(), MHD_DAEMON_INFO_BIND_PORT)->port);
  int stop = 0;
  sigwait(&stop_signals, &stop);
  daemon.reset();
  std::puts("stopped");
  return EXIT_SUCCESS;
}

}  // namespace http
