#include "agent/hooks/random.h"

#include "agent/caller_original.h"
#include "agent/original.h"
#include "agent/random_draw.h"

namespace reprise::agent {
namespace {

using RandomDevice = unsigned (*)(void*);
using RandBytes = int (*)(unsigned char*, int);
using RandBytesEx = int (*)(void*, unsigned char*, std::size_t, unsigned);

constinit CallerOriginal<RandomDevice> original_random_device("_ZNSt13random_device9_M_getvalEv");
constinit CallerOriginal<RandBytes> original_rand_bytes("RAND_bytes");
constinit CallerOriginal<RandBytes> original_rand_priv_bytes("RAND_priv_bytes");
constinit CallerOriginal<RandBytesEx> original_rand_bytes_ex("RAND_bytes_ex");
constinit CallerOriginal<RandBytesEx> original_rand_priv_bytes_ex("RAND_priv_bytes_ex");

// OpenSSL's functions fill all or nothing and tell so by 1.
constexpr int kOpenSslSuccess = 1;

int draw_open_ssl(CallerOriginal<RandBytes>& originals, const void* caller, unsigned char* bytes,
                  int length) {
  RandBytes function = originals.find(caller);
  if (function == nullptr) return 0;
  if (length < 0) return function(bytes, length);
  const ssize_t drawn = draw_random(
      abi::RandomSource::kOpenSsl, caller, bytes, static_cast<std::size_t>(length),
      [](void* context, std::byte* to, std::size_t count) -> ssize_t {
        const int result = (*static_cast<RandBytes*>(context))(reinterpret_cast<unsigned char*>(to),
                                                               static_cast<int>(count));
        return result == kOpenSslSuccess ? static_cast<ssize_t>(count) : -1;
      },
      &function);
  return drawn == length ? kOpenSslSuccess : 0;
}

struct ExtendedDraw {
  RandBytesEx function;
  void* context;
  unsigned strength;
};

int draw_open_ssl_extended(CallerOriginal<RandBytesEx>& originals, const void* caller,
                           void* context, unsigned char* bytes, std::size_t length,
                           unsigned strength) {
  ExtendedDraw extended{originals.find(caller), context, strength};
  if (extended.function == nullptr) return 0;
  const ssize_t drawn = draw_random(
      abi::RandomSource::kOpenSsl, caller, bytes, length,
      [](void* given, std::byte* to, std::size_t count) -> ssize_t {
        const auto& draw = *static_cast<ExtendedDraw*>(given);
        const int result =
            draw.function(draw.context, reinterpret_cast<unsigned char*>(to), count, draw.strength);
        return result == kOpenSslSuccess ? static_cast<ssize_t>(count) : -1;
      },
      &extended);
  return drawn >= 0 && static_cast<std::size_t>(drawn) == length ? kOpenSslSuccess : 0;
}

}  // namespace

ssize_t hook_getrandom(void* bytes, std::size_t length, unsigned flags) {
  return draw_kernel_random(bytes, length, flags, REPRISE_CALLER());
}

ssize_t draw_kernel_random(void* bytes, std::size_t length, unsigned flags, const void* caller) {
  return draw_random(
      abi::RandomSource::kGetrandom, caller, bytes, length,
      [](void* context, std::byte* to, std::size_t count) {
        return original().getrandom(to, count, *static_cast<unsigned*>(context));
      },
      &flags);
}

int hook_getentropy(void* bytes, std::size_t length) {
  const ssize_t drawn = draw_random(
      abi::RandomSource::kGetentropy, REPRISE_CALLER(), bytes, length,
      [](void*, std::byte* to, std::size_t count) -> ssize_t {
        return original().getentropy(to, count) == 0 ? static_cast<ssize_t>(count) : -1;
      },
      nullptr);
  return drawn < 0 ? -1 : 0;
}

std::uint32_t hook_arc4random() {
  std::uint32_t value = 0;
  draw_random(
      abi::RandomSource::kArc4random, REPRISE_CALLER(), &value, sizeof(value),
      [](void*, std::byte* to, std::size_t count) -> ssize_t {
        original().arc4random_buf(to, count);
        return static_cast<ssize_t>(count);
      },
      nullptr);
  return value;
}

void hook_arc4random_buf(void* bytes, std::size_t length) {
  draw_random(
      abi::RandomSource::kArc4random, REPRISE_CALLER(), bytes, length,
      [](void*, std::byte* to, std::size_t count) -> ssize_t {
        original().arc4random_buf(to, count);
        return static_cast<ssize_t>(count);
      },
      nullptr);
}

std::uint32_t hook_arc4random_uniform(std::uint32_t bound) {
  std::uint32_t value = 0;
  draw_random(
      abi::RandomSource::kArc4random, REPRISE_CALLER(), &value, sizeof(value),
      [](void* context, std::byte* to, std::size_t) -> ssize_t {
        const std::uint32_t drawn =
            original().arc4random_uniform(*static_cast<std::uint32_t*>(context));
        __builtin_memcpy(to, &drawn, sizeof(drawn));
        return sizeof(drawn);
      },
      &bound);
  // A draw that was generated, not recorded, knows nothing of the bound.
  return bound < 2 ? 0 : value % bound;
}

unsigned hook_random_device(void* self) {
  struct Device {
    RandomDevice function;
    void* self;
  } device{original_random_device.find(REPRISE_CALLER()), self};
  unsigned value = 0;
  if (device.function == nullptr) return value;
  draw_random(
      abi::RandomSource::kRandomDevice, REPRISE_CALLER(), &value, sizeof(value),
      [](void* context, std::byte* to, std::size_t) -> ssize_t {
        const auto& from = *static_cast<Device*>(context);
        const unsigned drawn = from.function(from.self);
        __builtin_memcpy(to, &drawn, sizeof(drawn));
        return sizeof(drawn);
      },
      &device);
  return value;
}

int hook_RAND_bytes(unsigned char* bytes, int length) {
  return draw_open_ssl(original_rand_bytes, REPRISE_CALLER(), bytes, length);
}

int hook_RAND_priv_bytes(unsigned char* bytes, int length) {
  return draw_open_ssl(original_rand_priv_bytes, REPRISE_CALLER(), bytes, length);
}

int hook_RAND_bytes_ex(void* context, unsigned char* bytes, std::size_t length, unsigned strength) {
  return draw_open_ssl_extended(original_rand_bytes_ex, REPRISE_CALLER(), context, bytes, length,
                                strength);
}

int hook_RAND_priv_bytes_ex(void* context, unsigned char* bytes, std::size_t length,
                            unsigned strength) {
  return draw_open_ssl_extended(original_rand_priv_bytes_ex, REPRISE_CALLER(), context, bytes,
                                length, strength);
}

}  // namespace reprise::agent
