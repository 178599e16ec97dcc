#include "agent/passed_descriptor.h"

#include <errno.h>
#include <string.h>

#include "agent/descriptor.h"
#include "agent/record.h"
#include "agent/thread.h"
#include "agent/world/world.h"

namespace reprise::agent {
namespace {

template <typename Visit>
void each_descriptor(const msghdr& message, Visit visit) {
  auto& mutable_message = const_cast<msghdr&>(message);  // as CMSG_NXTHDR takes it
  for (cmsghdr* control = CMSG_FIRSTHDR(&mutable_message); control != nullptr;
       control = CMSG_NXTHDR(&mutable_message, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
    if (control->cmsg_len < CMSG_LEN(0)) return;
    const std::size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd;
      memcpy(&fd, CMSG_DATA(control) + i * sizeof(int), sizeof(int));
      visit(fd);
    }
  }
}

void record_passed(Thread& thread, const Socket& socket, bool taken) {
  if (Record<abi::Passed> record{thread, abi::RecordType::kPassed, stamp()}) {
    record->socket = socket.cookie.load(std::memory_order_relaxed);
    record->in_offset = socket.in_offset.load(std::memory_order_relaxed);
    record->out_offset = socket.out_offset.load(std::memory_order_relaxed);
    record->taken = taken ? 1 : 0;
    record->reserved = 0;
    record.commit();
  }
}

}  // namespace

void give_descriptors(const msghdr& message) {
  Thread* thread = this_thread();
  if (thread == nullptr) return;
  const int before = errno;
  each_descriptor(message, [&](int fd) {
    const Socket* socket = descriptors().stream(fd);
    if (socket != nullptr) record_passed(*thread, *socket, false);
  });
  errno = before;
}

void take_descriptors(const msghdr& message) {
  const int before = errno;
  Thread* thread = this_thread();
  each_descriptor(message, [&](int fd) {
    // It is new here, whatever its number meant before.
    descriptors().open_other(fd, DescriptorKind::kUnknown);
    Socket* socket = thread == nullptr ? nullptr : descriptors().stream(fd);
    if (socket == nullptr) return;
    record_passed(*thread, *socket, true);
    world::taken(*thread, *socket);
  });
  errno = before;
}

}  // namespace reprise::agent
