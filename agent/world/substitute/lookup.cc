// Name lookups: numeric ones are answered here, all others by the replayer, none by a name server.

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>

#include <cstring>

#include "agent/original.h"
#include "agent/world/substitute/address_list.h"
#include "agent/world/substitute/control.h"
#include "agent/world/substitute/mailbox.h"
#include "agent/world/substitute/turn.h"
#include "agent/world/world.h"

namespace reprise::agent {
namespace {

// Reads a Lookup record's tail: strings that end in zero, then addresses.
class Tail {
 public:
  Tail(const std::byte* begin, const std::byte* end) : at_(begin), end_(end) {}

  // Null when there is none.
  const char* string() {
    const void* zero = std::memchr(at_, 0, static_cast<std::size_t>(end_ - at_));
    if (zero == nullptr) return nullptr;
    const auto* text = reinterpret_cast<const char*>(at_);
    at_ = static_cast<const std::byte*>(zero) + 1;
    return text;
  }
  bool address(abi::LookupAddress& address) {
    if (static_cast<std::size_t>(end_ - at_) < sizeof address) return false;
    std::memcpy(&address, at_, sizeof address);
    at_ += sizeof address;
    return address.address.length <= sizeof address.address.bytes;
  }

 private:
  const std::byte* at_;
  const std::byte* end_;
};

std::uint32_t write_string(std::byte* to, std::uint32_t at, const char* text) {
  const std::size_t length = text != nullptr ? std::strlen(text) : 0;
  if (length > 0) std::memcpy(to + at, text, length);
  to[at + length] = std::byte{0};
  return at + static_cast<std::uint32_t>(length) + 1;
}

// RFC 1035: names are at most 255 bytes; longer ones are nobody's.
constexpr std::size_t kLongestName = 1025;  // NI_MAXHOST

bool is_too_long(const char* text) {
  return text != nullptr && strnlen(text, kLongestName) == kLongestName;
}

int list_answer(const Question& question, const char* node, const addrinfo& hints,
                AddressList& list) {
  abi::Lookup answer = {};
  if (question.answer_size() < sizeof answer) return EAI_AGAIN;
  std::memcpy(&answer, question.answer(), sizeof answer);
  if (answer.result != 0) {
    if (answer.result == EAI_SYSTEM) errno = answer.error;
    return answer.result;
  }
  Tail tail(question.answer() + sizeof answer, question.answer() + question.answer_size());
  const char* told_node = tail.string();
  const char* told_service = tail.string();
  const char* canonical = answer.canonical_name != 0 ? tail.string() : nullptr;
  if (told_node == nullptr || told_service == nullptr) return EAI_AGAIN;
  abi::LookupAddress address = {};
  for (std::uint32_t i = 0; i < answer.count && tail.address(address); ++i) {
    if (!list.add(static_cast<int>(address.flags), address.family, address.type, address.protocol,
                  address.address)) {
      return EAI_MEMORY;
    }
  }
  if (list.first() == nullptr) return EAI_NONAME;
  if ((hints.ai_flags & AI_CANONNAME) == 0) return 0;
  return list.set_canonical_name(canonical != nullptr ? canonical : node) ? 0 : EAI_MEMORY;
}

int ask_addresses(Thread* thread, const char* node, const char* service, const addrinfo& hints,
                  AddressList& list) {
  if (is_too_long(node) || is_too_long(service)) return EAI_NONAME;
  if (thread == nullptr) return EAI_AGAIN;
  take_turn_to(abi::DrawKind::kLookup, *thread);
  Question question(*thread, abi::Ask::kLookup);
  if (!question) return EAI_AGAIN;
  abi::Lookup asked = {};
  asked.family = hints.ai_family;
  asked.type = hints.ai_socktype;
  asked.protocol = hints.ai_protocol;
  asked.flags = hints.ai_flags;
  std::memcpy(question.request(), &asked, sizeof asked);
  std::uint32_t size = write_string(question.request(), sizeof asked, node);
  size = write_string(question.request(), size, service);
  if (!question.put(size)) return EAI_AGAIN;
  return list_answer(question, node, hints, list);
}

int list_addresses(Thread* thread, const char* node, const char* service, const addrinfo& hints,
                   AddressList& list) {
  if (node == nullptr && service == nullptr) return EAI_NONAME;
  const int numeric = list_numeric(node, service, hints, list);
  if (numeric != EAI_NONAME || node == nullptr || (hints.ai_flags & AI_NUMERICHOST) != 0) {
    return numeric;
  }
  return ask_addresses(thread, node, service, hints, list);
}

// --- hostent
// ---------------------------------------------------------------------------------------

// Lays a hostent out in the caller's buffer, which may be too small.
class HostBuffer {
 public:
  HostBuffer(char* buffer, std::size_t size) : at_(buffer), end_(buffer + size) {}

  template <typename T>
  T* take(std::size_t count) {
    const auto misaligned = reinterpret_cast<std::uintptr_t>(at_) % alignof(T);
    const std::size_t skip = misaligned == 0 ? 0 : alignof(T) - misaligned;
    const std::size_t bytes = skip + count * sizeof(T);
    if (static_cast<std::size_t>(end_ - at_) < bytes) return nullptr;
    T* taken = reinterpret_cast<T*>(at_ + skip);
    at_ += bytes;
    return taken;
  }

 private:
  char* at_;
  char* end_;
};

const void* bytes_of(const addrinfo& element) {
  if (element.ai_family == AF_INET6) {
    return &reinterpret_cast<const sockaddr_in6*>(element.ai_addr)->sin6_addr;
  }
  return &reinterpret_cast<const sockaddr_in*>(element.ai_addr)->sin_addr;
}

// 0, or ERANGE when the buffer is too small.
int fill_host(const char* name, int family, const addrinfo* list, HostBuffer buffer,
              hostent& host) {
  const std::size_t length = family == AF_INET6 ? sizeof(in6_addr) : sizeof(in_addr);
  std::size_t count = 0;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    count += one->ai_family == family ? 1 : 0;
  }
  const char* shown = list->ai_canonname != nullptr ? list->ai_canonname : name;
  char** aliases = buffer.take<char*>(1);
  char** addresses = buffer.take<char*>(count + 1);
  char* copied_name = buffer.take<char>(std::strlen(shown) + 1);
  if (aliases == nullptr || addresses == nullptr || copied_name == nullptr) return ERANGE;
  std::size_t filled = 0;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    if (one->ai_family != family) continue;
    char* bytes = reinterpret_cast<char*>(buffer.take<in_addr>(length / sizeof(in_addr)));
    if (bytes == nullptr) return ERANGE;
    std::memcpy(bytes, bytes_of(*one), length);
    addresses[filled++] = bytes;
  }
  addresses[filled] = nullptr;
  aliases[0] = nullptr;
  std::strcpy(copied_name, shown);
  host = {copied_name, aliases, family, static_cast<int>(length), addresses};
  return 0;
}

int host_error(int result) {
  switch (result) {
    case EAI_AGAIN:
      return TRY_AGAIN;
    case EAI_NONAME:
    case EAI_ADDRFAMILY:
      return HOST_NOT_FOUND;
    case EAI_NODATA:
      return NO_DATA;
    default:
      return NO_RECOVERY;
  }
}

constexpr std::size_t kStaticBuffer = 8192;

// What gethostbyname gives out lasts until the next call, of any thread, as the C library's does.
struct StaticHost {
  hostent host;
  char buffer[kStaticBuffer];
};
constinit StaticHost static_host = {};

}  // namespace

namespace world {

int getaddrinfo(Thread* thread, const char* node, const char* service, const addrinfo* hints,
                addrinfo** result) {
  if (!control().attached()) return original().getaddrinfo(node, service, hints, result);
  control().count_hooked();
  addrinfo asked = {};
  if (hints != nullptr) {
    asked = *hints;
  } else {
    asked.ai_flags = AI_V4MAPPED | AI_ADDRCONFIG;
  }
  AddressList list;
  const int outcome = list_addresses(thread, node, service, asked, list);
  if (outcome == 0) *result = list.take();
  return outcome;
}

int getnameinfo(Thread* /*thread*/, const sockaddr* address, socklen_t length, char* host,
                socklen_t host_size, char* service, socklen_t service_size, int flags) {
  if (!control().attached()) {
    return original().getnameinfo(address, length, host, host_size, service, service_size, flags);
  }
  control().count_hooked();
  // Reverse lookups are not recorded: an address goes by its number, and has no name where one is
  // demanded.
  const bool internet =
      address != nullptr && (address->sa_family == AF_INET || address->sa_family == AF_INET6);
  if (internet && (flags & NI_NAMEREQD) != 0 && (flags & NI_NUMERICHOST) == 0) return EAI_NONAME;
  return original().getnameinfo(address, length, host, host_size, service, service_size,
                                flags | (internet ? NI_NUMERICHOST : 0));
}

int gethostbyname2_r(Thread* thread, const char* name, int family, hostent* result, char* buffer,
                     std::size_t size, hostent** found, int* error) {
  if (!control().attached()) {
    return original().gethostbyname2_r(name, family, result, buffer, size, found, error);
  }
  control().count_hooked();
  addrinfo hints = {};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_CANONNAME;
  AddressList list;
  *found = nullptr;
  const int outcome = list_addresses(thread, name, nullptr, hints, list);
  if (outcome != 0) {
    *error = host_error(outcome);
    return *error == TRY_AGAIN ? EAGAIN : 0;
  }
  const int filled = fill_host(name, family, list.first(), HostBuffer(buffer, size), *result);
  if (filled != 0) {
    *error = NETDB_INTERNAL;
    errno = filled;
    return filled;
  }
  *found = result;
  return 0;
}

hostent* gethostbyname2(Thread* thread, const char* name, int family) {
  if (!control().attached()) return original().gethostbyname2(name, family);
  hostent* found = nullptr;
  gethostbyname2_r(thread, name, family, &static_host.host, static_host.buffer, kStaticBuffer,
                   &found, &h_errno);
  return found;
}

int gethostbyaddr_r(Thread* /*thread*/, const void* address, socklen_t length, int family,
                    hostent* result, char* buffer, std::size_t size, hostent** found, int* error) {
  if (!control().attached()) {
    return original().gethostbyaddr_r(address, length, family, result, buffer, size, found, error);
  }
  control().count_hooked();
  *found = nullptr;
  *error = HOST_NOT_FOUND;  // reverse lookups are not recorded
  return 0;
}

hostent* gethostbyaddr(Thread* thread, const void* address, socklen_t length, int family) {
  if (!control().attached()) return original().gethostbyaddr(address, length, family);
  hostent* found = nullptr;
  gethostbyaddr_r(thread, address, length, family, &static_host.host, static_host.buffer,
                  kStaticBuffer, &found, &h_errno);
  return found;
}

}  // namespace world
}  // namespace reprise::agent
