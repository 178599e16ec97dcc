#include "cli/kept_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>

namespace reprise::cli {
namespace {

// Two that write to one file, as a service's processes do, must not write over each other.
int nameless_file() {
  std::error_code failed;
  const std::string directory = std::filesystem::temp_directory_path(failed).string();
  if (failed) return -1;
  return ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
}

void copy(int from, int to) {
  if (from < 0) return;
  char bytes[64 * 1024];
  for (off_t at = 0;;) {
    const ssize_t count = ::pread(from, bytes, sizeof bytes, at);
    if (count <= 0) return;
    for (ssize_t done = 0; done < count;) {
      const ssize_t written = ::write(to, bytes + done, static_cast<std::size_t>(count - done));
      if (written <= 0) return;
      done += written;
    }
    at += count;
  }
}

}  // namespace

KeptOutput::KeptOutput() : out_(nameless_file()), err_(nameless_file()) {}

KeptOutput::~KeptOutput() {
  if (out_ >= 0) ::close(out_);
  if (err_ >= 0) ::close(err_);
}

void KeptOutput::pass_on(int out, int err) const {
  copy(out_, out);
  copy(err_, err);
}

void KeptOutput::clear() const {
  for (const int fd : {out_, err_}) {
    if (fd >= 0 && ::ftruncate(fd, 0) != 0) return;
  }
}

}  // namespace reprise::cli
