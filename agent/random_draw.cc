#include "agent/random_draw.h"

#include <errno.h>
#include <string.h>

#include "agent/module.h"
#include "agent/original.h"
#include "agent/payload.h"
#include "agent/record.h"
#include "agent/thread.h"

namespace reprise::agent {

ssize_t draw_random(abi::RandomSource source, const void* caller, void* bytes, std::size_t length,
                    world::RandomOriginal draw_original, void* context) {
  auto* const start = static_cast<std::byte*>(bytes);
  Thread* thread = this_thread();
  if (thread == nullptr) return draw_original(context, start, length);
  refresh_modules(*thread);
  if (is_crypto_code(caller)) return draw_original(context, start, length);
  const std::uint64_t enter = stamp();
  world::Draw draw{thread, caller};
  ssize_t result;
  {
    const Muted inner(thread);
    result = world::random(draw, source, start, length, draw_original, context);
  }
  const int error = errno;
  const std::uint64_t drawn = result > 0 ? static_cast<std::uint64_t>(result) : 0;
  Gather gather(bytes, drawn);
  write_parts<abi::Random>(*thread, abi::RecordType::kRandom, enter,
                           static_cast<std::uint8_t>(source), gather, drawn, false,
                           [&](Record<abi::Random>& record, std::uint64_t, std::uint32_t part) {
                             record->caller = reinterpret_cast<std::uintptr_t>(caller);
                             record->length = part;
                             record->error = result < 0 ? error : 0;
                             record.add_flags(draw.flags);
                           });
  errno = error;
  return result;
}

bool is_random_device_path(const char* path) {
  return strcmp(path, "/dev/urandom") == 0 || strcmp(path, "/dev/random") == 0;
}

ssize_t read_random_device(int fd, void* bytes, std::size_t length, const void* caller) {
  return draw_random(
      abi::RandomSource::kDevice, caller, bytes, length,
      [](void* context, std::byte* to, std::size_t count) {
        return original().read(*static_cast<int*>(context), to, count);
      },
      &fd);
}

}  // namespace reprise::agent
