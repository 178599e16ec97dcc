// usage: gnutls_service PORT CERTIFICATE KEY TRUSTED UPSTREAM_PORT WAY
//
// An HTTPS server on GnuTLS, a thread a connection, that asks another one for all it is asked for.
// WAY is how it looks at that one's certificate: `early` in the middle of the handshake, `late`
// after it, and then it reads whole records.
#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

namespace {

constexpr char kName[] = "upstream.test";

sockaddr_in loopback(const char* port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  return address;
}

class Connection {
 public:
  Connection(int fd, unsigned flags, gnutls_certificate_credentials_t credentials) : fd_(fd) {
    gnutls_init(&session_, flags);
    gnutls_set_default_priority(session_);
    gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, credentials);
    gnutls_transport_set_int(session_, fd);
  }
  ~Connection() {
    gnutls_deinit(session_);
    close(fd_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  gnutls_session_t session() { return session_; }

  bool shake_hands() {
    int result;
    do {
      result = gnutls_handshake(session_);
    } while (result < 0 && gnutls_error_is_fatal(result) == 0);
    return result == 0;
  }

  // One more piece of `text`; false when there is none.
  bool read(std::string& text, bool whole_records) {
    if (!whole_records) {
      char buffer[1024];
      const ssize_t length =
          received([&] { return gnutls_record_recv(session_, buffer, sizeof(buffer)); });
      if (length > 0) text.append(buffer, static_cast<std::size_t>(length));
      return length > 0;
    }
    gnutls_packet_t packet = nullptr;
    if (received([&] { return gnutls_record_recv_packet(session_, &packet); }) <= 0) return false;
    gnutls_datum_t bytes{};
    gnutls_packet_get(packet, &bytes, nullptr);
    text.append(reinterpret_cast<const char*>(bytes.data), bytes.size);
    gnutls_packet_deinit(packet);
    return true;
  }

  void write(const std::string& text) {
    std::size_t done = 0;
    while (done < text.size()) {
      const ssize_t length = gnutls_record_send(session_, text.data() + done, text.size() - done);
      if (length < 0) return;
      done += static_cast<std::size_t>(length);
    }
  }

  void say_goodbye() { gnutls_bye(session_, GNUTLS_SHUT_WR); }

 private:
  // A ticket for a later session comes as a reason to read again.
  template <typename Receive>
  static ssize_t received(Receive receive) {
    for (;;) {
      const ssize_t length = receive();
      if (length >= 0 || gnutls_error_is_fatal(static_cast<int>(length)) != 0) return length;
    }
  }

  int fd_;
  gnutls_session_t session_ = nullptr;
};

class Service {
 public:
  explicit Service(char** words)
      : port_(words[1]), upstream_(words[5]), late_(std::string(words[6]) == "late") {
    gnutls_certificate_allocate_credentials(&own_);
    gnutls_certificate_set_x509_key_file(own_, words[2], words[3], GNUTLS_X509_FMT_PEM);
    gnutls_certificate_allocate_credentials(&trusted_);
    gnutls_certificate_set_x509_trust_file(trusted_, words[4], GNUTLS_X509_FMT_PEM);
  }

  int serve() {
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    const int yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    const sockaddr_in address = loopback(port_);
    if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return 1;
    listen(listener, 128);
    for (;;) {
      const int fd = accept(listener, nullptr, nullptr);
      if (fd < 0) return 1;
      std::thread([this, fd] { answer(fd); }).detach();
    }
  }

 private:
  void answer(int fd) {
    Connection client(fd, GNUTLS_SERVER, own_);
    if (!client.shake_hands()) return;
    std::string request;
    for (;;) {
      std::size_t end;
      while ((end = request.find("\r\n\r\n")) == std::string::npos) {
        if (!client.read(request, late_)) {
          client.say_goodbye();
          return;
        }
      }
      const std::size_t from = request.find(' ') + 1;
      const std::string body = ask(request.substr(from, request.find(' ', from) - from));
      request.erase(0, end + 4);
      client.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                   "\r\n\r\n" + body);
    }
  }

  std::string ask(const std::string& path) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in address = loopback(upstream_);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      close(fd);
      return "failed: no upstream\n";
    }
    Connection upstream(fd, GNUTLS_CLIENT, trusted_);
    gnutls_server_name_set(upstream.session(), GNUTLS_NAME_DNS, kName, sizeof(kName) - 1);
    if (!late_) gnutls_session_set_verify_cert(upstream.session(), kName, 0);
    if (!upstream.shake_hands()) return "failed: refused early\n";
    unsigned status = 0;
    if (late_ &&
        (gnutls_certificate_verify_peers3(upstream.session(), kName, &status) < 0 || status != 0)) {
      return "failed: refused late\n";
    }
    upstream.write("GET " + path + " HTTP/1.1\r\nHost: upstream\r\nConnection: close\r\n\r\n");
    std::string answer;
    while (upstream.read(answer, late_)) {
    }
    return answer.substr(answer.find("\r\n\r\n") + 4);
  }

  const char* port_;
  const char* upstream_;
  bool late_;
  gnutls_certificate_credentials_t own_ = nullptr, trusted_ = nullptr;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) return 2;
  signal(SIGPIPE, SIG_IGN);
  signal(SIGTERM, [](int) { _exit(0); });
  return Service(argv).serve();
}
