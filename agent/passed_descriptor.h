// Descriptors that go from process to process in messages (SCM_RIGHTS, unix(7)).
//
// A connection keeps its name, the kernel's cookie; what is recorded here is that it does not end
// with the process that gave it away, and how far its streams had got then.
//
// Threading: any thread. Both preserve errno.
#pragma once

#include <sys/socket.h>

namespace reprise::agent {

// `message` is about to be sent.
void give_descriptors(const msghdr& message);
// `message` was received.
void take_descriptors(const msghdr& message);

}  // namespace reprise::agent
