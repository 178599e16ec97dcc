// Follows PostgreSQL's protocol, version 3, on a connection in constant memory (PostgreSQL
// documentation, chapter 55 "Frontend/Backend Protocol").
//
// What is one request:
//   - a Query, a FunctionCall, a packet of the start-up or of the authentication;
//   - Bind with the Describe and the Execute that follow it: one execution of a statement, named by
//     the text that was prepared;
//   - Parse, Describe of a statement, Close and Sync each on its own: whether a pooled connection
//     has a statement prepared already is chance, so none of them may be part of an execution.
//     They are preludes, as long as they succeed;
//   - the data of a COPY FROM STDIN, from the first CopyData to CopyDone or CopyFail: the client
//     waits for CopyInResponse before it.
// Flush and Terminate are answered by nothing and are part of no request.
//
// Requests are answered in order. What the server tells while nothing is answered, and a
// notification, is a push. After an error what was pipelined up to the next Sync gets no answer
// (section 55.2.3); the Sync that a client sends behind the Execute of a COPY gets none either.
// TLS, GSSAPI encryption and replication streams are opaque from where they begin.
//
// Threading: as the decoder that owns it.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "protocol/codec.h"
#include "protocol/pipeline.h"
#include "protocol/postgresql/framer.h"
#include "protocol/postgresql/known_statements.h"
#include "protocol/postgresql/startup.h"

namespace reprise::protocol::postgresql {

class PostgresCodec final : public Codec {
 public:
  explicit PostgresCodec(Pipeline& pipeline) : pipeline_(pipeline) {}

  event::Protocol protocol() const override { return event::Protocol::kPostgres; }
  std::size_t feed(Side side, std::uint64_t offset, ByteSpan bytes) override;
  std::uint64_t skip(Side side, std::uint64_t offset, std::uint64_t count) override;
  void end(Side, std::uint64_t, End) override {}  // every message has an end of its own

 private:
  // A request that is not answered in full. `steps` has the type of each of its messages that the
  // server has yet to answer ("BDE"), or one of these:
  static constexpr char kStartUp = '0', kEncryption = '8', kCopySimple = 'q', kCopyExtended = 'e';
  struct InFlight {
    std::uint64_t ordinal = 0;
    std::string steps;
    bool whole = false;  // the request is
  };
  // What the request that is open is made of.
  enum class Open : std::uint8_t { kNothing, kMessage, kBind, kCopyData };
  enum class CopyIn : std::uint8_t { kNone, kSimple, kExtended };

  // --- Requests (codec.cc) -----------------------------------------------------------------------
  void feed_client(std::uint64_t& offset, ByteSpan& bytes);
  void begin_message();
  bool goes_on(char type) const;
  bool is_no_request(char type) const;
  void begin_request(char step, Open open);
  InFlight* own_flight();
  void take_head();
  void take_message(std::uint64_t offset);
  void take_startup(std::uint64_t offset);
  void take_query();
  void take_parse();
  void take_bind();
  void take_execute();
  void take_named(std::string_view operation);
  void set(const Statement& statement);
  void end_request(std::uint64_t offset, Pipeline::Answer answer = Pipeline::Answer::kExpected);
  void unreadable_request(std::string why);

  // --- Answers (backend.cc) ----------------------------------------------------------------------
  void feed_server(std::uint64_t& offset, ByteSpan& bytes);
  bool take_encryption_answer(std::uint64_t& offset, ByteSpan& bytes);
  void begin_answer();
  void take_answer_head();
  void take_answer(std::uint64_t offset);
  void take_step(std::uint64_t offset);
  void note_status();
  void begin_copy_in(char step, std::uint64_t offset);
  void fail_step(std::uint64_t offset);
  void skip_to_sync(std::uint64_t offset);
  void answer_nothing(std::uint64_t offset);
  void finish_answer(std::uint64_t offset);
  void unreadable_answer(std::string why);
  bool answering() const { return pipeline_.response_open() && !pushing_; }

  Pipeline& pipeline_;

  Framer client_;
  std::uint64_t client_begin_ = 0;  // of the message
  Open open_ = Open::kNothing;
  bool described_ = false;  // the Bind that is open has its Describe
  bool started_ = false;    // a StartupMessage was sent
  bool encrypted_ = false;  // the server agreed to TLS before that
  bool setting_up_ = true;  // nothing but set-up so far
  KnownStatements known_;
  std::string bound_;  // the portal of the Bind that is open

  Framer server_;
  std::uint64_t server_begin_ = 0, server_end_ = 0;  // of the message, and of the last one
  bool pushing_ = false;                             // what is open answers nothing
  std::string status_;                               // of the answer that is open
  bool skips_to_sync_ = false;                       // the server passes over all requests but Sync
  CopyIn copy_in_ = CopyIn::kNone;                   // the server waits for data
  Statement copied_;                                 // how their request is called
  std::deque<InFlight> in_flight_;
};

}  // namespace reprise::protocol::postgresql
