#include "replayer/questions.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "replayer/socket_address.h"

namespace reprise::replayer {
namespace {

template <typename Body>
Body body_of(const abi::Mailbox& mailbox) {
  Body body{};
  std::memcpy(&body, mailbox.payload, std::min<std::size_t>(mailbox.length, sizeof(body)));
  return body;
}

// The strings behind the body of a lookup: node and service.
event::LookedUp query_of(const abi::Mailbox& mailbox) {
  const auto hints = body_of<abi::Lookup>(mailbox);
  event::LookedUp query;
  query.family = hints.family;
  query.type = hints.type;
  query.protocol = hints.protocol;
  query.flags = hints.flags;
  const std::size_t length = std::min<std::size_t>(mailbox.length, sizeof(mailbox.payload));
  if (length <= sizeof(abi::Lookup)) return query;
  const auto* text = reinterpret_cast<const char*>(mailbox.payload) + sizeof(abi::Lookup);
  const std::string strings(text, length - sizeof(abi::Lookup));
  const std::size_t node_end = std::min(strings.find('\0'), strings.size());
  query.node = strings.substr(0, node_end);
  if (node_end + 1 < strings.size()) {
    const std::size_t begin = node_end + 1;
    query.service = strings.substr(begin, strings.find('\0', begin) - begin);
  }
  return query;
}

// What this machine's resolver says, for --on-miss passthrough.
event::LookedUp look_up(event::LookedUp query) {
  addrinfo hints{};
  hints.ai_family = query.family;
  hints.ai_socktype = query.type;
  hints.ai_protocol = query.protocol;
  hints.ai_flags = query.flags;
  addrinfo* found = nullptr;
  query.result =
      ::getaddrinfo(query.node.empty() ? nullptr : query.node.c_str(),
                    query.service.empty() ? nullptr : query.service.c_str(), &hints, &found);
  query.error = query.result == EAI_SYSTEM ? errno : 0;
  if (query.result != 0) return query;
  if (found->ai_canonname != nullptr) query.canonical_name = found->ai_canonname;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    const auto* raw = reinterpret_cast<const std::uint8_t*>(one->ai_addr);
    event::LookupAddress& address = query.addresses.emplace_back();
    address.family = one->ai_family;
    address.type = one->ai_socktype;
    address.protocol = one->ai_protocol;
    address.address.raw.assign(raw, raw + one->ai_addrlen);
  }
  ::freeaddrinfo(found);
  return query;
}

void append(std::vector<std::byte>& out, const void* data, std::size_t length) {
  const auto* bytes = static_cast<const std::byte*>(data);
  out.insert(out.end(), bytes, bytes + length);
}

}  // namespace

Questions::Questions(Stage& stage, Clients& clients, Responder& responder, LeakWatch& leaks,
                     const Threads& threads)
    : stage_(stage),
      clients_(clients),
      responder_(responder),
      leaks_(leaks),
      threads_(threads),
      lookups_(stage.plan) {}

bool Questions::answer_all() {
  bool any = false;
  for (const std::uint32_t slot : threads_.slots()) {
    if (!stage_.control.asked(slot)) continue;
    any = true;
    answer(slot);
  }
  return any;
}

event::Context Questions::context_of(std::uint32_t slot) {
  // What the thread did before it asked decides for whom it asks.
  stage_.service.drain();
  return stage_.recorded(stage_.service.context_of(slot));
}

void Questions::answer(std::uint32_t slot) {
  const abi::Mailbox& mailbox = stage_.control.question(slot);
  switch (mailbox.ask) {
    case abi::Ask::kThread:
      answer_thread(slot);
      return;
    case abi::Ask::kListen:
      stage_.control.answer_with(
          slot, clients_.listen(body_of<abi::AskListen>(mailbox), threads_.named(slot).process));
      return;
    case abi::Ask::kAccept:
      stage_.control.answer_with(slot, clients_.accept(body_of<abi::AskAccept>(mailbox)));
      return;
    case abi::Ask::kConnect:
      answer_connect(slot);
      return;
    case abi::Ask::kLookup:
      answer_lookup(slot);
      return;
    case abi::Ask::kPassed:
      answer_passed(slot);
      return;
    case abi::Ask::kLeakWatch:
      answer_leak_watch(slot);
      return;
  }
  stage_.control.refuse(slot);
}

void Questions::answer_thread(std::uint32_t slot) {
  const auto ask = body_of<abi::AskThread>(stage_.control.question(slot));
  ThreadOrigin origin;
  origin.creator_entry = ask.creator_entry;
  origin.creator_ready = ask.creator_ready != 0;
  origin.created_since = ask.created_since;
  if (ask.creator_entry == abi::kNone) {
    origin.created_since = 0;
    origin.creator_ready = false;
    const std::uint32_t image = threads_.process_of(slot).image.load(std::memory_order_acquire);
    origin.image = image_name(threads_.process_path(ask.process), image);
  }
  const auto found = stage_.plan.tape.threads.find(origin);
  abi::AnswerThread answer{};
  answer.entry = abi::kNone;
  if (found != stage_.plan.tape.threads.end()) {
    answer.entry = found->second.entry;
    answer.monotonic_shift_ns = stage_.clock.shift(found->second.context).count();
    answer.exchange = found->second.context.exchange.value;
  }
  stage_.control.answer_with(slot, answer);
}

void Questions::answer_connect(std::uint32_t slot) {
  const auto ask = body_of<abi::AskConnect>(stage_.control.question(slot));
  const event::Address peer = address_of(ask.peer);
  const auto actual = ask.type == SOCK_STREAM ? clients_.listening_at(peer) : std::nullopt;
  if (actual) {
    abi::AnswerConnect answer{};
    answer.verdict = abi::ConnectVerdict::kInternal;
    answer.link = abi::kNone;
    answer.address = *actual;
    // A Unix socket keeps the name the service knows; the one it has here may be one of ours.
    if (family_of(ask.peer) != AF_UNIX) answer.local = ask.actual_local;
    stage_.control.answer_with(slot, answer);
    return;
  }
  stage_.control.answer_with(slot, responder_.connect(ask, context_of(slot), threads_.named(slot)));
}

void Questions::answer_passed(std::uint32_t slot) {
  const auto ask = body_of<abi::AskPassed>(stage_.control.question(slot));
  stage_.service.drain();  // what the other process read of it
  auto answer = clients_.passed(ask.socket);
  if (!answer) answer = responder_.passed(ask.socket);
  if (answer) {
    stage_.control.answer_with(slot, *answer);
  } else {
    stage_.control.refuse(slot);
  }
}

void Questions::answer_leak_watch(std::uint32_t slot) {
  if (leaks_.take_over(body_of<abi::AskLeakWatch>(stage_.control.question(slot)))) {
    stage_.control.answer(slot, std::span<const std::byte>());
  } else {
    stage_.control.refuse(slot);
  }
}

void Questions::answer_lookup(std::uint32_t slot) {
  const event::LookedUp query = query_of(stage_.control.question(slot));
  const event::Context context = context_of(slot);
  const LookupOutcomes::Found found = lookups_.take(context, query);
  if (found.lookup != nullptr) {
    stage_.ledger.looked_up(context, query, found.relaxed ? Fidelity::kRelaxed : Fidelity::kExact);
    reply_with(slot, *found.lookup);
    return;
  }
  stage_.ledger.looked_up(context, query, std::nullopt);
  if (stage_.on_miss == OnMiss::kFail) {
    stage_.stop("a lookup of " + query.node + " was not recorded (--on-miss fail)");
  }
  if (stage_.on_miss == OnMiss::kPassthrough) {
    reply_with(slot, look_up(query));
    return;
  }
  event::LookedUp unknown = query;
  unknown.result = EAI_NONAME;
  reply_with(slot, unknown);
}

// The record that the agent takes apart: body, then node \0 service \0 [canonical name \0]
// addresses.
void Questions::reply_with(std::uint32_t slot, const event::LookedUp& lookup) {
  abi::Lookup body{};
  body.family = lookup.family;
  body.type = lookup.type;
  body.protocol = lookup.protocol;
  body.flags = lookup.flags;
  body.result = lookup.result;
  body.error = lookup.error;
  body.canonical_name = lookup.canonical_name.empty() ? 0 : 1;
  std::vector<std::byte> strings;
  append(strings, lookup.node.c_str(), lookup.node.size() + 1);
  append(strings, lookup.service.c_str(), lookup.service.size() + 1);
  if (body.canonical_name != 0) {
    append(strings, lookup.canonical_name.c_str(), lookup.canonical_name.size() + 1);
  }
  const std::size_t room = sizeof(abi::Mailbox::payload) - sizeof(body) - strings.size();
  const std::size_t count = std::min(lookup.addresses.size(), room / sizeof(abi::LookupAddress));
  if (count < lookup.addresses.size()) {
    stage_.ledger.note("the lookup of " + lookup.node + " was answered with its first " +
                       std::to_string(count) + " addresses");
  }
  body.count = static_cast<std::uint32_t>(count);
  std::vector<std::byte> record;
  append(record, &body, sizeof(body));
  record.insert(record.end(), strings.begin(), strings.end());
  for (std::size_t i = 0; i < count; ++i) {
    const event::LookupAddress& from = lookup.addresses[i];
    abi::LookupAddress to{};
    to.family = from.family;
    to.type = from.type;
    to.protocol = from.protocol;
    to.address = to_abi(from.address);
    append(record, &to, sizeof(to));
  }
  stage_.control.answer(slot, record);
}

}  // namespace reprise::replayer
