#include "agent/module.h"

#include <string.h>

#include <atomic>

#include "agent/hot.h"
#include "agent/link_map.h"
#include "agent/payload.h"
#include "agent/record.h"

namespace reprise::agent {

REPRISE_HOT constinit CodeRange program_code{};

namespace {

// Base names of libraries whose draws are their own business, up to the version.
constexpr const char* kCryptoLibraries[] = {
    "libcrypto.",  "libssl.",        "libgnutls.",  "libnettle.", "libhogweed.", "libgcrypt.",
    "libmbedtls.", "libmbedcrypto.", "libwolfssl.", "libnss3.",   "libssl3.",    "libfreebl",
    "libsoftokn",  "libk5crypto.",   "libbotan-",   "libtls.",
};

constexpr std::size_t kRanges = 32;
struct AtomicRange {
  std::atomic<std::uintptr_t> begin;
  std::atomic<std::uintptr_t> end;
};
constinit AtomicRange crypto_ranges[kRanges];
constinit std::atomic<std::size_t> crypto_range_count = 0;

// The last object that was recorded; the list only grows behind it.
constinit std::atomic<const link_map*> last_recorded = nullptr;

bool is_crypto_library(const char* path) {
  const char* name = base_name(path);
  for (const char* prefix : kCryptoLibraries) {
    if (strncmp(name, prefix, strlen(prefix)) == 0) return true;
  }
  return false;
}

void note_crypto_range(CodeRange range) {
  const std::size_t count = crypto_range_count.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < count; ++i) {
    if (crypto_ranges[i].begin.load(std::memory_order_relaxed) == range.begin) return;
  }
  if (count == kRanges) return;
  crypto_ranges[count].begin.store(range.begin, std::memory_order_relaxed);
  crypto_ranges[count].end.store(range.end, std::memory_order_relaxed);
  crypto_range_count.store(count + 1, std::memory_order_release);
}

const char* path_of(const link_map& object) {
  if (&object == first_object()) return "";
  return object.l_name == nullptr ? "" : object.l_name;
}

bool is_listed(const link_map* wanted) {
  for (const link_map* object = first_object(); object != nullptr; object = object->l_next) {
    if (object == wanted) return true;
  }
  return false;
}

}  // namespace

void record_modules(Thread& thread) {
  const link_map* object = last_recorded.load(std::memory_order_relaxed);
  object = object != nullptr && is_listed(object) ? object->l_next : first_object();
  for (; object != nullptr; object = object->l_next) {
    const CodeRange range = code_range(*object);
    const char* path = path_of(*object);
    if (object == first_object()) program_code = range;
    if (is_crypto_library(path)) note_crypto_range(range);
    const auto length = static_cast<std::uint32_t>(strlen(path) + 1);
    if (Record<abi::Module> record{thread, abi::RecordType::kModule, stamp(), length}) {
      record->begin = range.begin;
      record->end = range.end;
      record->bias = object->l_addr;
      memcpy(record.tail(), path, length);
      record.commit();
    }
    last_recorded.store(object, std::memory_order_relaxed);
  }
}

bool is_crypto_library_code(const void* caller) {
  const std::size_t count = crypto_range_count.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < count; ++i) {
    const CodeRange range{crypto_ranges[i].begin.load(std::memory_order_relaxed),
                          crypto_ranges[i].end.load(std::memory_order_relaxed)};
    if (range.holds(caller)) return true;
  }
  return false;
}

}  // namespace reprise::agent
