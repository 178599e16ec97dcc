#include "agent/environment.h"

#include <string.h>

#include "agent/abi/arena.h"
#include "agent/link_map.h"
#include "agent/process.h"
#include "agent/world/world.h"

namespace reprise::agent {
namespace {

constexpr char kPreload[] = "LD_PRELOAD=";
constexpr std::size_t kLongestPath = 4096;

constinit char arena_variable[sizeof(abi::kArenaVariable) + kLongestPath]{};
constinit char library_path[kLongestPath]{};

bool names(const char* variable, const char* name) {
  const std::size_t length = strlen(name);
  return strncmp(variable, name, length) == 0 && variable[length] == '=';
}

// Appends to a bounded string; false when it does not fit.
bool append(char* to, std::size_t size, std::size_t& length, const char* text) {
  const std::size_t more = strlen(text);
  if (length + more + 1 > size) return false;
  memcpy(to + length, text, more + 1);
  length += more;
  return true;
}

bool append_number(char* to, std::size_t size, std::size_t& length, std::uint32_t number) {
  char digits[12];
  char* first = digits + sizeof(digits) - 1;
  *first = '\0';
  do {
    *--first = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  return append(to, size, length, first);
}

// Whether a list of libraries, separated as ld.so separates them, has this one.
bool lists_library(const char* list, const char* path) {
  const std::size_t length = strlen(path);
  while (*list != '\0') {
    const std::size_t entry = strcspn(list, ": ");
    if (entry == length && strncmp(list, path, length) == 0) return true;
    list += entry;
    list += strspn(list, ": ");
  }
  return false;
}

bool is_replaced(const char* variable) {
  if (names(variable, abi::kArenaVariable) || names(variable, abi::kProcessVariable) ||
      names(variable, "LD_PRELOAD")) {
    return true;
  }
  for (const char* const* own = world::inherited_variables(); *own != nullptr; ++own) {
    const std::size_t name = strcspn(*own, "=");
    if (strncmp(variable, *own, name) == 0 && variable[name] == '=') return true;
  }
  return false;
}

}  // namespace

void keep_carried_variables(char** environment) {
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    if (!names(*environment, abi::kArenaVariable)) continue;
    std::size_t length = 0;
    append(arena_variable, sizeof(arena_variable), length, *environment);
  }
  std::size_t length = 0;
  if (const link_map* own = own_object(); own != nullptr && own->l_name != nullptr) {
    append(library_path, sizeof(library_path), length, own->l_name);
  }
}

std::size_t CarryingEnvironment::pointers_for(char* const* environment) {
  std::size_t count = 0;
  while (environment != nullptr && environment[count] != nullptr) ++count;
  return count + kMostCarried + 1;
}

CarryingEnvironment::CarryingEnvironment(char* const* environment, char** place,
                                         std::uint32_t ordinal)
    : place_(place) {
  const char* their_preload = "";
  std::size_t count = 0;
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    if (names(*environment, "LD_PRELOAD")) their_preload = *environment + sizeof(kPreload) - 1;
    if (!is_replaced(*environment)) place_[count++] = *environment;
  }
  std::size_t length = 0;
  append(preload_, sizeof(preload_), length, kPreload);
  if (!lists_library(their_preload, library_path) &&
      append(preload_, sizeof(preload_), length, library_path) && *their_preload != '\0') {
    append(preload_, sizeof(preload_), length, ":");
  }
  append(preload_, sizeof(preload_), length, their_preload);
  place_[count++] = preload_;
  place_[count++] = arena_variable;
  length = 0;
  append(process_, sizeof(process_), length, abi::kProcessVariable);
  append(process_, sizeof(process_), length, "=");
  if (process().slot != nullptr) append_number(process_, sizeof(process_), length, process().index);
  if (ordinal != 0) {
    append(process_, sizeof(process_), length, ":");
    append_number(process_, sizeof(process_), length, ordinal);
  }
  place_[count++] = process_;
  std::size_t carried = 3;
  for (const char* const* own = world::inherited_variables();
       *own != nullptr && carried < kMostCarried; ++own, ++carried) {
    place_[count++] = const_cast<char*>(*own);
  }
  place_[count] = nullptr;
}

}  // namespace reprise::agent
