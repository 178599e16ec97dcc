// Name lookups. What the C library asks of name servers, and its plug-ins of others, is no business
// of the service's: one record tells the question and the answer.
#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "agent/connection.h"
#include "agent/hooks/hook.h"
#include "agent/original.h"
#include "agent/record.h"
#include "agent/thread.h"
#include "agent/world/world.h"

namespace reprise::agent {

extern "C" {
int hook_getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                     addrinfo** result) REPRISE_HOOK(getaddrinfo);
int hook_getnameinfo(const sockaddr* address, socklen_t length, char* host, socklen_t host_size,
                     char* service, socklen_t service_size, int flags) REPRISE_HOOK(getnameinfo);
hostent* hook_gethostbyname(const char* name) REPRISE_HOOK(gethostbyname);
hostent* hook_gethostbyname2(const char* name, int family) REPRISE_HOOK(gethostbyname2);
int hook_gethostbyname_r(const char* name, hostent* result, char* buffer, std::size_t size,
                         hostent** found, int* error) REPRISE_HOOK(gethostbyname_r);
int hook_gethostbyname2_r(const char* name, int family, hostent* result, char* buffer,
                          std::size_t size, hostent** found, int* error)
    REPRISE_HOOK(gethostbyname2_r);
hostent* hook_gethostbyaddr(const void* address, socklen_t length, int family)
    REPRISE_HOOK(gethostbyaddr);
int hook_gethostbyaddr_r(const void* address, socklen_t length, int family, hostent* result,
                         char* buffer, std::size_t size, hostent** found, int* error)
    REPRISE_HOOK(gethostbyaddr_r);
}

namespace {

// More than a resolver gives; the record is bounded.
constexpr std::uint32_t kMostAddresses = 128;

struct Text {
  explicit Text(const char* text) : start(text == nullptr ? "" : text), bytes(strlen(start) + 1) {}
  const char* start;
  std::size_t bytes;  // with the final zero
};

// What was asked and what came of it.
struct Question {
  abi::LookupKind kind;
  std::uint64_t enter;
  int family = AF_UNSPEC;
  int type = 0;
  int protocol = 0;
  int flags = 0;
};

// Writes the record; `fill(address, i)` makes the i-th of `count` addresses.
template <typename Fill>
void record_lookup(Thread& thread, const Question& question, int result, Text node, Text service,
                   const char* canonical_name, std::uint32_t count, Fill fill) {
  const int error = errno;
  const std::uint64_t exit = stamp();
  if (count > kMostAddresses) count = kMostAddresses;
  const Text canonical(canonical_name);
  const std::size_t canonical_bytes = canonical_name == nullptr ? 0 : canonical.bytes;
  const std::size_t tail =
      node.bytes + service.bytes + canonical_bytes + count * sizeof(abi::LookupAddress);
  if (Record<abi::Lookup> record{thread, abi::RecordType::kLookup, question.enter,
                                 static_cast<std::uint32_t>(tail),
                                 static_cast<std::uint8_t>(question.kind)}) {
    record->exit = exit;
    record->family = question.family;
    record->type = question.type;
    record->protocol = question.protocol;
    record->flags = question.flags;
    record->result = result;
    record->error = error;
    record->count = count;
    record->canonical_name = canonical_name == nullptr ? 0 : 1;
    std::byte* to = record.tail();
    auto append = [&to](const void* from, std::size_t bytes) {
      memcpy(to, from, bytes);
      to += bytes;
    };
    append(node.start, node.bytes);
    append(service.start, service.bytes);
    append(canonical.start, canonical_bytes);
    for (std::uint32_t i = 0; i < count; ++i) {
      abi::LookupAddress address{};
      fill(address, i);
      append(&address, sizeof(address));
    }
    record.commit();
  }
  errno = error;
}

void record_address_info(Thread& thread, const Question& question, int result, const char* node,
                         const char* service, const addrinfo* found) {
  std::uint32_t count = 0;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) ++count;
  const addrinfo* next = found;
  record_lookup(thread, question, result, Text(node), Text(service),
                found == nullptr ? nullptr : found->ai_canonname, count,
                [&next](abi::LookupAddress& address, std::uint32_t) {
                  address.family = next->ai_family;
                  address.type = next->ai_socktype;
                  address.protocol = next->ai_protocol;
                  address.flags = static_cast<std::uint32_t>(next->ai_flags);
                  address.address = socket_address(next->ai_addr, next->ai_addrlen);
                  next = next->ai_next;
                });
}

// An address without a port, as the old calls have it.
abi::SocketAddress host_address(const void* bytes, std::size_t length, int family) {
  abi::SocketAddress made{};
  if (family == AF_INET && length == sizeof(in_addr)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    memcpy(&address.sin_addr, bytes, length);
    made = socket_address(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  } else if (family == AF_INET6 && length == sizeof(in6_addr)) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    memcpy(&address.sin6_addr, bytes, length);
    made = socket_address(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }
  return made;
}

void record_host(Thread& thread, const Question& question, int result, const char* node,
                 const hostent* found) {
  std::uint32_t count = 0;
  while (found != nullptr && found->h_addr_list[count] != nullptr) ++count;
  record_lookup(
      thread, question, result, Text(node), Text(""), found == nullptr ? nullptr : found->h_name,
      count, [found](abi::LookupAddress& address, std::uint32_t i) {
        address.family = found->h_addrtype;
        address.address = host_address(
            found->h_addr_list[i], static_cast<std::size_t>(found->h_length), found->h_addrtype);
      });
}

void record_host_name(Thread& thread, const Question& question, int result, const void* address,
                      socklen_t length, const hostent* found) {
  record_lookup(thread, question, result, Text(found == nullptr ? nullptr : found->h_name),
                Text(nullptr), nullptr, 1, [=](abi::LookupAddress& asked, std::uint32_t) {
                  asked.family = question.family;
                  asked.address = host_address(address, length, question.family);
                });
}

// A call of the old kind; `call(thread)` makes it. The thread is null when nothing is to be
// recorded.
template <typename Call>
auto look_up(Thread* thread, Call call) {
  const Muted inner(thread);
  return call(thread);
}

// The outcome of a form that returns a static hostent.
int host_result(const hostent* found) { return found == nullptr ? h_errno : 0; }

}  // namespace

int hook_getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                     addrinfo** result) {
  Thread* thread = this_thread();
  if (thread == nullptr) return world::getaddrinfo(nullptr, node, service, hints, result);
  Question question{abi::LookupKind::kAddressInfo, stamp()};
  if (hints != nullptr) {
    question.family = hints->ai_family;
    question.type = hints->ai_socktype;
    question.protocol = hints->ai_protocol;
    question.flags = hints->ai_flags;
  }
  const int outcome = look_up(thread, [=](Thread* asking) {
    return world::getaddrinfo(asking, node, service, hints, result);
  });
  record_address_info(*thread, question, outcome, node, service, outcome == 0 ? *result : nullptr);
  return outcome;
}

int hook_getnameinfo(const sockaddr* address, socklen_t length, char* host, socklen_t host_size,
                     char* service, socklen_t service_size, int flags) {
  Thread* thread = this_thread();
  if (thread == nullptr) {
    return world::getnameinfo(nullptr, address, length, host, host_size, service, service_size,
                              flags);
  }
  Question question{abi::LookupKind::kNameInfo, stamp()};
  question.flags = flags;
  const int outcome = look_up(thread, [=](Thread* asking) {
    return world::getnameinfo(asking, address, length, host, host_size, service, service_size,
                              flags);
  });
  const bool named = outcome == 0;
  record_lookup(*thread, question, outcome, Text(named && host_size > 0 ? host : nullptr),
                Text(named && service_size > 0 ? service : nullptr), nullptr, 1,
                [=](abi::LookupAddress& asked, std::uint32_t) {
                  asked.family = address->sa_family;
                  asked.address = socket_address(address, length);
                });
  return outcome;
}

hostent* hook_gethostbyname2(const char* name, int family) {
  Thread* thread = this_thread();
  const std::uint64_t enter = thread == nullptr ? 0 : stamp();
  hostent* found =
      look_up(thread, [=](Thread* asking) { return world::gethostbyname2(asking, name, family); });
  if (thread != nullptr) {
    record_host(*thread, {abi::LookupKind::kHostByName, enter, family}, host_result(found), name,
                found);
  }
  return found;
}

hostent* hook_gethostbyname(const char* name) { return hook_gethostbyname2(name, AF_INET); }

int hook_gethostbyname2_r(const char* name, int family, hostent* result, char* buffer,
                          std::size_t size, hostent** found, int* error) {
  Thread* thread = this_thread();
  const std::uint64_t enter = thread == nullptr ? 0 : stamp();
  const int outcome = look_up(thread, [=](Thread* asking) {
    return world::gethostbyname2_r(asking, name, family, result, buffer, size, found, error);
  });
  // With too small a buffer the service comes again: that one will be the lookup.
  if (thread != nullptr && outcome != ERANGE) {
    record_host(*thread, {abi::LookupKind::kHostByName, enter, family},
                *found == nullptr ? *error : 0, name, *found);
  }
  return outcome;
}

int hook_gethostbyname_r(const char* name, hostent* result, char* buffer, std::size_t size,
                         hostent** found, int* error) {
  return hook_gethostbyname2_r(name, AF_INET, result, buffer, size, found, error);
}

hostent* hook_gethostbyaddr(const void* address, socklen_t length, int family) {
  Thread* thread = this_thread();
  const std::uint64_t enter = thread == nullptr ? 0 : stamp();
  hostent* found = look_up(thread, [=](Thread* asking) {
    return world::gethostbyaddr(asking, address, length, family);
  });
  if (thread != nullptr) {
    record_host_name(*thread, {abi::LookupKind::kHostByAddress, enter, family}, host_result(found),
                     address, length, found);
  }
  return found;
}

int hook_gethostbyaddr_r(const void* address, socklen_t length, int family, hostent* result,
                         char* buffer, std::size_t size, hostent** found, int* error) {
  Thread* thread = this_thread();
  const std::uint64_t enter = thread == nullptr ? 0 : stamp();
  const int outcome = look_up(thread, [=](Thread* asking) {
    return world::gethostbyaddr_r(asking, address, length, family, result, buffer, size, found,
                                  error);
  });
  if (thread != nullptr && outcome != ERANGE) {
    record_host_name(*thread, {abi::LookupKind::kHostByAddress, enter, family},
                     *found == nullptr ? *error : 0, address, length, *found);
  }
  return outcome;
}

}  // namespace reprise::agent
