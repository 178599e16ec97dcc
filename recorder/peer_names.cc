#include "recorder/peer_names.h"

#include <utility>

#include "recorder/address_text.h"

namespace reprise::recorder {
namespace {

std::string key_of(event::ProcessId process, const std::string& address) {
  return std::to_string(process.value) + " " + address;
}

}  // namespace

void PeerNames::put(std::string key, const std::string& name) {
  const auto [entry, fresh] = names_.insert_or_assign(std::move(key), name);
  if (!fresh) return;
  order_.push_back(entry->first);
  if (order_.size() <= most_) return;
  names_.erase(order_.front());
  order_.pop_front();
}

void PeerNames::learn(event::ProcessId process, const event::LookedUp& lookup) {
  if (lookup.node.empty()) return;
  for (const event::LookupAddress& result : lookup.addresses) {
    const std::string host = host_text(result.address.raw);
    if (host.empty()) continue;
    // A number that was "looked up" with its port is remembered as well: it is no other name's.
    if (port_of(result.address.raw) != 0) {
      put(key_of(process, result.address.text), lookup.node);
    } else if (host != lookup.node) {
      put(key_of(process, host), lookup.node);
    }
  }
}

std::string PeerNames::name_of(event::ProcessId process,
                               std::span<const std::uint8_t> sockaddr) const {
  const std::string host = host_text(sockaddr);
  auto found = names_.find(key_of(process, address_text(sockaddr)));
  if (found == names_.end()) found = names_.find(key_of(process, host));
  return found == names_.end() || found->second == host ? "" : found->second;
}

}  // namespace reprise::recorder
