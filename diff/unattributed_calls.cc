#include "diff/unattributed_calls.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

#include "protocol/message.h"

namespace reprise::diff {
namespace {

// Bytes that cannot be read are like no others, not even equal ones.
std::uint64_t request_hash(archive::Reader& reader, const event::Call& call) {
  const auto request = reader.request(call);
  return request ? protocol::request_hash(call.protocol, *request, call.target) : call.id.value;
}

std::uint64_t response_hash(archive::Reader& reader, const event::Call& call) {
  const auto response = reader.response(call);
  if (!response) return call.id.value;
  return std::hash<std::string_view>{}(
      {reinterpret_cast<const char*>(response->data()), response->size()});
}

}  // namespace

std::vector<CallSummary> summaries(archive::Reader& reader, event::Context context) {
  std::vector<CallSummary> all;
  auto calls = reader.calls(context);
  if (!calls) return all;
  all.reserve(calls->size());
  for (event::Call& call : *calls) {
    CallSummary& summary = all.emplace_back();
    summary.request_hash = request_hash(reader, call);
    summary.call = std::move(call);
  }
  return all;
}

UnattributedCalls::UnattributedCalls(archive::Reader& base, archive::Reader& candidate)
    : base_{base, summaries(base, event::Context::unattributed()), {}},
      candidate_{candidate, summaries(candidate, event::Context::unattributed()), {}} {
  for (Side* side : {&base_, &candidate_}) {
    for (std::size_t i = 0; i < side->calls.size(); ++i) {
      side->left[key_of(side->reader, side->calls[i])].push_back(i);
    }
  }
  keep_for_each_other();
}

void UnattributedCalls::keep_for_each_other() {
  for (auto& [key, ours] : base_.left) {
    const auto found = candidate_.left.find(key);
    if (found == candidate_.left.end()) continue;
    auto& theirs = found->second;
    const auto both = static_cast<std::ptrdiff_t>(std::min(ours.size(), theirs.size()));
    ours.erase(ours.begin(), ours.begin() + both);
    theirs.erase(theirs.begin(), theirs.begin() + both);
  }
}

UnattributedCalls::Key UnattributedCalls::key_of(archive::Reader& reader,
                                                 const CallSummary& summary) {
  const event::Call& call = summary.call;
  return {call.protocol, call.peer, call.operation, summary.request_hash,
          response_hash(reader, call)};
}

const event::Call* UnattributedCalls::take(Side& side, archive::Reader& other,
                                           const CallSummary& wanted) {
  if (side.left.empty()) return nullptr;
  const auto found = side.left.find(key_of(other, wanted));
  if (found == side.left.end() || found->second.empty()) return nullptr;
  CallSummary& taken = side.calls[found->second.front()];
  found->second.pop_front();
  taken.paired = true;
  return &taken.call;
}

const event::Call* UnattributedCalls::in_base(const CallSummary& of_candidate) {
  return take(base_, candidate_.reader, of_candidate);
}

const event::Call* UnattributedCalls::in_candidate(const CallSummary& of_base) {
  return take(candidate_, base_.reader, of_base);
}

}  // namespace reprise::diff
