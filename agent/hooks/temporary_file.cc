// Names of temporary files: the C library draws them from a clock or the kernel's random source by
// calls of its own. The letters it chose are recorded as what they are, a random draw of its
// caller's; a replay makes the file under the recorded name, and under others where that is taken.
//
// Not here: tmpfile, whose file has no name where the kernel can do without, and the obsolete
// functions that make a name and no file.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/hooks/hook.h"
#include "agent/original.h"
#include "agent/random_draw.h"
#include "agent/system_call.h"

namespace reprise::agent {

extern "C" {
int hook_mkostemps(char* path, int suffix, int flags) REPRISE_HOOK(mkostemps);
int hook_mkostemps64(char* path, int suffix, int flags) REPRISE_HOOK_ALIAS(mkostemps64, mkostemps);
int hook_mkstemps(char* path, int suffix) REPRISE_HOOK(mkstemps);
int hook_mkstemps64(char* path, int suffix) REPRISE_HOOK_ALIAS(mkstemps64, mkstemps);
int hook_mkostemp(char* path, int flags) REPRISE_HOOK(mkostemp);
int hook_mkostemp64(char* path, int flags) REPRISE_HOOK_ALIAS(mkostemp64, mkostemp);
int hook_mkstemp(char* path) REPRISE_HOOK(mkstemp);
int hook_mkstemp64(char* path) REPRISE_HOOK_ALIAS(mkstemp64, mkstemp);
char* hook_mkdtemp(char* path) REPRISE_HOOK(mkdtemp);
}

namespace {

constexpr std::size_t kLetters = 6;  // what mkstemp(3) replaces
// Taken names in a row after which a directory counts as full, as for the C library.
constexpr int kMostAttempts = 62 * 62 * 62;

// The letters of a template with so many characters behind them; null when it is none.
char* letters_of(char* path, int suffix) {
  const std::size_t length = strlen(path);
  if (suffix < 0 || length < kLetters + static_cast<std::size_t>(suffix)) return nullptr;
  char* letters = path + length - static_cast<std::size_t>(suffix) - kLetters;
  return memcmp(letters, "XXXXXX", kLetters) == 0 ? letters : nullptr;
}

// What was not recorded but generated is any bytes.
void set_letters(char* letters, const unsigned char* drawn) {
  static constexpr char kAlphabet[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  for (std::size_t i = 0; i < kLetters; ++i) {
    const bool is_letter = drawn[i] != 0 && strchr(kAlphabet, drawn[i]) != nullptr;
    letters[i] =
        is_letter ? static_cast<char>(drawn[i]) : kAlphabet[drawn[i] % (sizeof(kAlphabet) - 1)];
  }
}

// `by_library()` has the C library choose a name and make what it is for, `by_name()` makes that
// under the name there is; both return -1 and errno when they fail.
template <typename ByLibrary, typename ByName>
int make_temporary(char* letters, const void* caller, ByLibrary by_library, ByName by_name) {
  if (letters == nullptr) {
    errno = EINVAL;
    return -1;
  }
  struct Making {
    ByLibrary& by_library;
    char* letters;
    bool made = false;
    int result = -1;
  } making{by_library, letters};
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    unsigned char drawn[kLetters];
    draw_random(
        abi::RandomSource::kGetrandom, caller, drawn, sizeof(drawn),
        [](void* context, std::byte* to, std::size_t count) -> ssize_t {
          auto& request = *static_cast<Making*>(context);
          request.made = true;
          request.result = request.by_library();
          if (request.result < 0) return -1;
          memcpy(to, request.letters, count);
          return static_cast<ssize_t>(count);
        },
        &making);
    if (making.made) return making.result;
    set_letters(letters, drawn);
    const int result = by_name();
    if (result >= 0 || errno != EEXIST) return result;
  }
  return -1;
}

int make_file(char* path, int suffix, int flags, const void* caller) {
  return make_temporary(
      letters_of(path, suffix), caller, [=] { return original().mkostemps(path, suffix, flags); },
      [=] {
        const int mode = O_RDWR | O_CREAT | O_EXCL | (flags & ~O_ACCMODE);
        return original().open(path, mode, S_IRUSR | S_IWUSR);
      });
}

}  // namespace

int hook_mkostemps(char* path, int suffix, int flags) {
  return make_file(path, suffix, flags, REPRISE_CALLER());
}

int hook_mkstemps(char* path, int suffix) { return make_file(path, suffix, 0, REPRISE_CALLER()); }

int hook_mkostemp(char* path, int flags) { return make_file(path, 0, flags, REPRISE_CALLER()); }

int hook_mkstemp(char* path) { return make_file(path, 0, 0, REPRISE_CALLER()); }

char* hook_mkdtemp(char* path) {
  const int result = make_temporary(
      letters_of(path, 0), REPRISE_CALLER(),
      [=] { return original().mkdtemp(path) == nullptr ? -1 : 0; },
      [=] {
        const long made = system_call(SYS_mkdir, address_of(path), S_IRWXU);
        if (!failed(made)) return 0;
        errno = static_cast<int>(-made);
        return -1;
      });
  return result < 0 ? nullptr : path;
}

}  // namespace reprise::agent
