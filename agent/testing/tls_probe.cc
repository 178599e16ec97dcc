// Two ends of a TLS connection in one process, over whatever carries the ciphertext:
//   socket  OpenSSL has the socket
//   memory  memory BIOs, and the program carries the bytes
//   pair    a BIO pair, likewise
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <setjmp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <thread>
#include <utility>

#include "agent/testing/loopback.h"
#include "agent/testing/probe.h"

namespace {

using reprise::agent::testing::connect_to;
using reprise::agent::testing::listen_on_loopback;
using reprise::agent::testing::Listener;
using reprise::agent::testing::ProbeCase;

constexpr std::size_t kLargeBytes = 1 << 20;
constexpr char kName[] = "probe.test";
constexpr unsigned char kProtocols[] = "\x07probe/1";

class End {
 public:
  End(SSL_CTX* context, int fd, const std::string& carrier, bool client)
      : fd_(fd), ssl_(SSL_new(context)) {
    if (carrier == "socket") {
      PROBE_EXPECT(SSL_set_fd(ssl_, fd) == 1);
    } else if (carrier == "memory") {
      from_network_ = BIO_new(BIO_s_mem());
      to_network_ = BIO_new(BIO_s_mem());
      SSL_set_bio(ssl_, from_network_, to_network_);
    } else {
      BIO* inner = nullptr;
      PROBE_EXPECT(BIO_new_bio_pair(&inner, 0, &from_network_, 0) == 1);
      to_network_ = from_network_;
      SSL_set_bio(ssl_, inner, inner);
    }
    if (client) {
      PROBE_EXPECT(SSL_set_tlsext_host_name(ssl_, kName) == 1);
      PROBE_EXPECT(SSL_set_alpn_protos(ssl_, kProtocols, sizeof(kProtocols) - 1) == 0);
      SSL_set_connect_state(ssl_);
    } else {
      SSL_set_accept_state(ssl_);
    }
  }
  ~End() {
    SSL_free(ssl_);
    close(fd_);
  }

  SSL* ssl() { return ssl_; }
  int fd() const { return fd_; }

  // `operation` until it is done; what it returned.
  template <typename Operation>
  int drive(Operation operation) {
    for (;;) {
      const int result = operation();
      flush();
      if (result > 0) return result;
      const int error = SSL_get_error(ssl_, result);
      if (error == SSL_ERROR_WANT_READ && from_network_ != nullptr && fill()) continue;
      if (error == SSL_ERROR_WANT_WRITE && from_network_ != nullptr) continue;
      return result;
    }
  }

  void write(const std::string& form, const std::string& text) {
    std::size_t done = 0;
    while (done < text.size()) {
      std::size_t now = 0;
      const int result = drive([&] {
        if (form == "ex") return SSL_write_ex(ssl_, text.data() + done, text.size() - done, &now);
        const int sent = SSL_write(ssl_, text.data() + done, static_cast<int>(text.size() - done));
        now = sent > 0 ? static_cast<std::size_t>(sent) : 0;
        return sent;
      });
      PROBE_EXPECT(result > 0);
      done += now;
    }
  }

  // What came, "" at the end; the last error then.
  std::string read(const std::string& form, int& error) {
    char buffer[4096];
    std::size_t now = 0;
    if (form == "ex") {
      // Looking at bytes is no reading of them.
      drive([&] { return SSL_peek_ex(ssl_, buffer, 10, &now); });
    } else {
      drive([&] { return SSL_peek(ssl_, buffer, 10); });
    }
    const int result = drive([&] {
      if (form == "ex") return SSL_read_ex(ssl_, buffer, sizeof(buffer), &now);
      const int got = SSL_read(ssl_, buffer, sizeof(buffer));
      now = got > 0 ? static_cast<std::size_t>(got) : 0;
      return got;
    });
    error = result > 0 ? 0 : SSL_get_error(ssl_, result);
    return std::string(buffer, result > 0 ? now : 0);
  }

  void flush() {
    if (to_network_ == nullptr) return;
    char buffer[16384];
    while (BIO_ctrl_pending(to_network_) > 0) {
      const int length = BIO_read(to_network_, buffer, sizeof(buffer));
      for (int done = 0; length > 0 && done < length;) {
        const ssize_t sent = send(fd_, buffer + done, static_cast<std::size_t>(length - done), 0);
        PROBE_EXPECT(sent > 0);
        done += static_cast<int>(sent);
      }
    }
  }

 private:
  bool fill() {
    char buffer[16384];
    const bool pair = from_network_ == to_network_;
    std::size_t room = sizeof(buffer);
    if (pair) room = std::min(room, BIO_ctrl_get_write_guarantee(from_network_));
    const ssize_t length = recv(fd_, buffer, room, 0);
    if (length > 0) return BIO_write(from_network_, buffer, static_cast<int>(length)) == length;
    if (pair) {
      BIO_shutdown_wr(from_network_);
    } else {
      BIO_set_mem_eof_return(from_network_, 0);
    }
    return !std::exchange(ended_, true);
  }

  int fd_;
  SSL* ssl_;
  BIO* from_network_ = nullptr;
  BIO* to_network_ = nullptr;
  bool ended_ = false;
};

void make_certificate(SSL_CTX* context) {
  char curve[] = "P-256";
  EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve);
  X509* certificate = X509_new();
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 1000);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(kName), -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  X509_set_pubkey(certificate, key);
  PROBE_EXPECT(X509_sign(certificate, key, EVP_sha256()) > 0);
  PROBE_EXPECT(SSL_CTX_use_certificate(context, certificate) == 1);
  PROBE_EXPECT(SSL_CTX_use_PrivateKey(context, key) == 1);
}

int choose(SSL*, const unsigned char** out, unsigned char* length, const unsigned char* in,
           unsigned, void*) {
  *out = in + 1;
  *length = in[0];
  return SSL_TLSEXT_ERR_OK;
}

SSL_CTX* server_context() {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  make_certificate(context);
  SSL_CTX_set_alpn_select_cb(context, choose, nullptr);
  return context;
}

// The server answers each message with itself, and ends as `ending` says: with close_notify or cut
// off.
void serve(const Listener& listener, const std::string& carrier, const std::string& form,
           const std::string& ending) {
  const int fd = accept(listener.fd, nullptr, nullptr);
  PROBE_EXPECT(fd >= 0);
  SSL_CTX* context = server_context();
  {
    End end(context, fd, carrier, false);
    int error = 0;
    std::string all;
    while (all.find('\n') == std::string::npos) all += end.read(form, error);
    end.write(form, all);
    if (ending == "notified") end.drive([&] { return SSL_shutdown(end.ssl()) >= 0 ? 1 : -1; });
    shutdown(fd, SHUT_WR);
    char rest[256];
    while (recv(fd, rest, sizeof(rest), MSG_PEEK) > 0 && recv(fd, rest, sizeof(rest), 0) > 0) {
    }
  }
  SSL_CTX_free(context);
}

// carrier, form, ending, size: "small" or "large"
int talk(int, char** words) {
  const std::string carrier = words[0], form = words[1], ending = words[2];
  const std::string text =
      (words[3] == std::string("large") ? std::string(kLargeBytes, 'x') : "hello") + "\n";
  const Listener listener = listen_on_loopback();
  std::thread server([&] { serve(listener, carrier, form, ending); });
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  std::string answer;
  int error = 0;
  {
    End end(context, connect_to(listener.address), carrier, true);
    // The handshake happens by itself, or first.
    if (form == "plain") PROBE_EXPECT(end.drive([&] { return SSL_do_handshake(end.ssl()); }) == 1);
    std::thread writer([&] { end.write(form, text); });
    writer.join();
    for (;;) {
      const std::string part = end.read(form, error);
      if (part.empty()) break;
      answer += part;
    }
  }
  SSL_CTX_free(context);
  server.join();
  PROBE_EXPECT(answer == text);
  PROBE_EXPECT((error == SSL_ERROR_ZERO_RETURN) == (ending == "notified"));
  return 0;
}

// The other end is no TLS.
int fail(int, char**) {
  const Listener listener = listen_on_loopback();
  const int client = connect_to(listener.address);
  const int fd = accept(listener.fd, nullptr, nullptr);
  PROBE_EXPECT(send(client, "GET / HTTP/1.1\r\n\r\n", 18, 0) == 18);
  SSL_CTX* context = server_context();
  {
    End end(context, fd, "socket", false);
    PROBE_EXPECT(end.drive([&] { return SSL_accept(end.ssl()); }) < 0);
  }
  SSL_CTX_free(context);
  return 0;
}

// A ClientHello that the program reads by itself, though it has sessions with memory BIOs: it is a
// relay.
int relay(int, char**) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  const Listener listener = listen_on_loopback();
  const auto ends = reprise::agent::testing::connected_ends(listener);
  {
    End made(context, dup(ends.client), "memory", true);
    (void)SSL_do_handshake(made.ssl());
    char hello[4096];
    BIO* out = SSL_get_wbio(made.ssl());
    const int length = BIO_read(out, hello, sizeof(hello));
    PROBE_EXPECT(write(ends.client, hello, static_cast<std::size_t>(length)) == length);
    PROBE_EXPECT(read(ends.server, hello, sizeof(hello)) == length);
    PROBE_EXPECT(write(ends.server, "not TLS", 7) == 7);
  }
  SSL_CTX_free(context);
  close(ends.server);
  return 0;
}

jmp_buf out_of_the_call;

// A callback leaves a call for good; what the thread does then is its own.
int leave(int, char**) {
  const Listener listener = listen_on_loopback();
  const auto ends = reprise::agent::testing::connected_ends(listener);
  const auto others = reprise::agent::testing::connected_ends(listener);
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_info_callback(context, [](const SSL*, int, int) { longjmp(out_of_the_call, 1); });
  SSL* ssl = SSL_new(context);
  PROBE_EXPECT(SSL_set_fd(ssl, ends.client) == 1);
  if (setjmp(out_of_the_call) == 0) {
    SSL_connect(ssl);
    return 1;
  }
  char buffer[16];
  PROBE_EXPECT(write(others.client, "plain", 5) == 5);
  PROBE_EXPECT(read(others.server, buffer, sizeof(buffer)) == 5);
  return 0;
}

constexpr ProbeCase kCases[] = {{"talk", talk}, {"fail", fail}, {"relay", relay}, {"leave", leave}};

}  // namespace

int main(int argc, char** argv) { return reprise::agent::testing::run_probe(kCases, argc, argv); }
