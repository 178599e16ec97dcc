// What is left of a scattered buffer after a part of it was sent.
//
// Threading: a local variable.
#pragma once

#include <sys/uio.h>

#include <cstddef>

namespace reprise::agent {

inline std::size_t length_of(const iovec* vectors, std::size_t count) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < count; ++i) length += vectors[i].iov_len;
  return length;
}

class RemainingVectors {
 public:
  // Those that do not fit are left for the next call.
  RemainingVectors(const iovec* vectors, std::size_t count, std::size_t done) {
    for (std::size_t i = 0; i < count && count_ < kMost; ++i) {
      const std::size_t skipped = done < vectors[i].iov_len ? done : vectors[i].iov_len;
      done -= skipped;
      if (skipped == vectors[i].iov_len) continue;
      vectors_[count_++] = {static_cast<char*>(vectors[i].iov_base) + skipped,
                            vectors[i].iov_len - skipped};
    }
  }

  iovec* vectors() { return vectors_; }
  std::size_t count() const { return count_; }

 private:
  // The smallest stack a thread may have is as large as IOV_MAX of them.
  static constexpr std::size_t kMost = 16;

  iovec vectors_[kMost];
  std::size_t count_ = 0;
};

}  // namespace reprise::agent
