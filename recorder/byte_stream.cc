#include "recorder/byte_stream.h"

#include <algorithm>
#include <utility>

namespace reprise::recorder {

void ByteStream::resume_at(std::uint64_t offset) {
  next_ = offset;
  std::erase_if(waiting_, [offset](const Part& part) { return part.offset < offset; });
  waiting_bytes_ = 0;
  for (const Part& part : waiting_) waiting_bytes_ += part.bytes.size();
}

bool ByteStream::wait(Part part) {
  waiting_bytes_ += part.bytes.size();
  waiting_.push_back(std::move(part));
  return waiting_bytes_ <= kMostWaiting;
}

std::optional<ByteStream::Part> ByteStream::take_next() {
  const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                  [this](const Part& part) { return part.offset == next_; });
  if (found == waiting_.end()) return std::nullopt;
  Part part = std::move(*found);
  waiting_.erase(found);
  waiting_bytes_ -= part.bytes.size();
  return part;
}

std::uint64_t ByteStream::first_waiting() const {
  std::uint64_t first = ~std::uint64_t{0};
  for (const Part& part : waiting_) first = std::min(first, part.offset);
  return first;
}

event::Stamp ByteStream::waiting_since() const {
  event::Stamp since{~std::uint64_t{0}};
  for (const Part& part : waiting_) since = std::min(since, part.exit);
  return since;
}

void Acceptance::announce(std::uint64_t end, bool first) {
  if (first) ++in_flight;
  announced = std::max(announced, end);
}

void Acceptance::settle(std::uint64_t offset, std::int64_t result) {
  if (in_flight > 0) --in_flight;
  if (result > 0) accepted = std::max(accepted, offset + static_cast<std::uint64_t>(result));
  // While another thread's send is under way its announced bytes still count.
  announced = in_flight == 0 ? accepted : std::max(announced, accepted);
}

}  // namespace reprise::recorder
