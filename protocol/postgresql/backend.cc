// The server's side of the codec: which of its messages answers what.
#include <utility>

#include "protocol/postgresql/codec.h"
#include "protocol/postgresql/fields.h"

namespace reprise::protocol::postgresql {
namespace {

using event::Protocol;

constexpr std::string_view kBackend = "123ACDEGHIKNRSTVWZcdnstv";
constexpr std::size_t kKeptTag = 128, kKeptNotification = 256, kKeptError = 2048;

// Section 55.7, Authentication…: what the server asks for; none when it does not wait for the
// client.
std::string_view asked_for(std::uint32_t authentication) {
  switch (authentication) {
    case 2:
      return "Kerberos";
    case 3:
      return "password";
    case 5:
      return "MD5";
    case 7:
      return "GSSAPI";
    case 8:
      return "GSSAPI, continued";
    case 9:
      return "SSPI";
    case 10:
      return "SASL";
    case 11:
      return "SASL, continued";
    default:  // 0 is the end, 12 comes right before it
      return {};
  }
}

std::string_view transaction_state(char state) {
  return state == 'T' ? "in transaction" : state == 'E' ? "failed transaction" : "idle";
}

// The SQLSTATE of an ErrorResponse (section 55.8).
std::string sql_state(std::string_view body) {
  Fields fields(body);
  while (const std::uint8_t field = fields.byte()) {
    const std::string_view value = fields.text();
    if (field == 'C') return std::string(value);
  }
  return "ERROR";
}

}  // namespace

void PostgresCodec::feed_server(std::uint64_t& offset, ByteSpan& bytes) {
  if (server_.between()) {
    if (!pipeline_.response_open() && pipeline_.next_answer_is_opaque()) {
      stop_at(Side::kServer, {"the request is not readable", offset, false});
      return;
    }
    server_begin_ = offset;
    if (take_encryption_answer(offset, bytes)) return;
  }
  const std::size_t before = bytes.size();
  Framer::Progress progress = server_.take(bytes);
  offset += before - bytes.size();
  if (progress == Framer::Progress::kBegun) {
    begin_answer();
  } else if (progress == Framer::Progress::kHead) {
    take_answer_head();
    if (!stop(Side::kServer) && server_.length() == 4) progress = server_.take(bytes);
  }
  if (progress != Framer::Progress::kDone) return;
  server_end_ = offset;
  take_answer(offset);
}

// SSLRequest and GSSENCRequest are answered by one byte (sections 55.2.10 and 55.2.11); a server
// that knows neither sends an error.
bool PostgresCodec::take_encryption_answer(std::uint64_t& offset, ByteSpan& bytes) {
  if (pipeline_.response_open() || in_flight_.empty()) return false;
  InFlight& front = in_flight_.front();
  if (front.steps != std::string_view(&kEncryption, 1)) return false;
  const char answer = static_cast<char>(bytes.front());
  if (answer != 'N' && answer != 'S' && answer != 'G') {
    front.steps = kStartUp;
    return false;
  }
  pipeline_.begin_response(Protocol::kPostgres, offset);
  bytes = bytes.subspan(1);
  server_end_ = ++offset;
  status_ = answer;
  finish_answer(offset);
  // Where TLS is recorded in the clear a StartupMessage follows 'S'; ciphertext is not readable as
  // one.
  encrypted_ = answer == 'S';
  if (answer == 'G') stop_at(Side::kServer, {"GSSAPI encryption", offset, true});
  return true;
}

void PostgresCodec::begin_answer() {
  const char type = server_.type();
  if (!pipeline_.response_open()) {
    pushing_ = type == 'A' || in_flight_.empty();
    if (pushing_) {
      pipeline_.begin_push(Protocol::kPostgres, server_begin_);
    } else {
      pipeline_.begin_response(Protocol::kPostgres, server_begin_);
    }
    status_.clear();
  }
  if (kBackend.find(type) == std::string_view::npos) {
    unreadable_answer("not a message of PostgreSQL");
  } else if (type == 'W') {
    unreadable_answer("replication stream");
  }
}

void PostgresCodec::take_answer_head() {
  if (!server_.length_is_possible()) {
    unreadable_answer("a message's length is not possible");
    return;
  }
  switch (server_.type()) {
    case 'C':
      server_.keep(kKeptTag);
      break;
    case 'A':
      server_.keep(kKeptNotification);
      break;
    case 'E':
      server_.keep(kKeptError);
      break;
    case 'R':
    case 'Z':
      server_.keep(4);
      break;
    default:
      break;
  }
}

void PostgresCodec::take_answer(std::uint64_t offset) {
  note_status();
  const bool ends_copy = server_.type() == 'E' && copy_in_ != CopyIn::kNone;
  const bool extended = copy_in_ == CopyIn::kExtended;
  if (ends_copy) copy_in_ = CopyIn::kNone;
  if (!pushing_) {
    take_step(offset);
    return;
  }
  pushing_ = false;
  pipeline_.open_response().status = std::exchange(status_, {});
  pipeline_.end_response(offset);
  if (ends_copy && extended) skip_to_sync(offset);
}

void PostgresCodec::note_status() {
  Fields fields(server_.body());
  switch (server_.type()) {
    case 'C':
      status_ = fields.text();
      break;
    case 'E':
      status_ = sql_state(server_.body());
      break;
    case 'I':
      status_ = "empty";
      break;
    case 's':
      status_ = "suspended";
      break;
    case 'A':
      fields.u32();  // the process that notified
      if (pushing_) status_ = "NOTIFY " + std::string(fields.text());
      break;
    case 'Z':
      if (status_.empty()) status_ = transaction_state(static_cast<char>(fields.byte()));
      break;
    default:
      break;
  }
}

void PostgresCodec::take_step(std::uint64_t offset) {
  std::string& steps = in_flight_.front().steps;
  if (steps.empty()) return;  // answered but for what the client may still add
  const char step = steps[0], type = server_.type();
  bool done = false;
  switch (step) {
    case kStartUp:
    case 'p': {
      Fields fields(server_.body());
      const std::string_view asked = type == 'R' ? asked_for(fields.u32()) : std::string_view();
      if (!asked.empty()) status_ = asked;
      done = type == 'Z' || type == 'E' || !asked.empty();
      break;
    }
    case 'P':
      done = type == '1';
      break;
    case 'B':
      done = type == '2';
      break;
    case 'D':
      done = type == 'T' || type == 'n';
      break;
    case 'E':
      done = type == 'C' || type == 'I' || type == 's';
      break;
    case 'C':
      done = type == '3';
      break;
    case kCopyExtended:
      done = type == 'C';
      break;
    default:
      done = type == 'Z';
      break;
  }
  const bool extended = std::string_view("PBDECe").find(step) != std::string_view::npos;
  if (type == 'E' && extended) {
    fail_step(offset);
  } else if (type == 'G' && (step == 'Q' || step == kCopySimple || step == 'E')) {
    begin_copy_in(step, offset);
  } else if (type == 'Z' && extended) {
    unreadable_answer("the server is ready before it has answered");
  } else if (done) {
    // Behind a Bind or its Describe the client may add what is answered, too.
    const bool may_go_on = !in_flight_.front().whole && (step == 'B' || step == 'D');
    steps.erase(0, 1);
    if (steps.empty() && !may_go_on) finish_answer(offset);
  }
}

// The statement's answer ends; the data that it asks for are a request of their own.
void PostgresCodec::begin_copy_in(char step, std::uint64_t offset) {
  const Transaction& asking = pipeline_.open_response();
  if (step != kCopySimple) {
    copied_ = {
        .method = "COPY DATA", .operation = asking.operation + " DATA", .target = asking.target};
  }
  copy_in_ = step == 'E' ? CopyIn::kExtended : CopyIn::kSimple;
  status_ = "COPY IN";
  finish_answer(offset);
  while (step == 'E' && !in_flight_.empty() && in_flight_.front().steps == "S" &&
         in_flight_.front().whole) {
    answer_nothing(offset);
  }
}

// What fails sets nothing up.
void PostgresCodec::fail_step(std::uint64_t offset) {
  pipeline_.open_response().prelude = false;
  finish_answer(offset);
  skip_to_sync(offset);
}

void PostgresCodec::skip_to_sync(std::uint64_t offset) {
  while (!in_flight_.empty() && in_flight_.front().steps != "S" && in_flight_.front().whole) {
    answer_nothing(offset);
  }
  skips_to_sync_ = in_flight_.empty() || in_flight_.front().steps != "S";
}

void PostgresCodec::answer_nothing(std::uint64_t offset) {
  pipeline_.begin_response(Protocol::kPostgres, offset);
  pipeline_.end_response(offset);
  in_flight_.pop_front();
}

void PostgresCodec::finish_answer(std::uint64_t offset) {
  pipeline_.open_response().status = status_.empty() ? "OK" : status_;
  status_.clear();
  in_flight_.pop_front();
  pipeline_.end_response(offset);
}

void PostgresCodec::unreadable_answer(std::string why) {
  stop_at(Side::kServer, {std::move(why), server_begin_, true});
}

}  // namespace reprise::protocol::postgresql
