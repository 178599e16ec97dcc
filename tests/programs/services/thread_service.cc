// usage: thread_service PORT THREADS
//
// An HTTP server with a thread for each connection, made with the smallest stack there is, beside
// THREADS that wait for a condition variable that nobody signals. Each request makes one more
// thread, which waits in a system call until it is cancelled. Answers with the number of the
// request on its connection, how the thread ended, and the time.
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#ifndef SEPARATOR
#define SEPARATOR ","
#endif

namespace {

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t never = PTHREAD_COND_INITIALIZER;
int nothing[2];

void require(bool holds, const char* what) {
  if (holds) return;
  std::perror(what);
  std::exit(1);
}

pthread_t make_thread(void* (*run)(void*), void* argument, bool detached) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  // What thread-local storage takes comes off it; a sanitizer wants more.
  pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN + MORE_STACK);
  if (detached) pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  const int error = pthread_create(&thread, &attributes, run, argument);
  require(error == 0, "pthread_create");
  pthread_attr_destroy(&attributes);
  return thread;
}

void* wait_for_ever(void*) {
  pthread_mutex_lock(&mutex);
  for (;;) pthread_cond_wait(&never, &mutex);
  return nullptr;
}

void* read_nothing(void*) {
  char byte;
  [[maybe_unused]] const ssize_t got = ::read(nothing[0], &byte, 1);
  return nullptr;
}

bool cancel_one() {
  const pthread_t reader = make_thread(read_nothing, nullptr, false);
  pthread_cancel(reader);
  void* end = nullptr;
  pthread_join(reader, &end);
  return end == PTHREAD_CANCELED;
}

void* serve(void* argument) {
  const int client = static_cast<int>(reinterpret_cast<std::intptr_t>(argument));
  char bytes[1024];
  for (int request = 1; ::read(client, bytes, sizeof bytes) > 0; ++request) {
    char body[128], answer[256];
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    const int length =
        std::snprintf(body, sizeof body, "request %d" SEPARATOR " %s, at %ld.%09ld\n", request,
                      cancel_one() ? "cancelled" : "returned", now.tv_sec, now.tv_nsec);
    const int total = std::snprintf(
        answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", length, body);
    if (::write(client, answer, static_cast<std::size_t>(total)) != total) break;
  }
  ::close(client);
  return nullptr;
}

int listen_on(int port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  require(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "bind");
  require(::listen(listener, 512) == 0, "listen");
  return listener;
}

}  // namespace

int main(int, char** arguments) {
  require(::pipe(nothing) == 0, "pipe");
  for (int i = std::atoi(arguments[2]); i > 0; --i) make_thread(wait_for_ever, nullptr, true);
  const int listener = listen_on(std::atoi(arguments[1]));
  for (;;) {
    const int client = ::accept(listener, nullptr, nullptr);
    if (client < 0) continue;
    make_thread(serve, reinterpret_cast<void*>(static_cast<std::intptr_t>(client)), true);
  }
}
