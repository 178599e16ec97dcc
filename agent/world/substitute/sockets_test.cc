// Sockets and lookups of a replayed program: it sees the recorded story, and reaches nothing else.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "agent/world/substitute/testing/client.h"
#include "agent/world/substitute/testing/test_replay.h"

namespace reprise::agent::testing {
namespace {

constexpr std::int64_t kHour = 3'600'000'000'000;

class Sockets : public ::testing::Test {
 protected:
  void launch(const std::string& name) {
    replay_.launch({runfile("agent/world/substitute/testing/sockets_probe"), name});
  }
  std::string run(const std::string& name) {
    launch(name);
    EXPECT_EQ(replay_.wait_for_exit(), 0);
    return replay_.output();
  }

  TestReplay replay_;
};

// --- Listening
// ---------------------------------------------------------------------------------------

class Served : public Sockets {
 protected:
  Served() : service_(replay_) {
    service_.names.recorded = 17;
    service_.names.peer = ipv4("203.0.113.9", 50123);
    service_.names.local = ipv4("198.51.100.1", 80);
  }
  void connect_and_send(const std::string& name) {
    launch(name);
    ASSERT_TRUE(replay_.wait_until([&] { return service_.listens; }));
    Client client(service_.actual);
    // A service that was told to defer accept until data comes must not: nothing is sent yet.
    ASSERT_TRUE(replay_.wait_until([&] { return !service_.accepted.empty(); }));
    client.send("hello");
    EXPECT_EQ(replay_.wait_for_exit(), 0);
  }

  DrivenService service_;
};

TEST_F(Served, ListensOnLoopbackAndIsToldWhatWasRecorded) {
  connect_and_send("serve");
  EXPECT_EQ(text_of(service_.asked), "0.0.0.0:80");
  EXPECT_EQ(text_of(service_.actual).substr(0, 10), "127.0.0.1:");
  EXPECT_NE(text_of(service_.actual), "127.0.0.1:80");
  EXPECT_EQ(replay_.output(),
            "bind 0\nlocal 0.0.0.0:80\nlisten 0\nlocal 0.0.0.0:80\n"
            "accepted 203.0.113.9:50123\npeer 203.0.113.9:50123\nlocal 198.51.100.1:80\nread 5\n");
  const std::vector<SeenRecord> accepts = replay_.arena().of(abi::RecordType::kAccept);
  ASSERT_EQ(accepts.size(), 1u);
  const auto accept = accepts[0].body<abi::Accept>();
  EXPECT_EQ(accept.recorded, 17u);
  EXPECT_EQ(text_of(accept.peer), "203.0.113.9:50123");
  EXPECT_EQ(text_of(accept.local), "198.51.100.1:80");
  const std::vector<SeenRecord> listens = replay_.arena().of(abi::RecordType::kListen);
  ASSERT_EQ(listens.size(), 1u);
  EXPECT_EQ(text_of(listens[0].body<abi::Listen>().local), "0.0.0.0:80");
}

TEST_F(Served, TwoReplaysOfOnePortRunSideBySide) {
  TestReplay other;
  DrivenService other_service(other);
  launch("serve");
  other.launch({runfile("agent/world/substitute/testing/sockets_probe"), "serve"});
  EXPECT_TRUE(replay_.wait_until([&] { return service_.listens; }));
  EXPECT_TRUE(other.wait_until([&] { return other_service.listens; }));
  EXPECT_NE(text_of(service_.actual), text_of(other_service.actual));
}

TEST_F(Served, IsToldTheRecordedPortWhereItAskedForAnyPort) {
  replay_.answer(abi::Ask::kListen, [&](const std::string& request) {
    abi::AskListen ask = {};
    memcpy(&ask, request.data(), sizeof ask);
    service_.actual = ask.actual;
    service_.listens = true;
    return body_of(abi::AnswerListen{0, ipv4("0.0.0.0", 43210)});
  });
  connect_and_send("serve_any_port");
  EXPECT_NE(replay_.output().find("listen 0\nlocal 0.0.0.0:43210\n"), std::string::npos);
}

TEST_F(Served, ListensOnIpv6Loopback) {
  connect_and_send("serve_ipv6");
  EXPECT_EQ(text_of(service_.asked), "[::]:8080");
  const std::string actual = text_of(service_.actual);
  EXPECT_TRUE(actual.starts_with("[::1]:") || actual.starts_with("[::ffff:127.0.0.1]:")) << actual;
}

TEST_F(Served, UnixPathsMoveToTheSessionsDirectory) {
  connect_and_send("serve_unix");
  EXPECT_EQ(text_of(service_.asked), "unix:/run/service/production.sock");
  EXPECT_TRUE(text_of(service_.actual).starts_with("unix:" + replay_.directory() + "/"))
      << text_of(service_.actual);
  EXPECT_NE(replay_.output().find("local unix:/run/service/production.sock\n"), std::string::npos);
}

TEST_F(Served, AListenerThatWasNeverBoundIsOnLoopbackToo) {
  launch("serve_unbound");
  ASSERT_TRUE(replay_.wait_until([&] { return service_.listens; }));
  EXPECT_EQ(text_of(service_.actual).substr(0, 10), "127.0.0.1:");
  Client client(service_.actual);
  EXPECT_EQ(replay_.wait_for_exit(), 0);
}

TEST_F(Served, ANonBlockingListenerIsReportedReady) {
  launch("serve_poll");
  ASSERT_TRUE(replay_.wait_until([&] { return service_.listens; }));
  ASSERT_NE(replay_.wait_for(abi::Activity::kReadiness), nullptr);
  Client client(service_.actual);
  EXPECT_EQ(replay_.wait_for_exit(), 0);
  EXPECT_EQ(replay_.output(), "accept EAGAIN\npoll 1\naccept 0\n");
  EXPECT_EQ(replay_.link(0).accepted, 1u);
}

// --- Connecting
// --------------------------------------------------------------------------------------

// Stands for every peer: a listener of the test's on the address that connects are led to.
class Peer {
 public:
  explicit Peer(int backlog = 8, const abi::SocketAddress& where = ipv4("127.0.0.1", 0)) {
    sa_family_t family = 0;
    memcpy(&family, where.bytes, sizeof family);
    fd_ = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd_, reinterpret_cast<const sockaddr*>(where.bytes), where.length) != 0)
      perror("bind");
    if (backlog >= 0) listen(fd_, backlog);
    sockaddr_storage storage = {};
    socklen_t length = sizeof storage;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&storage), &length);
    address_.length = static_cast<std::uint16_t>(length);
    memcpy(address_.bytes, &storage, length);
  }
  ~Peer() { close(fd_); }
  const abi::SocketAddress& address() const { return address_; }
  int fd() const { return fd_; }

  // Takes what is sent and sends `reply`.
  void answer(const std::string& reply) {
    const int connection = accept(fd_, nullptr, nullptr);
    char bytes[16];
    if (read(connection, bytes, sizeof bytes) < 0) perror("read");
    if (write(connection, reply.data(), reply.size()) < 0) perror("write");
    close(connection);
  }

 private:
  int fd_ = -1;
  abi::SocketAddress address_ = {};
};

class Connected : public Sockets {
 protected:
  Connected() {
    answer_.verdict = abi::ConnectVerdict::kRedirect;
    answer_.link = 2;
    answer_.local = ipv4("10.0.0.5", 33000);
    replay_.link(2).role = abi::LinkRole::kAnswered;
    replay_.answer(abi::Ask::kConnect, [this](const std::string& request) {
      memcpy(&ask_, request.data(), sizeof ask_);
      asked_ = true;
      return body_of(answer_);
    });
  }
  void converse(const std::string& name, Peer& peer) {
    answer_.address = peer.address();
    launch(name);
    ASSERT_TRUE(replay_.wait_until([&] {
      return replay_.output().find("send 4\n") != std::string::npos;
    })) << replay_.output();
    peer.answer("pong!");
    EXPECT_EQ(replay_.wait_for_exit(), 0);
  }

  abi::AnswerConnect answer_ = {};
  abi::AskConnect ask_ = {};
  bool asked_ = false;
};

TEST_F(Connected, IsLedToTheReplayerAndToldTheRecordedNames) {
  Peer peer;
  converse("connect", peer);
  EXPECT_EQ(text_of(ask_.peer), "192.0.2.7:6379");
  EXPECT_EQ(text_of(ask_.actual_local).substr(0, 10), "127.0.0.1:");
  EXPECT_EQ(replay_.output(),
            "connect 0\npeer 192.0.2.7:6379\nlocal 10.0.0.5:33000\nsend 4\nrecv 5\n");
  const std::vector<SeenRecord> connects = replay_.arena().of(abi::RecordType::kConnect);
  ASSERT_EQ(connects.size(), 1u);
  EXPECT_EQ(text_of(connects[0].body<abi::Connect>().peer), "192.0.2.7:6379");
  EXPECT_EQ(text_of(connects[0].body<abi::Connect>().local), "10.0.0.5:33000");
}

TEST_F(Connected, OfAnIpv6SocketToAMappedAddressWorksOverIpv4) {
  Peer peer;
  converse("connect_mapped", peer);
  EXPECT_TRUE(replay_.output().starts_with("connect 0\npeer [::ffff:192.0.2.7]:6379\n"));
}

TEST_F(Connected, OfAnIpv6SocketGoesOverIpv6) {
  abi::SocketAddress loopback = {};
  sockaddr_in6 in6 = {};
  in6.sin6_family = AF_INET6;
  in6.sin6_addr = IN6ADDR_LOOPBACK_INIT;
  loopback.length = sizeof in6;
  memcpy(loopback.bytes, &in6, sizeof in6);
  Peer peer(8, loopback);
  if (text_of(peer.address()).starts_with("[::]")) GTEST_SKIP() << "no [::1] on this machine";
  converse("connect_ipv6", peer);
  EXPECT_TRUE(replay_.output().starts_with("connect 0\npeer [2001:db8::7]:6379\n"));
  EXPECT_TRUE(text_of(ask_.actual_local).starts_with("[::1]:"));
}

TEST_F(Connected, NonBlockingIsLearntLater) {
  Peer peer;
  answer_.error = EINPROGRESS;
  converse("connect_later", peer);
  EXPECT_EQ(replay_.output(),
            "connect EINPROGRESS\npoll 1\nwritable 1\nfailed 0\nso_error 0\nso_error 0\n"
            "peer 192.0.2.7:6379\nlocal 10.0.0.5:33000\nsend 4\nrecv 5\n");
  EXPECT_EQ(replay_.arena().of(abi::RecordType::kConnectResult).size(), 1u);
}

TEST_F(Connected, NonBlockingThatSucceededAtOnceDoesSo) {
  Peer peer;
  converse("connect_later", peer);
  EXPECT_EQ(replay_.output().substr(0, 10), "connect 0\n");
}

TEST_F(Connected, FailsAtOnceAsRecordedWithoutAConnect) {
  answer_.verdict = abi::ConnectVerdict::kFail;
  answer_.error = EHOSTUNREACH;
  const std::string output = run("connect");
  EXPECT_EQ(output.substr(0, 21), "connect EHOSTUNREACH\n");
}

TEST_F(Connected, FailsLaterAsRecorded) {
  const Peer refuses(-1);  // bound, and nobody listens
  answer_.verdict = abi::ConnectVerdict::kFail;
  answer_.error = EINPROGRESS;
  answer_.final_error = ETIMEDOUT;
  answer_.address = refuses.address();
  EXPECT_EQ(run("connect_fails_later"),
            "connect EINPROGRESS\npoll 1\nwritable 1\nfailed 1\nso_error ETIMEDOUT\nso_error 0\n");
  const std::vector<SeenRecord> results = replay_.arena().of(abi::RecordType::kConnectResult);
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].body<abi::ConnectResult>().error, ETIMEDOUT);
}

TEST_F(Connected, TellsALateFailureToTheSendThatMeetsIt) {
  const Peer refuses(-1);
  answer_.verdict = abi::ConnectVerdict::kFail;
  answer_.error = EINPROGRESS;
  answer_.final_error = EHOSTUNREACH;
  answer_.address = refuses.address();
  EXPECT_EQ(run("connect_fails_in_send"), "connect EINPROGRESS\nsend EHOSTUNREACH\n");
}

TEST_F(Connected, RefusedMeansALostDependency) {
  replay_.answer(abi::Ask::kConnect, [](const std::string&) -> Body { return std::nullopt; });
  EXPECT_EQ(run("connect").substr(0, 21), "connect ECONNREFUSED\n");
}

// A listener whose queue is full leaves connects pending.
class Pending : public Connected {
 protected:
  Pending() : full_(0) {
    answer_.address = full_.address();
    for (int& filler : fillers_) {
      filler = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      connect(filler, reinterpret_cast<const sockaddr*>(full_.address().bytes),
              full_.address().length);
    }
  }
  ~Pending() override {
    for (const int filler : fillers_) close(filler);
  }

  Peer full_;
  int fillers_[4];
};

TEST_F(Pending, ABlockedConnectEndsWithItsVirtualTimeOut) {
  launch("connect_timeout");
  ASSERT_NE(replay_.wait_for(abi::Activity::kConnect), nullptr);
  replay_.move_clock_by(kHour);
  EXPECT_EQ(replay_.wait_for_exit(), 0);
  EXPECT_EQ(replay_.output(), "connect EINPROGRESS\n");
}

TEST_F(Pending, AWaitForTheConnectionEndsInVirtualTime) {
  answer_.error = EINPROGRESS;
  launch("connect_poll_timeout");
  ASSERT_NE(replay_.wait_for(abi::Activity::kReadiness), nullptr);
  replay_.move_clock_by(kHour);
  EXPECT_EQ(replay_.wait_for_exit(), 0);
  EXPECT_EQ(replay_.output(), "connect EINPROGRESS\npoll 0\n");
}

TEST_F(Connected, ALocalAddressTheServiceBoundIsOnlyTold) {
  Peer peer;
  answer_.address = peer.address();
  answer_.local = ipv4("198.51.100.1", 4444);
  EXPECT_EQ(run("connect_after_bind"), "bind 0\nconnect 0\nlocal 198.51.100.1:4444\n");
  EXPECT_EQ(text_of(ask_.actual_local).substr(0, 10), "127.0.0.1:");
}

TEST_F(Connected, InternalOnesReachTheServiceItself) {
  Peer peer;
  answer_.verdict = abi::ConnectVerdict::kInternal;
  answer_.link = abi::kNone;
  answer_.local = {};
  converse("connect", peer);
  EXPECT_NE(replay_.output().find("local 127.0.0.1:"), std::string::npos);
}

TEST_F(Sockets, DatagramsNobodyAnswersForLeaveNothing) {
  EXPECT_EQ(run("datagram"),
            "sendto ENETUNREACH\nconnect 0\npeer 192.0.2.53:53\nsend 5\nrecv ECONNREFUSED\n");
}

// --- Lookups
// -----------------------------------------------------------------------------------------

std::string terminated(const std::vector<std::string>& strings) {
  std::string result;
  for (const std::string& string : strings) result += string + '\0';
  return result;
}

std::string lookup_answer(const abi::Lookup& body, const std::vector<std::string>& strings,
                          const std::vector<abi::LookupAddress>& addresses) {
  std::string answer(reinterpret_cast<const char*>(&body), sizeof body);
  answer += terminated(strings);
  for (const abi::LookupAddress& address : addresses) {
    answer.append(reinterpret_cast<const char*>(&address), sizeof address);
  }
  return answer;
}

class Lookups : public Sockets {
 protected:
  Lookups() {
    replay_.answer(abi::Ask::kLookup, [this](const std::string& request) -> Body {
      asked_.push_back(request.substr(sizeof(abi::Lookup)));
      return answer_;
    });
  }

  std::vector<std::string> asked_;  // node \0 service \0
  Body answer_;
};

abi::LookupAddress found(const char* address, std::uint16_t port) {
  return {AF_INET, SOCK_STREAM, IPPROTO_TCP, 0, ipv4(address, port)};
}

TEST_F(Lookups, AreAnsweredByTheReplayer) {
  abi::Lookup body = {};
  body.count = 2;
  body.canonical_name = 1;
  answer_ = lookup_answer(body, {"payments.internal", "443", "pay-7.internal"},
                          {found("192.0.2.8", 443), found("192.0.2.9", 443)});
  EXPECT_EQ(run("lookup"),
            "lookup 0\naddress 192.0.2.8:443\ncanonical pay-7.internal\naddress 192.0.2.9:443\n");
  ASSERT_EQ(asked_.size(), 1u);
  EXPECT_EQ(asked_[0], terminated({"payments.internal", "443"}));
}

TEST_F(Sockets, OwnNameIsTheRecordedMachineS) {
  std::strcpy(replay_.header().host_name, "prod-7");
  EXPECT_EQ(run("own_name"),
            "gethostname prod-7\nuname prod-7\ncut File name too long\nbegins pro\n");
}

TEST_F(Sockets, OwnNameIsThisMachineSWhereNoneWasRecorded) {
  char name[HOST_NAME_MAX + 1] = "";
  ASSERT_EQ(::gethostname(name, sizeof name), 0);
  const std::string told = run("own_name");
  EXPECT_EQ(told.find("gethostname " + std::string(name) + "\nuname " + name + "\n"), 0u) << told;
}

TEST_F(Lookups, FailAsRecorded) {
  abi::Lookup body = {};
  body.result = EAI_FAIL;
  answer_ = lookup_answer(body, {"payments.internal", "443"}, {});
  EXPECT_EQ(run("lookup"), "lookup Non-recoverable failure in name resolution\n");
}

TEST_F(Lookups, OfNumbersAskNobody) {
  EXPECT_EQ(run("lookup_numeric"),
            "lookup 0\naddress 192.0.2.1:80\n"
            "lookup 0\naddress [2001:db8::1]:80\n"
            "lookup 0\naddress 0.0.0.0:80\naddress [::]:80\n"
            "lookup 0\naddress 127.0.0.1:80\naddress [::1]:80\n"
            "lookup Name or service not known\n");
  EXPECT_TRUE(asked_.empty());
}

TEST_F(Lookups, ByTheOlderFunctionsAreTheSame) {
  abi::Lookup body = {};
  body.count = 2;
  answer_ = lookup_answer(body, {"payments.internal", ""},
                          {found("192.0.2.8", 0), found("192.0.2.9", 0)});
  EXPECT_EQ(run("host"),
            "name payments.internal\naddress 192.0.2.8\naddress 192.0.2.9\nsmall ERANGE\n");
}

TEST_F(Lookups, OfAddressesGiveNumbers) {
  EXPECT_EQ(run("reverse"), "result 0\nhost 192.0.2.1\nrequired Name or service not known\n");
  EXPECT_TRUE(asked_.empty());
}

}  // namespace
}  // namespace reprise::agent::testing
