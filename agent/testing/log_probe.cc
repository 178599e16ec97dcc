// Writes lines to standard output and error in every way.
#include <errno.h>
#include <stdarg.h>
#include <sys/uio.h>
#include <unistd.h>

#include <iostream>
#include <string>

#include "agent/testing/probe.h"

extern "C" {
int __printf_chk(int flag, const char* format, ...);
int __fprintf_chk(FILE* file, int flag, const char* format, ...);
int __dprintf_chk(int fd, int flag, const char* format, ...);
}

namespace {

using reprise::agent::testing::ProbeCase;

void print_va(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
}

// Every way, a numbered line each.
int ways(int, char**) {
  PROBE_EXPECT(write(1, "1 write\n", 8) == 8);
  iovec parts[] = {{const_cast<char*>("2 "), 2}, {const_cast<char*>("writev\n"), 7}};
  PROBE_EXPECT(writev(1, parts, 2) == 9);
  PROBE_EXPECT(printf("%d printf\n", 3) == 9);
  PROBE_EXPECT(puts("4 puts") >= 0);
  PROBE_EXPECT(fputs("5 fputs\n", stdout) >= 0);
  PROBE_EXPECT(fwrite("6 fwrite\n", 1, 9, stdout) == 9);
  PROBE_EXPECT(putchar('7') == '7');
  for (const char c : {' ', 'p', 'u', 't'}) PROBE_EXPECT(putc(c, stdout) == c);
  PROBE_EXPECT(fputc('\n', stdout) == '\n');
  print_va("%s\n", "8 va");
  std::cout << 9 << ' ' << "cout" << std::endl;
  std::cerr << "10 cerr " << 1.5 << '\n';
  PROBE_EXPECT(dprintf(2, "%d dprintf\n", 11) == 11);
  PROBE_EXPECT(__printf_chk(1, "%d printf_chk\n", 12) == 14);
  PROBE_EXPECT(__fprintf_chk(stderr, 1, "%d fprintf_chk\n", 13) == 15);
  PROBE_EXPECT(__dprintf_chk(2, 1, "%d dprintf_chk\n", 14) == 15);
  errno = ENOENT;
  perror("15 perror");
  std::cout.flush();
  std::ios::sync_with_stdio(false);
  std::cout << "16 unsynchronised" << std::endl;
  return 0;
}

// Formatted text of any length comes out and is recorded whole.
int lengths(int, char**) {
  for (const int length : {1, 200, 1000, 1023, 1024, 5000, 60000, 300000}) {
    PROBE_EXPECT(printf("%0*d\n", length, 7) == length + 1);
  }
  return 0;
}

// Beyond what can be recorded it comes out all the same.
int too_long(int, char**) { return printf("%0*d\n", 2000000, 7) == 2000001 ? 0 : 1; }

// A line that was begun is recorded before the thread does other work, and at its end.
int unfinished(int, char**) {
  printf("begun");
  std::string ready(1, '\0');
  PROBE_EXPECT(write(2, "between\n", 8) == 8);
  printf("never ended");
  return 0;
}

// Files that are no standard streams are none of the agent's business.
int other_files(int, char**) {
  FILE* file = tmpfile();
  PROBE_EXPECT(fprintf(file, "not %s\n", "a log") == 10);
  PROBE_EXPECT(fputs("neither\n", file) >= 0);
  PROBE_EXPECT(fputc('x', file) == 'x');
  rewind(file);
  char got[64] = {};
  PROBE_EXPECT(fread(got, 1, sizeof(got), file) == 19);
  PROBE_EXPECT(strcmp(got, "not a log\nneither\nx") == 0);
  PROBE_EXPECT(fileno(file) > 2);
  return 0;
}

// Standard output given to something else, and error to a file.
int redirected(int, char**) {
  FILE* file = tmpfile();
  fflush(stdout);
  PROBE_EXPECT(dup2(fileno(file), 2) == 2);
  PROBE_EXPECT(write(2, "to the file\n", 12) == 12);
  PROBE_EXPECT(close(1) == 0);
  const int again = dup(fileno(file));
  PROBE_EXPECT(again == 1);
  PROBE_EXPECT(write(1, "still output\n", 13) == 13);
  return 0;
}

constexpr ProbeCase kCases[] = {
    {"ways", ways},
    {"lengths", lengths},
    {"too_long", too_long},
    {"unfinished", unfinished},
    {"other_files", other_files},
    {"redirected", redirected},
};

}  // namespace

int main(int argc, char** argv) { return reprise::agent::testing::run_probe(kCases, argc, argv); }
