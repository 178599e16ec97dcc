// One client of a replay in real time: takes the steps of a course on a socket of its own.
//
// It waits for nothing but its own socket: what the service read, and whether it rests, is not
// asked. A mark says which tape entry a request is, as far as they fit the link's ring; draws after
// later reads of a long upload are not addressed then.
//
// Plain sockets and no library's: what a request costs here is what a load cannot exceed. Under
// TLS, which begins where it did, what it sends and takes is what was encrypted.
//
// Ownership: owns its socket; borrows all else. Threading: the clients' thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "replayer/live/answers.h"
#include "replayer/live/course.h"
#include "replayer/live/entrance.h"
#include "replayer/live/live_time.h"
#include "replayer/plan.h"
#include "replayer/tls/endpoint.h"

namespace reprise::replayer {

class LiveClient {
 public:
  // A response that is whole, or one that will not come: then `problem` says why.
  struct Outcome {
    const RecordedExchange* recorded = nullptr;
    Answer answer;
    std::string problem;
    Instant from;  // what its latency is measured from
  };
  struct Setting {
    const Plan& plan;
    Entrance& entrance;
    LiveTime time;
    int poll;                          // epoll descriptor
    std::vector<std::uint8_t> buffer;  // to receive into
    std::vector<Outcome> outcomes;     // what came of requests is appended
    tls::Identities identities = {};   // of clients that had a certificate
    std::uint64_t in_flight = 0;       // requests of all clients that wait for their responses
    std::unordered_map<event::ConnectionId, AnswerNotes> notes = {};  // of earlier clients

    AnswerNotes& notes_of(const RecordedConnection& recorded) {
      return notes.try_emplace(recorded.id, plan, recorded).first->second;
    }
  };

  // `number`: that the poll reports it by.
  LiveClient(Setting& setting, const Course& course, std::uint64_t number);
  ~LiveClient();
  LiveClient(const LiveClient&) = delete;
  LiveClient& operator=(const LiveClient&) = delete;

  // The step that comes next; null after the last.
  const Step* next() const;
  // Whether the recording had no more responses before it than there are here.
  bool may_step() const;
  // Takes none any more.
  void stop_here() { next_ = course_.steps.size(); }
  // Takes it. The latency of the requests that it completes is measured from `from`.
  void take_step(Instant now, Instant from);
  // The socket is ready for `events` (epoll).
  void on_ready(std::uint32_t events);

  // Nothing more comes or goes. Then close() is all that is left to do.
  bool is_over() const;
  // The earliest moment after which nothing is waited for; kNoEnd: nothing is.
  Instant gives_up_at() const;
  static constexpr Instant kNoEnd = Instant::max();
  // No response is waited for any more, and no step taken: what is left of the course, too, is
  // without responses.
  void give_up(const std::string& problem);
  void close();

  bool connect_failed() const { return connect_failed_; }
  // Of its next step: it has a time to wait for, or had one when it could not be taken yet.
  bool has_due = false;
  std::optional<Instant> held_since;

 private:
  struct Pending {
    std::uint32_t transaction = 0;
    Instant from, until;
  };

  void open(Instant now);
  void send_chunk(const Step& step, Instant now);
  void mark(const Chunk& chunk);
  bool mark(std::uint64_t offset, std::uint32_t entry);
  void end();
  void expect(const Step& step, Instant from);
  void tell(std::uint32_t transaction, std::string problem, Instant from);
  // TLS is due here, or has begun.
  bool is_encrypted() const;
  void begin_tls();
  void send(std::span<const std::uint8_t> bytes);
  void take(std::span<const std::uint8_t> bytes);
  bool take_ciphertext(std::span<const std::uint8_t> bytes);
  void write(std::span<const std::uint8_t> bytes);
  void watch();
  void receive();
  void on_answered(std::uint32_t transaction);
  void on_end_of_answers(protocol::End how);
  const RecordedExchange& exchange(std::uint32_t transaction) const;

  Setting& setting_;
  const Course& course_;
  const std::uint64_t number_;
  Answers answers_;
  int socket_ = -1;
  std::string address_;
  LinkId link_;
  std::size_t next_ = 0;  // step
  std::uint32_t answered_ = 0;
  const RecordedExchange* current_ = nullptr;  // that the last chunk began, or went on
  nanoseconds shift_{0};                       // of its monotonic clocks
  std::uint64_t sent_ = 0, consumed_ = 0, received_ = 0;
  std::optional<tls::TlsEndpoint> tls_;
  event::Bytes waiting_for_tls_;
  std::deque<Pending> pending_;
  event::Bytes unsent_;
  std::uint32_t watched_ = 0;
  bool connect_failed_ = false, sending_ended_ = false;
};

}  // namespace reprise::replayer
