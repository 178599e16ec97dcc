#include "archive/block_queue.h"

#include <utility>

namespace reprise::archive {

BlockQueue::BlockQueue(std::unique_ptr<OutputFile> file, std::uint64_t offset, std::uint64_t bound)
    : file_(std::move(file)), bound_(bound), next_offset_(offset), written_(offset) {}

bool BlockQueue::push(std::span<const std::uint8_t> block) {
  // Room may have been made since the last attempt; if not, drain() changes nothing.
  if (waiting_bytes_ + block.size() > bound_) (void)drain();
  if (blocks_.empty() && file_->write_at(next_offset_, block) == 0) {
    next_offset_ += block.size();
    written_ = next_offset_;
    return true;
  }
  if (waiting_bytes_ + block.size() > bound_) return false;
  next_offset_ += block.size();
  waiting_bytes_ += block.size();
  blocks_.emplace_back(block.begin(), block.end());
  return true;
}

tl::expected<void, Error> BlockQueue::drain() {
  while (!blocks_.empty()) {
    const std::vector<std::uint8_t>& block = blocks_.front();
    if (const int error = file_->write_at(written_, block); error != 0) {
      return tl::unexpected(file_error("cannot write", file_->path(), error));
    }
    written_ += block.size();
    waiting_bytes_ -= block.size();
    blocks_.pop_front();
  }
  return {};
}

tl::expected<void, Error> BlockQueue::close() {
  if (auto drained = drain(); !drained) return drained;
  if (const int error = file_->close(); error != 0) {
    return tl::unexpected(file_error("cannot finish writing", file_->path(), error));
  }
  return {};
}

}  // namespace reprise::archive
