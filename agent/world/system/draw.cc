// The world as it is: clocks, randomness, name lookups.
#include "agent/hot.h"
#include "agent/original.h"
#include "agent/world/world.h"

namespace reprise::agent::world {

REPRISE_HOT_CODE int clock_gettime(Draw&, clockid_t clock, timespec* value) {
  return original().clock_gettime(clock, value);
}

REPRISE_HOT_CODE int gettimeofday(Draw&, timeval* value) {
  return original().gettimeofday(value, nullptr);
}

time_t time(Draw&) { return original().time(nullptr); }

int timespec_get(Draw&, timespec* value, int base) { return original().timespec_get(value, base); }

ssize_t random(Draw&, abi::RandomSource, std::byte* bytes, std::size_t length,
               RandomOriginal draw_original, void* context) {
  return draw_original(context, bytes, length);
}

int getaddrinfo(Thread*, const char* node, const char* service, const addrinfo* hints,
                addrinfo** result) {
  return original().getaddrinfo(node, service, hints, result);
}

int getnameinfo(Thread*, const sockaddr* address, socklen_t length, char* host, socklen_t host_size,
                char* service, socklen_t service_size, int flags) {
  return original().getnameinfo(address, length, host, host_size, service, service_size, flags);
}

int gethostbyname2_r(Thread*, const char* name, int family, hostent* result, char* buffer,
                     std::size_t size, hostent** found, int* error) {
  return original().gethostbyname2_r(name, family, result, buffer, size, found, error);
}

hostent* gethostbyname2(Thread*, const char* name, int family) {
  return original().gethostbyname2(name, family);
}

int gethostbyaddr_r(Thread*, const void* address, socklen_t length, int family, hostent* result,
                    char* buffer, std::size_t size, hostent** found, int* error) {
  return original().gethostbyaddr_r(address, length, family, result, buffer, size, found, error);
}

hostent* gethostbyaddr(Thread*, const void* address, socklen_t length, int family) {
  return original().gethostbyaddr(address, length, family);
}

}  // namespace reprise::agent::world
