#include "archive/file_digest.h"

#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

namespace reprise::archive {
namespace {

constexpr std::uint64_t kPiece = std::uint64_t{256} * 1024;

struct FreeState {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

}  // namespace

std::optional<std::uint64_t> file_digest(int file, std::uint64_t size) {
  const std::unique_ptr<XXH3_state_t, FreeState> state(XXH3_createState());
  if (state == nullptr || XXH3_64bits_reset(state.get()) != XXH_OK) return std::nullopt;
  std::vector<std::uint8_t> piece(std::min(size, kPiece));
  std::uint64_t done = 0;
  while (done < size) {
    const std::size_t wanted = std::min<std::uint64_t>(piece.size(), size - done);
    const ssize_t got = ::pread(file, piece.data(), wanted, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    XXH3_64bits_update(state.get(), piece.data(), static_cast<std::size_t>(got));
    done += static_cast<std::uint64_t>(got);
  }
  return XXH3_64bits_digest(state.get());
}

}  // namespace reprise::archive
