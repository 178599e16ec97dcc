#include "protocol/resp/codec.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace reprise::protocol::resp {
namespace {

using event::Protocol;

// Of an argument; keys are for people, and commands have short names.
constexpr std::size_t kMaxKept = 256;

std::optional<std::int64_t> parse_count(std::string_view line, char type) {
  std::int64_t value = 0;
  if (!line.starts_with(type)) {
    return std::nullopt;
  }
  const auto [end, error] = std::from_chars(line.data() + 1, line.data() + line.size(), value);
  if (error != std::errc() || end != line.data() + line.size()) {
    return std::nullopt;
  }
  return value;
}

// A line of MONITOR's output: "1339518083.107412 [0 127.0.0.1:60866] …".
bool is_monitor_line(std::string_view text) {
  const std::size_t seconds = text.find_first_not_of("0123456789");
  return seconds != 0 && seconds != std::string_view::npos && text[seconds] == '.';
}

}  // namespace

std::size_t RespCodec::feed(Side side, std::uint64_t offset, ByteSpan bytes) {
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

std::uint64_t RespCodec::skip(Side side, std::uint64_t, std::uint64_t count) {
  if (side == Side::kServer) {
    return in_reply_ ? reply_.skip(count) : 0;
  }
  if (state_ != State::kContent) {
    return 0;
  }
  const std::uint64_t passed = std::min(count, remaining_);
  remaining_ -= passed;
  if (remaining_ == 0) {
    state_ = State::kContentEnd;
  }
  return passed;
}

void RespCodec::end(Side, std::uint64_t, End) {
  // Every message says where it ends: one that was cut stays open.
}

void RespCodec::feed_client(std::uint64_t& offset, ByteSpan& bytes) {
  if (state_ == State::kBetween && !begin_command(offset, bytes)) {
    return;
  }
  if (state_ == State::kContent) {
    take_content(offset, bytes);
    return;
  }
  const std::size_t before = bytes.size();
  if (state_ == State::kContentEnd) {
    const LineBuffer::Ending ending = lines_.take_end(bytes);
    offset += before - bytes.size();
    if (ending == LineBuffer::Ending::kTaken) {
      finish_argument(offset);
    } else if (ending == LineBuffer::Ending::kMissing) {
      unreadable_command("an argument is longer than its length says");
    }
    return;
  }
  const auto line = lines_.take(bytes);
  offset += before - bytes.size();
  if (line ? line->truncated : lines_.pending() > LineBuffer::kMaxLine) {
    unreadable_command("a line is longer than 64 KiB");
  } else if (line) {
    take_line(line->text, offset);
  }
}

bool RespCodec::begin_command(std::uint64_t& offset, ByteSpan& bytes) {
  while (!bytes.empty() && (bytes.front() == '\r' || bytes.front() == '\n')) {
    bytes = bytes.subspan(1);
    ++offset;
  }
  if (bytes.empty()) {
    return false;
  }
  command_begin_ = offset;
  if (!pipeline_.request_open()) {
    if (pipeline_.full()) {
      stop_at(Side::kClient, {"too many commands without a reply", offset, false});
      return false;
    }
    pipeline_.begin_request(Protocol::kResp, offset);
  }
  arguments_.clear();
  argument_count_ = 0;
  wanted_ = 1;
  state_ = bytes.front() == '*' ? State::kCount : State::kInline;
  if (bytes.front() < ' ' || bytes.front() > '~') {
    unreadable_command("not a Redis command");
    return false;
  }
  return true;
}

void RespCodec::take_content(std::uint64_t& offset, ByteSpan& bytes) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size()));
  if (argument_count_ < wanted_) {
    std::string& argument = arguments_.back();
    const std::size_t kept = std::min(size, kMaxKept - std::min(kMaxKept, argument.size()));
    argument.append(reinterpret_cast<const char*>(bytes.data()), kept);
  }
  static_cast<void>(skip(Side::kClient, offset, size));
  bytes = bytes.subspan(size);
  offset += size;
}

// `offset` is that of the byte behind the line.
void RespCodec::take_line(std::string_view line, std::uint64_t offset) {
  switch (state_) {
    case State::kCount:
      take_count(line);
      break;
    case State::kLength:
      take_length(line);
      break;
    case State::kInline:
      take_inline(line, offset);
      break;
    case State::kBetween:
    case State::kContent:
    case State::kContentEnd:
      break;
  }
}

void RespCodec::take_count(std::string_view line) {
  const auto count = parse_count(line, '*');
  if (!count || *count > INT32_MAX) {
    unreadable_command("a command's number of arguments is not a number");
    return;
  }
  // Redis passes over an empty array without an answer; so it belongs to the command that follows.
  arguments_left_ = *count;
  state_ = *count > 0 ? State::kLength : State::kBetween;
}

void RespCodec::take_length(std::string_view line) {
  const auto length = parse_count(line, '$');
  if (!length || *length < 0) {
    unreadable_command("an argument's length is not a number");
    return;
  }
  remaining_ = static_cast<std::uint64_t>(*length);
  if (argument_count_ < wanted_) {
    arguments_.emplace_back();
  }
  state_ = remaining_ == 0 ? State::kContentEnd : State::kContent;
}

void RespCodec::finish_argument(std::uint64_t offset) {
  if (argument_count_ == 0) {
    command_ = find_command(arguments_[0]);
    wanted_ = arguments_needed(command_);
  }
  ++argument_count_;
  state_ = State::kLength;
  if (--arguments_left_ == 0) {
    finish_command(offset);
  }
}

void RespCodec::take_inline(std::string_view line, std::uint64_t offset) {
  arguments_ = split_inline(line);
  argument_count_ = arguments_.size();
  if (arguments_.empty()) {
    state_ = State::kBetween;  // ignored by Redis, like an empty array
    return;
  }
  command_ = find_command(arguments_[0]);
  arguments_.resize(std::min(arguments_.size(), arguments_needed(command_)));
  for (std::string& argument : arguments_) {
    argument.resize(std::min(argument.size(), kMaxKept));
  }
  finish_command(offset);
}

void RespCodec::finish_command(std::uint64_t offset) {
  state_ = State::kBetween;
  Transaction& transaction = pipeline_.open_request();
  transaction.method = upper_case(arguments_[0]);
  transaction.operation = operation_name(command_, arguments_);
  transaction.target = first_key(command_, arguments_);
  setting_up_ = setting_up_ && is_prelude(command_, arguments_);
  transaction.prelude = setting_up_;
  const Pipeline::Answer answer = expected_answer(transaction.operation);
  if (answer == Pipeline::Answer::kExpected && command_.is(Command::kConfirmed)) {
    std::string kind = transaction.method;
    std::transform(kind.begin(), kind.end(), kind.begin(),
                   [](char c) { return static_cast<char>(c - 'A' + 'a'); });
    subscriptions_.push_back({transaction.ordinal, std::move(kind), argument_count_ - 1});
  }
  const bool replicates = command_.is(Command::kReplicates);
  pipeline_.end_request(offset, answer);
  if (replicates) {
    stop_at(Side::kClient, {"replication stream", offset, true});
  }
}

Pipeline::Answer RespCodec::expected_answer(std::string_view operation) {
  const bool silent = replies_ != Replies::kOn;
  if (replies_ == Replies::kSkipNext) {
    replies_ = Replies::kOn;
  }
  if (operation != "CLIENT REPLY" || arguments_.size() < 3) {
    return silent ? Pipeline::Answer::kNever : Pipeline::Answer::kExpected;
  }
  const std::string mode = upper_case(arguments_[2]);
  if (mode == "ON") {
    replies_ = Replies::kOn;
    return Pipeline::Answer::kExpected;
  }
  if (mode == "OFF") {
    replies_ = Replies::kOff;
  } else if (replies_ == Replies::kOn) {
    replies_ = Replies::kSkipNext;
  }
  return Pipeline::Answer::kNever;
}

void RespCodec::unreadable_command(std::string why) {
  stop_at(Side::kClient, {std::move(why), command_begin_, false});
}

void RespCodec::feed_server(std::uint64_t& offset, ByteSpan& bytes) {
  if (!in_reply_) {
    if (!pipeline_.response_open() && pipeline_.next_answer_is_opaque()) {
      stop_at(Side::kServer, {"the command is not readable", offset, false});
      return;
    }
    in_reply_ = true;
    reply_begin_ = offset;
    reply_.reset();
    reply_begun_ = pipeline_.response_open();  // another confirmation
    if (!reply_begun_ && !needs_kind(static_cast<char>(bytes.front()))) {
      begin_reply();
    }
  }
  const std::size_t before = bytes.size();
  const ReplyScanner::Progress progress = reply_.scan(bytes);
  offset += before - bytes.size();
  const bool done = progress == ReplyScanner::Progress::kDone;
  if (!reply_begun_ && (done || reply_.kind_known())) {
    begin_reply();
  }
  if (progress == ReplyScanner::Progress::kUnreadable) {
    if (!reply_begun_) {
      pipeline_.begin_response(Protocol::kResp, reply_begin_);
    }
    stop_at(Side::kServer, {reply_.why(), reply_begin_, true});
    return;
  }
  if (done) {
    in_reply_ = false;
    finish_reply(offset);
  }
}

// Whether a reply's first byte is not enough to tell an answer from a push.
bool RespCodec::needs_kind(char first) const {
  return first == '>' || first == '|' || monitoring_ || channels_ + patterns_ + shards_ > 0 ||
         awaited_subscription() != nullptr;
}

const RespCodec::Subscription* RespCodec::awaited_subscription() const {
  const Transaction* next = pipeline_.next_to_answer();
  const bool awaited =
      next != nullptr && !subscriptions_.empty() && subscriptions_.front().ordinal == next->ordinal;
  return awaited ? &subscriptions_.front() : nullptr;
}

bool RespCodec::is_push() const {
  if (reply_.type() == '>') {
    const Subscription* awaited = awaited_subscription();
    return awaited == nullptr || awaited->kind != reply_.first_element();
  }
  if (reply_.type() == '*' && !resp3_ && channels_ + patterns_ + shards_ > 0) {
    const std::string& kind = reply_.first_element();
    return kind == "message" || kind == "pmessage" || kind == "smessage";
  }
  return monitoring_ && reply_.type() == '+' && is_monitor_line(reply_.status());
}

void RespCodec::begin_reply() {
  reply_begun_ = true;
  if (is_push()) {
    pipeline_.begin_push(Protocol::kResp, reply_begin_);
    return;
  }
  confirmations_left_ = 0;
  if (const Subscription* awaited = awaited_subscription()) {
    const bool pattern = awaited->kind == "punsubscribe", shard = awaited->kind == "sunsubscribe";
    const std::int64_t all = pattern ? patterns_ : shard ? shards_ : channels_;
    confirmations_left_ = awaited->channels != 0
                              ? awaited->channels
                              : static_cast<std::uint64_t>(std::max<std::int64_t>(all, 1));
    subscriptions_.pop_front();
  }
  pipeline_.begin_response(Protocol::kResp, reply_begin_);
}

void RespCodec::finish_reply(std::uint64_t offset) {
  Transaction& transaction = pipeline_.open_response();
  if (confirm()) {
    return;
  }
  transaction.status = reply_.status();
  if (transaction.method == "HELLO") {
    resp3_ = reply_.type() == '%';
  } else if (transaction.method == "MONITOR") {
    monitoring_ = reply_.type() == '+';
  } else if (transaction.method == "RESET" && reply_.type() == '+') {
    monitoring_ = resp3_ = false;
    channels_ = patterns_ = shards_ = 0;
  }
  pipeline_.end_response(offset);
}

// Counts what is subscribed to from a confirmation, whose integer is the number of subscriptions
// left. Returns whether more confirmations belong to the same response.
bool RespCodec::confirm() {
  if (confirmations_left_ == 0 && !pipeline_.open_response().push) {
    return false;
  }
  const std::string& kind = reply_.first_element();
  const std::int64_t left = reply_.last_integer();
  if (kind == "subscribe" || kind == "unsubscribe") {
    channels_ = std::max<std::int64_t>(left - patterns_, 0);
  } else if (kind == "psubscribe" || kind == "punsubscribe") {
    patterns_ = std::max<std::int64_t>(left - channels_, 0);
  } else if (kind == "ssubscribe" || kind == "sunsubscribe") {
    shards_ = left;
  } else {
    return false;  // an error answers the whole command
  }
  return confirmations_left_ > 0 && --confirmations_left_ > 0;
}

}  // namespace reprise::protocol::resp
