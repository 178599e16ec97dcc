#include "replayer/answered_connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

#include "replayer/socket_address.h"

namespace reprise::replayer {
namespace {

// Released at once, at most; a larger chunk goes in several pieces.
constexpr std::uint64_t kReleaseBytes = 256 * 1024;

std::string_view text_of(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Whether a request head asks for an interim response before its body is sent (RFC 9110, 10.1.1).
bool expects_continue(std::string_view head) {
  std::string lower(head);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower.find("\r\nexpect: 100-continue\r\n") != std::string::npos;
}

// Length of the interim response (1xx) that `response` begins with, 0 when it does not.
std::uint64_t interim_bytes(std::span<const std::uint8_t> response) {
  const std::string_view text = text_of(response);
  if (!text.starts_with("HTTP/1.1 1") || text.starts_with("HTTP/1.1 101")) return 0;
  const std::size_t end = text.find("\r\n\r\n");
  return end == std::string_view::npos ? 0 : end + 4;
}

// "POST /charge" of "POST /charge?now HTTP/1.1\r\n…", as protocol/decoder.h has operations.
std::string operation_of(std::string_view head) {
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const std::string_view target_and_method = line.substr(0, line.rfind(' '));
  return std::string(target_and_method.substr(0, target_and_method.find('?')));
}

}  // namespace

AnsweredConnection::AnsweredConnection(Stage& stage, Identity identity)
    : stage_(stage), identity_(std::move(identity)) {
  const RecordedConnection* recorded = identity_.recorded;
  const event::Protocol spoken =
      recorded == nullptr ? event::Protocol::kUnknown : stage_.plan.first_protocol(*recorded);
  if (identity_.datagrams) {
    decoder_ = protocol::make_decoder(*this, event::Protocol::kUdp);
  } else if (spoken == event::Protocol::kOpaque) {
    begin_script(*recorded, 0);
  } else {
    decoder_ = protocol::make_decoder(*this, spoken);
  }
  if (recorded != nullptr && !identity_.datagrams) {
    owe(cut_greeting(stage_.plan, *recorded, stage_.pace(), identity_.context));
  }
}

AnsweredConnection::~AnsweredConnection() { close(false); }

void AnsweredConnection::attach(PeerSocket::Socket socket) {
  PeerSocket::Events& events = *this;
  socket_ = std::make_shared<PeerSocket>(std::move(socket), events);
  if (!identity_.datagrams) socket_->start();
}

// --- TLS ---------------------------------------------------------------------------------------

std::optional<tls::Setting> AnsweredConnection::on_hello() {
  if (identity_.tls == nullptr) return std::nullopt;
  const RecordedTls& recorded = *identity_.tls;
  return tls::Setting{
      .version = recorded.version,
      .protocol = recorded.protocol,
      .identity = stage_.identities.of(recorded.certificates, recorded.server_name)};
}

// What is owed next is to go under TLS, which the service has not begun yet.
bool AnsweredConnection::awaits_tls() const {
  const RecordedConnection* recorded = identity_.recorded;
  if (recorded == nullptr || recorded->tls == nullptr || socket_->under_tls()) return false;
  return !recorded->tls->failed && released_ >= recorded->tls->in_offset;
}

// --- What the service sends --------------------------------------------------------------------

void AnsweredConnection::on_bytes(std::span<const std::uint8_t> bytes) {
  if (end_sent_) {
    // A real peer that has closed answers with a reset.
    close(true);
    return;
  }
  std::erase_if(outputs_, [](const Output& output) { return output.idle; });
  if (script_) {
    received_ += bytes.size();
    play(bytes);
    return;
  }
  requests_.insert(requests_.end(), bytes.begin(), bytes.end());
  received_ += bytes.size();
  decoder_->feed(protocol::Side::kClient, bytes);
  if (!script_) answer_expectation();
}

void AnsweredConnection::on_end(bool reset) {
  requests_ended_ = true;
  if (decoder_ != nullptr) {
    decoder_->end(protocol::Side::kClient, reset ? protocol::End::kReset : protocol::End::kEof);
  }
  if (reset) {
    close(false);
  } else {
    close_when_done();
  }
}

void AnsweredConnection::on_request_begin(const protocol::Transaction& transaction) {
  request_begun_ = transaction.request.begin;
  continue_checked_ = false;
}

event::Bytes AnsweredConnection::request_bytes(event::ByteRange range) const {
  const auto begin = requests_.begin() + static_cast<std::ptrdiff_t>(range.begin - requests_base_);
  return {begin, begin + static_cast<std::ptrdiff_t>(range.size())};
}

CallRequest AnsweredConnection::request_of(const protocol::Transaction& transaction,
                                           event::Bytes bytes) {
  CallRequest request;
  request.context = context_at(transaction.request.begin);
  request.peer = identity_.name;
  request.protocol = transaction.protocol;
  request.operation = transaction.operation;
  if (request.protocol == event::Protocol::kPostgres) request.target = transaction.target;
  request.follows = followed_;
  request.prelude = transaction.prelude;
  request.bytes = std::move(bytes);
  if (request.context.kind == event::Context::Kind::kUnattributed) {
    request.in_flight = stage_.in_flight();
  }
  return request;
}

void AnsweredConnection::on_request_end(const protocol::Transaction& transaction) {
  if (transaction.protocol == event::Protocol::kOpaque) return;
  request_begun_.reset();
  const CallRequest request = request_of(transaction, request_bytes(transaction.request));
  const CallMatch match = stage_.matcher.match(request);
  stage_.ledger.answered(request, match, identity_.peer.text);
  requests_.erase(
      requests_.begin(),
      requests_.begin() + static_cast<std::ptrdiff_t>(transaction.request.end - requests_base_));
  requests_base_ = transaction.request.end;
  const std::uint64_t skip = std::exchange(interim_, 0);
  if (match.call == nullptr) {
    miss(request.bytes);
    return;
  }
  last_call_ = match.call;
  if (!match.call->prelude || followed_ == nullptr) followed_ = match.call;
  owe(cut_answer(stage_.plan, *match.call, std::max(skip, match.skip), stage_.pace(),
                 request.context));
}

// A request head that waits for "100 Continue" gets the one that was recorded.
void AnsweredConnection::answer_expectation() {
  if (!request_begun_ || continue_checked_) return;
  const std::string_view text = text_of(requests_).substr(*request_begun_ - requests_base_);
  const std::size_t end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) return;
  continue_checked_ = true;
  const std::string_view head = text.substr(0, end + 2);
  if (!expects_continue(head)) return;
  protocol::Transaction transaction;
  transaction.protocol = event::Protocol::kHttp1;
  transaction.operation = operation_of(head);
  transaction.request.begin = *request_begun_;
  const CallRequest request = request_of(transaction, {});
  const RecordedCall* call = stage_.matcher.expected(request);
  if (call == nullptr) return;
  constexpr std::uint64_t kInterimLimit = 4096;
  const event::ByteRange start{
      call->response.begin, call->response.begin + std::min(kInterimLimit, call->response.size())};
  const event::Bytes response =
      stage_.plan.streams->bytes({call->connection, Flow::kReceived}, start);
  interim_ = interim_bytes(response);
  if (interim_ == 0) return;
  std::vector<Output> outputs = cut_answer(stage_.plan, *call, 0, stage_.pace(), request.context);
  const std::uint64_t interim_end = call->response.begin + interim_;
  std::erase_if(outputs, [&](const Output& output) {
    return output.kind != Output::Kind::kBytes || output.bytes.begin >= interim_end;
  });
  if (!outputs.empty()) outputs.back().bytes.end = std::min(outputs.back().bytes.end, interim_end);
  owe(std::move(outputs));
}

void AnsweredConnection::on_opaque(event::Protocol, std::string_view, std::uint64_t client_offset,
                                   std::uint64_t) {
  // Turns that follow an upgrade are those of the connection whose upgrade was answered.
  const RecordedConnection* recorded =
      last_call_ == nullptr ? identity_.recorded : stage_.plan.connection(last_call_->connection);
  if (recorded == nullptr) {
    miss();
    return;
  }
  begin_script(*recorded, last_call_ == nullptr ? 0 : last_call_->request.end);
  const std::uint64_t known = std::max(client_offset, requests_base_);
  const event::Bytes rest = request_bytes({known, received_});
  requests_.clear();
  request_begun_.reset();
  play(rest);
}

// --- Opaque connections ------------------------------------------------------------------------

void AnsweredConnection::begin_script(const RecordedConnection& recorded, std::uint64_t received) {
  script_ = Script{&recorded, received, 0};
  while (script_->transaction < recorded.transactions.size() &&
         stage_.plan.calls[recorded.transactions[script_->transaction]].request.begin < received) {
    ++script_->transaction;
  }
}

void AnsweredConnection::play(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return;
  Script& script = *script_;
  const event::ByteRange range{script.received, script.received + bytes.size()};
  const event::Bytes recorded =
      stage_.plan.streams->bytes({script.recorded->id, Flow::kSent}, range);
  if (!std::ranges::equal(recorded, bytes)) {
    stage_.ledger.answered_opaque(context_at(received_ - bytes.size()), nullptr,
                                  identity_.peer.text);
    miss();
    return;
  }
  script.received = range.end;
  answer_turns();
}

void AnsweredConnection::answer_turns() {
  Script& script = *script_;
  const auto& transactions = script.recorded->transactions;
  while (script.transaction < transactions.size()) {
    const RecordedCall& call = stage_.plan.calls[transactions[script.transaction]];
    if (call.request.end > script.received) return;
    ++script.transaction;
    const event::Context context = context_at(received_ - 1);
    stage_.matcher.give_opaque(call);
    stage_.ledger.answered_opaque(context, &call, identity_.peer.text);
    owe(cut_answer(stage_.plan, call, 0, stage_.pace(), context));
  }
}

// --- Contexts ----------------------------------------------------------------------------------

void AnsweredConnection::on_sent(const event::SendIntended& sent, const event::Context& context) {
  contexts_.emplace_back(sent.offset, context);
  // An archive without any says nothing of those that were sent.
  if (!identity_.datagrams || dead_ || !stage_.plan.known_facts.datagrams) return;
  parts_.insert(parts_.end(), sent.bytes.begin(), sent.bytes.end());
  if (!sent.continues) on_bytes(std::exchange(parts_, {}));
}

void AnsweredConnection::on_sent(const event::SendFinished& sent) {
  if (sent.result <= 0) return;
  sent_by_service_ =
      std::max(sent_by_service_, sent.offset + static_cast<std::uint64_t>(sent.result));
}

event::Context AnsweredConnection::context_at(std::uint64_t offset) {
  // A send is announced before its bytes leave: its record is there, if not collected yet.
  if (contexts_.empty() || contexts_.back().first < offset) stage_.service.drain();
  while (contexts_.size() > 1 && contexts_[1].first <= offset) contexts_.pop_front();
  if (contexts_.empty() || contexts_.front().first > offset) return event::Context::unattributed();
  return stage_.recorded(contexts_.front().second);
}

// --- What it owes ------------------------------------------------------------------------------

void AnsweredConnection::owe(std::vector<Output> outputs) {
  for (Output& output : outputs) {
    if (!outputs_.empty()) output.due = std::max(output.due, outputs_.back().due);
    outputs_.push_back(output);
  }
}

// `request`: the whole call, empty when it cannot be told from the rest of an opaque stream.
void AnsweredConnection::miss(event::Bytes request) {
  if (stage_.on_miss == OnMiss::kFail) {
    stage_.stop("a call to " + identity_.peer.text + " has no recorded answer (--on-miss fail)");
  }
  if (identity_.datagrams) return;  // a datagram that nobody answers
  const bool spoken = is_spoken(to_abi(identity_.peer));
  const bool passed_on = (stage_.on_miss == OnMiss::kPassthrough || spoken) && !request.empty();
  Output output;
  output.kind = passed_on ? Output::Kind::kPassedOn : Output::Kind::kReset;
  output.request = std::move(request);
  output.in_context = false;
  output.due = stage_.clock.now();
  owe({std::move(output)});
}

// An annotated call that was not recorded: nobody but the service itself could make it.
void AnsweredConnection::hand_back() {
  const std::string_view head =
      stage_.on_miss == OnMiss::kPassthrough ? "PERFORM 0 REPRISE/1\n" : "MISSED 0 REPRISE/1\n";
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(head.data()), head.size());
  released_ += bytes.size();
  decoder_->feed(protocol::Side::kServer, bytes);
  send(bytes);
}

// Asks the real peer, and gives the service what it answers.
void AnsweredConnection::pass_on(const Output& output) {
  if (is_spoken(to_abi(identity_.peer))) {
    hand_back();
    return;
  }
  if (real_peer_ == nullptr) {
    std::optional<tls::Setting> tls;
    if (socket_->under_tls() && identity_.tls->in_offset == 0) {
      tls = tls::Setting{.server_name = identity_.tls->server_name,
                         .protocol = identity_.tls->protocol};
    }
    real_peer_ = std::make_unique<RealPeer>(identity_.peer, tls);
  }
  response_whole_ = false;
  const auto answered =
      real_peer_->ask(output.request, [this](std::span<const std::uint8_t> bytes) {
        released_ += bytes.size();
        decoder_->feed(protocol::Side::kServer, bytes);
        send(bytes);
        return response_whole_ || dead_ || script_.has_value();
      });
  if (!answered) stage_.ledger.note("not passed on: " + answered.error());
  if (!answered || !*answered) {
    close_after_peer(answered ? Output::Kind::kEof : Output::Kind::kReset);
  }
}

// The peer has no more to say on this connection.
void AnsweredConnection::close_after_peer(Output::Kind how) {
  outputs_.clear();
  end_sent_ = true;
  if (how == Output::Kind::kReset) {
    close(true);
  } else {
    socket_->end(how == Output::Kind::kTruncated);
    close_when_done();
  }
}

const Output* AnsweredConnection::next(bool forced) const {
  if (dead_ || !socket_ || outputs_.empty() || socket_->full()) return nullptr;
  if (awaits_tls() || socket_->negotiating()) return nullptr;
  if (outputs_.front().in_reply && !requests_ended_) return nullptr;
  return released_ > consumed_ && !forced ? nullptr : &outputs_.front();
}

bool AnsweredConnection::undelivered() const {
  if (dead_ || !socket_ || (!unread() && !end_sent_)) return false;
  const std::uint64_t given = released_ - std::min<std::uint64_t>(released_, socket_->unsent());
  return !stage_.delivery.arrived(socket_->descriptor(), given - std::min(given, consumed_),
                                  end_sent_);
}

void AnsweredConnection::on_received(const event::BytesReceived& received) {
  consumed_ = std::max(consumed_, received.offset + received.bytes.size());
}

std::uint64_t AnsweredConnection::publish(const Output& output) {
  const Chunk& chunk = stage_.plan.inputs.chunks[output.chunk];
  const std::int64_t shift = stage_.clock.shift(output.context).count();
  for (const Anchor& anchor : stage_.plan.inputs.anchors_of(chunk)) {
    if (anchor.offset < output.bytes.begin || anchor.offset >= output.bytes.end) continue;
    if (!stage_.plan.has_draws(anchor.entry) && anchor.offset != chunk.bytes.begin) continue;
    const abi::Mark mark{.offset = released_ + (anchor.offset - output.bytes.begin),
                         .entry = anchor.entry,
                         .flags = 0,
                         .monotonic_shift_ns = shift,
                         .exchange = output.context.exchange.value};
    if (!stage_.control.publish(identity_.link, mark, consumed_)) return anchor.offset;
  }
  return output.bytes.end;
}

void AnsweredConnection::release(Moment limit) {
  Output& output = outputs_.front();
  if (output.in_context) stage_.clock.release(output.recorded, output.context, limit);
  if (output.kind == Output::Kind::kBytes) {
    release_bytes();
    return;
  }
  if (output.kind == Output::Kind::kPassedOn) {
    const Output passed_on = std::move(output);
    outputs_.pop_front();
    pass_on(passed_on);
    return;
  }
  const Output::Kind how = output.kind;
  if (output.entry != abi::kNone) {
    // A full ring means that nobody reads this connection; its end needs no draws then.
    (void)stage_.control.publish(identity_.link,
                                 {.offset = released_,
                                  .entry = output.entry,
                                  .flags = 0,
                                  .monotonic_shift_ns = stage_.clock.shift(output.context).count(),
                                  .exchange = output.context.exchange.value},
                                 consumed_);
  }
  close_after_peer(how);
}

// Answers that were read as one are sent as one: in two pieces, the service might read the first
// alone.
void AnsweredConnection::release_bytes() {
  stage_.expect(stage_.plan.inputs.chunks[outputs_.front().chunk].reader);
  event::Bytes bytes;
  while (take_bytes(bytes)) {
  }
  send(bytes);
}

bool AnsweredConnection::take_bytes(event::Bytes& taken) {
  Output& output = outputs_.front();
  // Nobody reads a connection whose ring is full of marks: then draws are not addressed by it
  // either.
  std::uint64_t marked = publish(output);
  if (marked == output.bytes.begin) marked = output.bytes.end;
  const std::uint64_t until = std::min(marked, output.bytes.begin + kReleaseBytes);
  const event::ByteRange range{output.bytes.begin, until};
  const event::Bytes bytes = stage_.plan.streams->bytes({output.source, Flow::kReceived}, range);
  const bool whole = range.end == output.bytes.end || bytes.size() < range.size();
  const Output last = output;
  output.bytes.begin = until;
  if (whole) outputs_.pop_front();
  released_ += bytes.size();
  if (decoder_ != nullptr && !script_) decoder_->feed(protocol::Side::kServer, bytes);
  taken.insert(taken.end(), bytes.begin(), bytes.end());
  if (!whole || outputs_.empty()) return false;
  const Output& next = outputs_.front();
  return next.kind == Output::Kind::kBytes && next.source == last.source &&
         next.chunk == last.chunk && next.bytes.begin == range.end;
}

void AnsweredConnection::send(std::span<const std::uint8_t> bytes) { socket_->send(bytes); }

// --- The end -----------------------------------------------------------------------------------

void AnsweredConnection::on_closed() {
  service_closed_ = true;
  if (identity_.datagrams) requests_ended_ = true;
  close_when_done();
}

void AnsweredConnection::close_when_done() {
  if (requests_ended_ && (service_closed_ || outputs_.empty())) close(false);
}

void AnsweredConnection::close(bool reset) {
  if (dead_) return;
  dead_ = true;
  outputs_.clear();
  if (socket_) socket_->close(reset);
}

}  // namespace reprise::replayer
