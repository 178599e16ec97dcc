// What stdio does inside the C library, where no hook sees it.
//
// Lines for the standard streams are recorded where they are written into the FILE, not where its
// buffer is flushed: in the order of the thread's work, and with the stream's descriptor, buffer
// and terminal untouched. Formatted text is formatted here, once, and then written as it is. Not
// seen: wide characters, putc_unlocked where it is expanded inline, err() and error(), and messages
// that the C library makes for itself (a corrupted heap).
//
// A FILE on a connection, or on a random device, is given read and write functions that come back
// to the hooks.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/descriptor.h"
#include "agent/hooks/descriptor_life.h"
#include "agent/hooks/hook.h"
#include "agent/hooks/stream_io.h"
#include "agent/log_line.h"
#include "agent/original.h"
#include "agent/random_draw.h"
#include "agent/record.h"
#include "agent/scratch.h"
#include "agent/start_file.h"
#include "agent/thread.h"

extern "C" int __vsnprintf_chk(char* to, std::size_t size, int flag, std::size_t room,
                               const char* format, va_list arguments);

namespace reprise::agent {

extern "C" {
int hook_vfprintf(FILE* file, const char* format, va_list arguments) REPRISE_HOOK(vfprintf);
int hook_vprintf(const char* format, va_list arguments) REPRISE_HOOK(vprintf);
int hook_fprintf(FILE* file, const char* format, ...) REPRISE_HOOK(fprintf);
int hook_printf(const char* format, ...) REPRISE_HOOK(printf);
int hook_vdprintf(int fd, const char* format, va_list arguments) REPRISE_HOOK(vdprintf);
int hook_dprintf(int fd, const char* format, ...) REPRISE_HOOK(dprintf);
int hook___vfprintf_chk(FILE* file, int flag, const char* format, va_list arguments)
    REPRISE_HOOK(__vfprintf_chk);
int hook___vprintf_chk(int flag, const char* format, va_list arguments) REPRISE_HOOK(__vprintf_chk);
int hook___fprintf_chk(FILE* file, int flag, const char* format, ...) REPRISE_HOOK(__fprintf_chk);
int hook___printf_chk(int flag, const char* format, ...) REPRISE_HOOK(__printf_chk);
int hook___vdprintf_chk(int fd, int flag, const char* format, va_list arguments)
    REPRISE_HOOK(__vdprintf_chk);
int hook___dprintf_chk(int fd, int flag, const char* format, ...) REPRISE_HOOK(__dprintf_chk);
std::size_t hook_fwrite(const void* bytes, std::size_t size, std::size_t count, FILE* file)
    REPRISE_HOOK(fwrite);
std::size_t hook_fwrite_unlocked(const void* bytes, std::size_t size, std::size_t count, FILE* file)
    REPRISE_HOOK(fwrite_unlocked);
int hook_fputs(const char* text, FILE* file) REPRISE_HOOK(fputs);
int hook_fputs_unlocked(const char* text, FILE* file) REPRISE_HOOK(fputs_unlocked);
int hook_puts(const char* text) REPRISE_HOOK(puts);
int hook_fputc(int character, FILE* file) REPRISE_HOOK(fputc);
int hook_putc(int character, FILE* file) REPRISE_HOOK_ALIAS(putc, fputc);
int hook__IO_putc(int character, FILE* file) REPRISE_HOOK_ALIAS(_IO_putc, fputc);
int hook_fputc_unlocked(int character, FILE* file) REPRISE_HOOK(fputc_unlocked);
int hook_putc_unlocked(int character, FILE* file) REPRISE_HOOK(putc_unlocked);
int hook_putchar(int character) REPRISE_HOOK(putchar);
int hook_putchar_unlocked(int character) REPRISE_HOOK(putchar_unlocked);
void hook_perror(const char* text) REPRISE_HOOK(perror);
FILE* hook_fdopen(int fd, const char* mode) REPRISE_HOOK(fdopen);
FILE* hook_fopen(const char* path, const char* mode) REPRISE_HOOK(fopen);
FILE* hook_fopen64(const char* path, const char* mode) REPRISE_HOOK_ALIAS(fopen64, fopen);
int hook_fileno(FILE* file) REPRISE_HOOK(fileno);
int hook_fileno_unlocked(FILE* file) REPRISE_HOOK_ALIAS(fileno_unlocked, fileno);
int hook_fclose(FILE* file) REPRISE_HOOK(fclose);
}

namespace {

// Text up to this size is formatted on the stack at once, and up to the next one in a second go, in
// memory that is mapped for it: the C library would allocate too.
constexpr std::size_t kUsualText = 1024;
constexpr std::size_t kLongestText = std::size_t{1024} * 1024;

// Where a line goes to that is to be recorded; without a thread, nowhere.
struct LogTarget {
  Thread* thread = nullptr;
  abi::Stream stream = abi::Stream::kStdout;
};

LogTarget target_of(int fd) {
  const DescriptorKind kind = descriptors().peek(fd).kind;
  if (kind == DescriptorKind::kStdout) return {this_thread(), abi::Stream::kStdout};
  if (kind == DescriptorKind::kStderr) return {this_thread(), abi::Stream::kStderr};
  return {};
}

// Wide-oriented streams hold no bytes that could be recorded.
LogTarget target_of(FILE* file) { return file->_mode > 0 ? LogTarget{} : target_of(file->_fileno); }

void log_text(const LogTarget& target, const char* text, std::size_t length, const char* end,
              std::uint64_t enter) {
  if (target.thread == nullptr) return;
  const int error = errno;
  gather_log(*target.thread, target.stream, text, length, end, enter);
  errno = error;
}

// Formats and hands the text to `put(text, length)`, which returns how much of it went out; returns
// what the formatted call does. Text beyond all bounds goes to `forward()` and leaves a gap.
template <typename Put, typename Forward>
[[gnu::noinline]] int write_formatted(const LogTarget& target, int flag, const char* format,
                                      va_list arguments, Put put, Forward forward) {
  const std::uint64_t enter = target.thread == nullptr ? 0 : stamp();
  char usual[kUsualText];
  va_list again;
  va_copy(again, arguments);
  const int length = __vsnprintf_chk(usual, sizeof(usual), flag, sizeof(usual), format, again);
  va_end(again);
  if (length < 0) return length;
  const auto bytes = static_cast<std::size_t>(length);
  auto finish = [&](const char* text) {
    log_text(target, text, bytes, "", enter);
    return put(text, bytes) == bytes ? length : -1;
  };
  if (bytes < sizeof(usual)) return finish(usual);
  if (bytes <= kLongestText) {
    const Scratch scratch(bytes + 1);
    if (scratch.start() != nullptr) {
      __vsnprintf_chk(scratch.start(), bytes + 1, flag, bytes + 1, format, arguments);
      return finish(scratch.start());
    }
  }
  if (target.thread != nullptr) record_gap(*target.thread, bytes);
  return forward();
}

int print_to_file(FILE* file, int flag, const char* format, va_list arguments) {
  const LogTarget target = target_of(file);
  auto forward = [&] {
    return flag == 0 ? original().vfprintf(file, format, arguments)
                     : original().__vfprintf_chk(file, flag, format, arguments);
  };
  if (target.thread == nullptr) return forward();
  return write_formatted(
      target, flag, format, arguments,
      [file](const char* text, std::size_t length) {
        return original().fwrite(text, 1, length, file);
      },
      forward);
}

// Formatted text for a descriptor goes out in one write, as far as the kernel takes it in one.
int print_to_descriptor(int fd, int flag, const char* format, va_list arguments) {
  auto forward = [&] {
    return flag == 0 ? original().vdprintf(fd, format, arguments)
                     : original().__vdprintf_chk(fd, flag, format, arguments);
  };
  Thread* thread = this_thread();
  const DescriptorKind kind = descriptors().find(fd).kind;
  const bool is_log = kind == DescriptorKind::kStdout || kind == DescriptorKind::kStderr;
  if (thread == nullptr || (!is_log && kind != DescriptorKind::kStream)) return forward();
  return write_formatted(
      {}, flag, format, arguments,
      [fd](const char* text, std::size_t length) {
        std::size_t done = 0;
        while (done < length) {
          const ssize_t sent = hook_write(fd, text + done, length - done);
          if (sent <= 0) break;
          done += static_cast<std::size_t>(sent);
        }
        return done;
      },
      forward);
}

void log_character(FILE* file, int character, int result) {
  if (result == EOF) return;
  const LogTarget target = target_of(file);
  if (target.thread == nullptr) return;
  const auto written = static_cast<char>(character);
  log_text(target, &written, 1, "", stamp());
}

template <typename Put>
std::size_t put_block(const void* bytes, std::size_t size, FILE* file, Put put) {
  const LogTarget target = target_of(file);
  const std::uint64_t enter = target.thread == nullptr ? 0 : stamp();
  const std::size_t written = put();
  if (target.thread != nullptr && written > 0) {
    log_text(target, static_cast<const char*>(bytes), size * written, "", enter);
  }
  return written;
}

// `end` is what the call adds to the text.
template <typename Put>
int put_text(const char* text, const char* end, FILE* file, Put put) {
  const LogTarget target = target_of(file);
  if (target.thread == nullptr) return put();
  const std::uint64_t enter = stamp();
  const int result = put();
  if (result == EOF) return result;
  log_text(target, text, strlen(text), end, enter);
  return result;
}

// --- FILEs whose transfers come back to the hooks; the cookie is the descriptor ------------------

void* cookie_of(int fd) { return reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)); }
int descriptor_of(void* cookie) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(cookie));
}

ssize_t read_cookie(void* cookie, char* to, std::size_t size) {
  return hook_read(descriptor_of(cookie), to, size);
}

// All of it or an error, like a FILE's own.
ssize_t write_cookie(void* cookie, const char* from, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t written = hook_write(descriptor_of(cookie), from + done, size - done);
    if (written <= 0) return static_cast<ssize_t>(done);
    done += static_cast<std::size_t>(written);
  }
  return static_cast<ssize_t>(done);
}

int close_cookie(void* cookie) { return hook_close(descriptor_of(cookie)); }

FILE* open_hooked(int fd, const char* mode) {
  FILE* file = fopencookie(cookie_of(fd), mode, {read_cookie, write_cookie, nullptr, close_cookie});
  // The C library does not look at it in a FILE of this kind; fileno's hook does.
  if (file != nullptr) file->_fileno = fd;
  return file;
}

// For reading.
FILE* open_plain(Thread& thread, const char* path, const char* mode) {
  FILE* file = original().fopen(path, mode);
  if (file == nullptr) return nullptr;
  const int error = errno;
  note_start_file(thread, file->_fileno, path, O_RDONLY);
  errno = error;
  return file;
}

}  // namespace

int hook_vfprintf(FILE* file, const char* format, va_list arguments) {
  return print_to_file(file, 0, format, arguments);
}

int hook_vprintf(const char* format, va_list arguments) {
  return print_to_file(stdout, 0, format, arguments);
}

int hook_fprintf(FILE* file, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int result = print_to_file(file, 0, format, arguments);
  va_end(arguments);
  return result;
}

int hook_printf(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int result = print_to_file(stdout, 0, format, arguments);
  va_end(arguments);
  return result;
}

int hook_vdprintf(int fd, const char* format, va_list arguments) {
  return print_to_descriptor(fd, 0, format, arguments);
}

int hook_dprintf(int fd, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int result = print_to_descriptor(fd, 0, format, arguments);
  va_end(arguments);
  return result;
}

int hook___vfprintf_chk(FILE* file, int flag, const char* format, va_list arguments) {
  return print_to_file(file, flag, format, arguments);
}

int hook___vprintf_chk(int flag, const char* format, va_list arguments) {
  return print_to_file(stdout, flag, format, arguments);
}

int hook___fprintf_chk(FILE* file, int flag, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int result = print_to_file(file, flag, format, arguments);
  va_end(arguments);
  return result;
}

int hook___printf_chk(int flag, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int result = print_to_file(stdout, flag, format, arguments);
  va_end(arguments);
  return result;
}

int hook___vdprintf_chk(int fd, int flag, const char* format, va_list arguments) {
  return print_to_descriptor(fd, flag, format, arguments);
}

int hook___dprintf_chk(int fd, int flag, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int result = print_to_descriptor(fd, flag, format, arguments);
  va_end(arguments);
  return result;
}

std::size_t hook_fwrite(const void* bytes, std::size_t size, std::size_t count, FILE* file) {
  return put_block(bytes, size, file, [=] { return original().fwrite(bytes, size, count, file); });
}

std::size_t hook_fwrite_unlocked(const void* bytes, std::size_t size, std::size_t count,
                                 FILE* file) {
  return put_block(bytes, size, file,
                   [=] { return original().fwrite_unlocked(bytes, size, count, file); });
}

int hook_fputs(const char* text, FILE* file) {
  return put_text(text, "", file, [=] { return original().fputs(text, file); });
}

int hook_fputs_unlocked(const char* text, FILE* file) {
  return put_text(text, "", file, [=] { return original().fputs_unlocked(text, file); });
}

int hook_puts(const char* text) {
  return put_text(text, "\n", stdout, [=] { return original().puts(text); });
}

int hook_fputc(int character, FILE* file) {
  const int result = original().fputc(character, file);
  log_character(file, character, result);
  return result;
}

int hook_fputc_unlocked(int character, FILE* file) {
  const int result = original().fputc_unlocked(character, file);
  log_character(file, character, result);
  return result;
}

int hook_putc_unlocked(int character, FILE* file) { return hook_fputc_unlocked(character, file); }

int hook_putchar(int character) { return hook_fputc(character, stdout); }

int hook_putchar_unlocked(int character) { return hook_fputc_unlocked(character, stdout); }

void hook_perror(const char* text) {
  const int error = errno;
  original().perror(text);
  const LogTarget target = target_of(stderr);
  if (target.thread == nullptr) return;
  char message[kUsualText];
  char described[128];
  const bool prefixed = text != nullptr && *text != '\0';
  const int length =
      snprintf(message, sizeof(message), "%s%s%s\n", prefixed ? text : "", prefixed ? ": " : "",
               strerror_r(error, described, sizeof(described)));
  const auto bytes = static_cast<std::size_t>(length);
  const std::size_t kept = bytes < sizeof(message) ? bytes : sizeof(message) - 1;
  log_text(target, message, kept, "", stamp());
  errno = error;
}

FILE* hook_fdopen(int fd, const char* mode) {
  if (this_thread() == nullptr || descriptors().stream(fd) == nullptr) {
    return original().fdopen(fd, mode);
  }
  return open_hooked(fd, mode);
}

FILE* hook_fopen(const char* path, const char* mode) {
  Thread* thread = mode[0] == 'r' ? this_thread() : nullptr;
  if (thread == nullptr) return original().fopen(path, mode);
  if (!is_random_device_path(path)) return open_plain(*thread, path, mode);
  const int fd = hook_open(path, O_RDONLY | (strchr(mode, 'e') != nullptr ? O_CLOEXEC : 0));
  if (fd < 0) return nullptr;
  FILE* file = open_hooked(fd, mode);
  if (file == nullptr) hook_close(fd);
  return file;
}

int hook_fileno(FILE* file) {
  const int error = errno;
  const int fd = original().fileno(file);
  if (fd >= 0 || file->_fileno < 0) return fd;
  errno = error;
  return file->_fileno;
}

int hook_fclose(FILE* file) {
  if (target_of(file).thread != nullptr) (void)descriptors().forget(file->_fileno);
  return original().fclose(file);
}

}  // namespace reprise::agent
