// The world: everything the hooks ask of, or tell to, what lies outside the service.
//
// A hook is bookkeeping and a record; the operation itself goes through here. There are two
// implementations, chosen when the library is linked:
//
//   agent/world/system/      libreprise.so: the C library's own functions, nothing else
//   agent/world/substitute/  libreprise-replay.so: the tape, the control file, virtual time
//
// so the capture library cannot contain a substitution: there is no switch to turn.
//
// How an implementation plugs in
//  - Bazel: `//agent:hooks` (all hooks, records, descriptor table, originals; without a world),
//  plus
//    `//agent/world/system` or `//agent/world/substitute`, each an agent library that depends on
//    `//agent:core` only. A function declared here and defined in neither is a link error.
//  - Operations have the meaning of the C function of their name: result, errno, cancellation. They
//    forward to `original().NAME(...)` (agent/original.h), never to the plain name, which is the
//    hook.
//  - `Socket*` is the open socket behind the descriptor, null when the descriptor is no socket or
//  the
//    agent stands aside (before start-up, in a vfork child, inside a name lookup). With null,
//    forward. `Socket::index()` is below `descriptors().capacity()` and is free for use as the
//    index of an implementation's own arrays (allocate them in `start`); `closed` says when it is
//    about to be given away. The hooks never read those.
//  - `Thread::index` is the thread's ThreadSlot, the index of its mailbox and of per-thread state;
//    abi::kNone for a thread that got no slot.
//  - Notices (second half of this file) are called by the hooks after the record of the event is
//    committed, on the thread it happened to, with errno to be preserved. In capture they are
//    empty.
//  - Hooks that record nothing do not exist in capture: sleeps, mutexes, semaphores,
//    timers, joins, waitpid, bind, getsockname, getpeername, setsockopt, freeaddrinfo. The
//    substitute defines those as hooks of its own (REPRISE_HOOK of agent/hooks/hook.h, and a line
//    in agent/exports.lds), and publishes the activity word around what blocks (`Waiting` of
//    agent/thread.h). Nobody publishes activity in capture, where nobody reads it.
//  - Everything the agent's rules forbid on a hook's path (agent/agent.cc) is forbidden here too.
//
// Threading: any thread, at any time, in signal handlers as well.
#pragma once

#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>

#include <cstddef>
#include <cstdint>

#include "agent/abi/arena.h"
#include "agent/abi/records.h"
#include "agent/abi/sdk.h"
#include "agent/descriptor.h"
#include "agent/thread.h"

namespace reprise::agent::world {

// --- Life ----------------------------------------------------------------------------------------

// Once per process image, at start-up and after the arena was looked for (arena() may be null). The
// only place where memory may be mapped. `environment` is as the process was given it.
void start(char** environment);

// Before a fork, on the thread that forks; then in the child, after its slot was claimed and before
// its first record.
void forking(Thread& thread);
void forked(Thread& thread);

// On `creator`, before it makes a thread whose state is `created`; and on the new thread, after its
// ThreadStart record; and at its end, before its ThreadEnd record.
void creating_thread(Thread& creator, Thread& created);
void thread_started(Thread& thread);
void thread_ending(Thread& thread);

// In the root or a child, before the process ends in an orderly way or dies of a signal.
void process_ending();

// "NAME=value" strings that every program the service executes needs besides LD_PRELOAD and those
// of the arena; ended by a null pointer.
const char* const* inherited_variables();

// Whether the world handles this signal itself: what the service sets for it is remembered, and its
// handler reached by deliver_to_service() (agent/signals.h), but the kernel is not told.
bool keeps_signal(int number);

// Whether seccomp filters of the service are not installed: what a replay needs would be forbidden.
bool keeps_sandbox_out();

// A system call that was made by number and has no hook of its own, with its six arguments. Returns
// as syscall() does.
long call_by_number(long number, const long* arguments);

// --- Connections ---------------------------------------------------------------------------------

int listen(Socket* socket, int fd, int backlog);
int accept4(Socket* listener, int fd, sockaddr* address, socklen_t* length, int flags);
int accept(Socket* listener, int fd, sockaddr* address, socklen_t* length);
int connect(Socket* socket, int fd, const sockaddr* address, socklen_t length);
int shutdown(Socket* socket, int fd, int how);
int getsockopt(Socket* socket, int fd, int level, int name, void* value, socklen_t* length);
int getsockname(Socket* socket, int fd, sockaddr* address, socklen_t* length);
int getpeername(Socket* socket, int fd, sockaddr* address, socklen_t* length);
int close(Socket* socket, int fd);

// What an accepted connection is called. The hook fills `peer` with what the kernel said and
// `local` with its getsockname, then asks; the answer is what the service is told and what is
// recorded.
struct AcceptedAs {
  std::uint64_t recorded;  // the recorded connection that this one stands for, 0 none
  abi::SocketAddress peer;
  abi::SocketAddress local;
};
void accepted(Thread& thread, Socket& listener, Socket& socket, AcceptedAs& names);

// A flow (agent/datagram.h) was opened; nothing was sent yet. A datagram was read from it, or from
// the peer that the socket is connected to (kFlows), at `offset` of what came from there.
void flow_opened(Thread& thread, Socket& socket, int fd, std::uint32_t flow);
void datagram_read(Thread& thread, Socket& socket, std::uint32_t flow, std::uint64_t offset);

// A socket that another process passed on is one of this process now.
void taken(Thread& thread, Socket& socket);

// --- Bytes ---------------------------------------------------------------------------------------

ssize_t read(Socket* socket, int fd, void* buffer, std::size_t count);
ssize_t readv(Socket* socket, int fd, const iovec* vectors, int count);
ssize_t preadv2(Socket* socket, int fd, const iovec* vectors, int count, off_t offset, int flags);
ssize_t recv(Socket* socket, int fd, void* buffer, std::size_t count, int flags);
ssize_t recvfrom(Socket* socket, int fd, void* buffer, std::size_t count, int flags,
                 sockaddr* address, socklen_t* length);
ssize_t recvmsg(Socket* socket, int fd, msghdr* message, int flags);
int recvmmsg(Socket* socket, int fd, mmsghdr* messages, unsigned count, int flags,
             timespec* timeout);

ssize_t write(Socket* socket, int fd, const void* buffer, std::size_t count);
ssize_t writev(Socket* socket, int fd, const iovec* vectors, int count);
ssize_t pwritev2(Socket* socket, int fd, const iovec* vectors, int count, off_t offset, int flags);
ssize_t send(Socket* socket, int fd, const void* buffer, std::size_t count, int flags);
ssize_t sendto(Socket* socket, int fd, const void* buffer, std::size_t count, int flags,
               const sockaddr* address, socklen_t length);
ssize_t sendmsg(Socket* socket, int fd, const msghdr* message, int flags);
int sendmmsg(Socket* socket, int fd, mmsghdr* messages, unsigned count, int flags);
ssize_t sendfile(Socket* socket, int fd, int file, off_t* offset, std::size_t count);
ssize_t splice(Socket* into, int in, off64_t* in_offset, int out, off64_t* out_offset,
               std::size_t count, unsigned flags);

// A TLS library is about to be given bytes for the connection; what it sends for them then is not
// the service's doing.
void sending_plaintext(Thread& thread, Socket& socket);

// The service asks GnuTLS what it thinks of the certificate of the peer behind `socket` (null:
// which is not known): `verify(context)` does, and says so in `*status`
// (gnutls_certificate_status_t).
int verify_peer(Socket* socket, unsigned* status, int (*verify)(void*), void* context);

// --- Readiness -----------------------------------------------------------------------------------

int epoll_ctl(int epoll, int operation, int fd, epoll_event* event);
int epoll_wait(Thread* thread, int epoll, epoll_event* events, int capacity, int timeout_ms);
int epoll_pwait(Thread* thread, int epoll, epoll_event* events, int capacity, int timeout_ms,
                const sigset_t* mask);
int epoll_pwait2(Thread* thread, int epoll, epoll_event* events, int capacity,
                 const timespec* timeout, const sigset_t* mask);
int poll(Thread* thread, pollfd* fds, nfds_t count, int timeout_ms);
int ppoll(Thread* thread, pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask);
int select(Thread* thread, int count, fd_set* readable, fd_set* writable, fd_set* exceptional,
           timeval* timeout);
int pselect(Thread* thread, int count, fd_set* readable, fd_set* writable, fd_set* exceptional,
            const timespec* timeout, const sigset_t* mask);

// --- Draws ---------------------------------------------------------------------------------------

// One draw. Draws that a TLS or crypto library makes for itself never come here.
struct Draw {
  Thread* thread;          // null while the agent stands aside: forward
  const void* caller;      // return address in the service, names the module
  std::uint8_t flags = 0;  // out: abi::kSubstituted, abi::kRelaxed, for the record
};

int clock_gettime(Draw& draw, clockid_t clock, timespec* value);
int gettimeofday(Draw& draw, timeval* value);
time_t time(Draw& draw);
int timespec_get(Draw& draw, timespec* value, int base);

// All random sources: `draw_original(context, bytes, length)` asks the real one and returns how
// many bytes it gave, or -1 with errno.
using RandomOriginal = ssize_t (*)(void* context, std::byte* bytes, std::size_t length);
ssize_t random(Draw& draw, abi::RandomSource source, std::byte* bytes, std::size_t length,
               RandomOriginal draw_original, void* context);

// --- Condition variables -------------------------------------------------------------------------

int condition_wait(pthread_cond_t* condition, pthread_mutex_t* mutex);

// --- Name lookups --------------------------------------------------------------------------------

int getaddrinfo(Thread* thread, const char* node, const char* service, const addrinfo* hints,
                addrinfo** result);
int getnameinfo(Thread* thread, const sockaddr* address, socklen_t length, char* host,
                socklen_t host_size, char* service, socklen_t service_size, int flags);
// gethostbyname, gethostbyname2 and their _r forms; family is AF_INET where the call has none.
int gethostbyname2_r(Thread* thread, const char* name, int family, hostent* result, char* buffer,
                     std::size_t size, hostent** found, int* error);
hostent* gethostbyname2(Thread* thread, const char* name, int family);
int gethostbyaddr_r(Thread* thread, const void* address, socklen_t length, int family,
                    hostent* result, char* buffer, std::size_t size, hostent** found, int* error);
hostent* gethostbyaddr(Thread* thread, const void* address, socklen_t length, int family);

// --- What the SDK says (agent/abi/sdk.h) ---------------------------------------------------------

// What is said: a head and the bytes that it counts.
using Words = iovec[2];
// How a call or an entry goes on.
struct Outcome {
  int verdict;              // reprise_verdict
  reprise_answer answer{};  // of REPRISE_ANSWERED: what is to be read
};

// An annotated call of this thread begins.
Outcome begin_call(Thread& thread, const Words& words);
bool read_outcome(Thread& thread, void* to, std::size_t length);
// It was performed.
void end_call(Thread& thread, const Words& words);

// `address` is the source's own. 0: it could not be opened.
std::uint64_t open_source(Thread& thread, const abi::SocketAddress& address);
void close_source(Thread& thread, std::uint64_t source);
Outcome next_entry(Thread& thread, std::uint64_t source, std::uint64_t* entry);
bool read_entry(Thread& thread, std::uint64_t entry, void* to, std::size_t length);
// An input came in; null `words`: it turned out that there is none.
std::uint64_t open_entry(Thread& thread, std::uint64_t source, const abi::SocketAddress& address,
                         const Words* words);
void close_entry(Thread& thread, std::uint64_t entry, const Words& words);

// The thread's turn was given under `token`; or it took over the one that was, or is done with it.
void turn_given(Thread& thread, std::uint64_t token);
void turn_taken(Thread& thread, std::uint64_t token);
void turn_left(Thread& thread, std::uint64_t token);

// --- Notices -------------------------------------------------------------------------------------

// A read of any form returned: `offset` is that of its first byte, `result` as the call's, `error`
// its errno or 0.
void bytes_read(Thread& thread, Socket& socket, std::uint64_t offset, ssize_t result, int error);

// A connection was established: at once, or as the service learnt later.
void connected(Thread& thread, Socket& socket);

// A readiness wait returned and reported these sockets, in the order in which it did.
struct Reported {
  Socket* socket;
  std::uint32_t flags;  // abi::ReadyFlags
};
void ready(Thread& thread, const Reported* reported, std::size_t count);

// The last descriptor of this process for the socket is about to be closed.
void closed(Socket& socket);

}  // namespace reprise::agent::world
