#include "protocol/postgresql/codec.h"

#include <algorithm>
#include <utility>

#include "protocol/postgresql/fields.h"

namespace reprise::protocol::postgresql {
namespace {

using event::Protocol;

// Of a message with names of statements and portals; longer ones stand for nothing.
constexpr std::size_t kKeptNames = 512;
constexpr std::string_view kFrontend = "BCDEFHPQSXcdfp";

bool is_copy_data(char type) { return type == 'd' || type == 'c' || type == 'f'; }

// A parameter of a start-up message, whose body begins with its code.
std::string_view parameter(std::string_view body, std::string_view wanted) {
  Fields fields(body.substr(4));
  while (fields.ok() && !fields.empty()) {
    const std::string_view name = fields.text();
    const std::string_view value = fields.text();
    if (name == wanted) return value;
  }
  return {};
}

// A text that is not kept to its end has no zero byte.
std::string_view text_or_rest(Fields& fields) {
  const std::string_view rest = fields.rest();
  return rest.find('\0') == std::string_view::npos ? rest : fields.text();
}

}  // namespace

std::size_t PostgresCodec::feed(Side side, std::uint64_t offset, ByteSpan bytes) {
  const std::size_t given = bytes.size();
  while (!bytes.empty() && !stop(side)) {
    if (side == Side::kClient) {
      feed_client(offset, bytes);
    } else {
      feed_server(offset, bytes);
    }
  }
  return given - bytes.size();
}

// What rows and the data of a COPY contain means nothing here.
std::uint64_t PostgresCodec::skip(Side side, std::uint64_t, std::uint64_t count) {
  Framer& framer = side == Side::kClient ? client_ : server_;
  const bool data = framer.type() == 'd' || (side == Side::kServer && framer.type() == 'D');
  return framer.in_body() && data ? framer.pass(count) : 0;
}

void PostgresCodec::feed_client(std::uint64_t& offset, ByteSpan& bytes) {
  if (client_.between()) client_begin_ = offset;
  const std::size_t before = bytes.size();
  Framer::Progress progress = client_.take(bytes);
  offset += before - bytes.size();
  if (progress == Framer::Progress::kBegun) {
    begin_message();
  } else if (progress == Framer::Progress::kHead) {
    take_head();
    // One without a body is whole already.
    if (!stop(Side::kClient) && client_.length() == 4) progress = client_.take(bytes);
  }
  if (progress == Framer::Progress::kDone) take_message(offset);
}

void PostgresCodec::begin_message() {
  const char type = client_.type();
  if (open_ != Open::kNothing && !goes_on(type)) end_request(client_begin_);
  const bool known = type == '\0' ? !started_ : kFrontend.find(type) != std::string_view::npos;
  if (known && is_no_request(type)) return;
  if (open_ == Open::kBind) {
    if (InFlight* flight = own_flight()) flight->steps += type;
  } else if (open_ == Open::kNothing && pipeline_.full()) {
    stop_at(Side::kClient, {"too many requests without an answer", client_begin_, false});
  } else if (open_ == Open::kNothing && is_copy_data(type)) {
    begin_request(copy_in_ == CopyIn::kSimple ? kCopySimple : kCopyExtended, Open::kCopyData);
    set(copied_);
  } else if (open_ == Open::kNothing) {
    begin_request(type == '\0' ? kStartUp : type, type == 'B' ? Open::kBind : Open::kMessage);
  }
  if (!known) unreadable_request("not a message of PostgreSQL");
}

// Whether a message of that type is part of the request that is open.
bool PostgresCodec::goes_on(char type) const {
  if (open_ == Open::kBind) {
    return type == 'E' || (type == 'D' && !described_);
  }
  // While the server waits for data it passes over Flush and Sync.
  const bool ignored = copy_in_ != CopyIn::kNone && (type == 'H' || type == 'S');
  return is_copy_data(type) || ignored;
}

bool PostgresCodec::is_no_request(char type) const {
  if (is_copy_data(type)) return open_ != Open::kCopyData && copy_in_ == CopyIn::kNone;
  return type == 'H' || type == 'X' || (type == 'S' && copy_in_ == CopyIn::kExtended);
}

void PostgresCodec::begin_request(char step, Open open) {
  if (!pipeline_.request_open()) pipeline_.begin_request(Protocol::kPostgres, client_begin_);
  in_flight_.push_back({pipeline_.open_request().ordinal, std::string(1, step), false});
  open_ = open;
  described_ = false;
}

// Of the request that is open; null when it was answered early.
PostgresCodec::InFlight* PostgresCodec::own_flight() {
  const bool own = !in_flight_.empty() && pipeline_.request_open() &&
                   in_flight_.back().ordinal == pipeline_.open_request().ordinal;
  return own ? &in_flight_.back() : nullptr;
}

void PostgresCodec::take_head() {
  const char type = client_.type();
  const bool possible = type == '\0'
                            ? client_.length() >= kStartupHead && client_.length() <= kMaxStartup
                            : client_.length_is_possible();
  if (!possible) {
    if (open_ == Open::kNothing) begin_request(type, Open::kMessage);
    unreadable_request("a message's length is not possible");
  } else if (type == 'Q' || type == 'P') {
    client_.keep(kMaxText, true);
  } else if (type == '\0') {
    client_.keep(kMaxStartup);
  } else if (!is_copy_data(type) && type != 'p') {
    client_.keep(kKeptNames);
  }
}

void PostgresCodec::take_message(std::uint64_t offset) {
  switch (client_.type()) {
    case '\0':
      take_startup(offset);
      return;
    case 'Q':
      take_query();
      break;
    case 'P':
      take_parse();
      break;
    case 'B':
      take_bind();
      return;
    case 'D':
      described_ = true;
      if (open_ == Open::kBind) return;
      take_named("DESCRIBE");
      break;
    case 'C':
      take_named("CLOSE");
      break;
    case 'E':
      take_execute();
      break;
    case 'F':
      set({.method = "FUNCTION", .operation = "FUNCTION", .target = ""});
      setting_up_ = false;
      break;
    case 'p':
      set({.method = "AUTH", .operation = "AUTH", .target = ""});
      pipeline_.open_request().prelude = true;
      break;
    case 'S':
      if (open_ != Open::kMessage) return;  // passed over
      set({.method = "SYNC", .operation = "SYNC", .target = ""});
      pipeline_.open_request().prelude = true;
      if (copy_in_ == CopyIn::kExtended) {
        end_request(offset, Pipeline::Answer::kNever);
        return;
      }
      break;
    case 'c':
    case 'f':
      copy_in_ = CopyIn::kNone;
      if (open_ != Open::kCopyData) return;
      break;
    default:  // CopyData, Flush, Terminate
      return;
  }
  end_request(offset);
}

void PostgresCodec::take_startup(std::uint64_t offset) {
  const std::string_view body = client_.body();
  const auto kind = startup_kind(client_.length(), read_u32(body));
  if (!kind) {
    unreadable_request("not a start-up packet");
    return;
  }
  Pipeline::Answer answer = Pipeline::Answer::kExpected;
  if (*kind == StartupKind::kStartup) {
    started_ = true;
    std::string target(parameter(body, "user"));
    if (const auto database = parameter(body, "database"); !database.empty()) {
      target.append("@").append(database);
    }
    set({.method = "STARTUP", .operation = "STARTUP", .target = std::move(target)});
  } else if (*kind == StartupKind::kCancel) {
    set({.method = "CANCEL", .operation = "CANCEL", .target = ""});
    answer = Pipeline::Answer::kNever;
  } else {
    const char* name = *kind == StartupKind::kSsl ? "SSLREQUEST" : "GSSENCREQUEST";
    set({.method = name, .operation = name, .target = ""});
    if (InFlight* flight = own_flight()) flight->steps = kEncryption;
  }
  pipeline_.open_request().prelude = true;
  end_request(offset, answer);
}

void PostgresCodec::take_query() {
  Fields fields(client_.body());
  const Statement statement = describe_statement(text_or_rest(fields), client_.rest_hash());
  set(statement);
  setting_up_ = setting_up_ && statement.sets_up;
  pipeline_.open_request().prelude = setting_up_;
}

void PostgresCodec::take_parse() {
  Fields fields(client_.body());
  const std::string_view name = fields.text();
  Statement statement = describe_statement(text_or_rest(fields), client_.rest_hash());
  set({.method = "PARSE", .operation = "PARSE", .target = statement.target});
  pipeline_.open_request().prelude = true;
  known_.prepare(name, std::move(statement));
}

void PostgresCodec::take_bind() {
  Fields fields(client_.body());
  bound_ = fields.text();
  const std::string_view statement = fields.text();
  known_.bind(bound_, statement);
  set({.method = "BIND", .operation = "BIND", .target = known_.portal(bound_).target});
}

void PostgresCodec::take_execute() {
  Fields fields(client_.body());
  const std::string_view portal = fields.text();
  const Statement& statement = known_.portal(portal);
  set(statement);
  setting_up_ = setting_up_ && statement.sets_up;
  pipeline_.open_request().prelude = setting_up_;
}

// Describe and Close: 'S' with the name of a statement or 'P' with that of a portal.
void PostgresCodec::take_named(std::string_view operation) {
  Fields fields(client_.body());
  const bool is_statement = fields.byte() == 'S';
  const std::string_view name = fields.text();
  const Statement& known = is_statement ? known_.statement(name) : known_.portal(name);
  set({.method = std::string(operation),
       .operation = std::string(operation),
       .target = known.target});
  pipeline_.open_request().prelude = is_statement || operation == "CLOSE";
  if (operation != "CLOSE") return;
  is_statement ? known_.close_statement(name) : known_.close_portal(name);
}

void PostgresCodec::set(const Statement& statement) {
  Transaction& transaction = pipeline_.open_request();
  transaction.method = statement.method;
  transaction.operation = statement.operation;
  transaction.target = statement.target;
}

void PostgresCodec::end_request(std::uint64_t offset, Pipeline::Answer answer) {
  open_ = Open::kNothing;
  InFlight* flight = own_flight();
  const bool answered = flight != nullptr && flight == &in_flight_.front() && answering();
  if (flight != nullptr && !answered) {
    if (skips_to_sync_ && flight->steps != "S") answer = Pipeline::Answer::kNever;
    if (flight->steps == "S") skips_to_sync_ = false;
    if (answer == Pipeline::Answer::kNever) {
      in_flight_.pop_back();
      flight = nullptr;
    }
  } else {
    answer = Pipeline::Answer::kExpected;
  }
  if (flight != nullptr) flight->whole = true;
  const bool waits = flight != nullptr && answered && flight->steps.empty();
  pipeline_.end_request(offset, answer);
  if (waits) finish_answer(server_end_);
}

void PostgresCodec::unreadable_request(std::string why) {
  if (encrypted_ && !started_) why = "tls";
  stop_at(Side::kClient, {std::move(why), client_begin_, false});
}

}  // namespace reprise::protocol::postgresql
