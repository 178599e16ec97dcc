// The dynamic linker's list of loaded objects, read without asking the dynamic linker.
//
// dlsym takes a lock, allocates when it fails, and finds nothing for the caller of an object that
// was opened RTLD_LOCAL. Everything needed is in memory: the list that debuggers read (_r_debug)
// and each object's own ELF tables.
//
// Threading: any thread. Objects are only ever appended while others look; one that is unmapped
// during a walk is a race that callers avoid by walking at start-up, in dlopen's wake, or from the
// object.
#pragma once

#include <link.h>

#include <cstddef>
#include <cstdint>

namespace reprise::agent {

// The list's head, the program itself; null before the dynamic linker made it.
[[nodiscard]] const link_map* first_object();
// The object this code is in.
[[nodiscard]] const link_map* own_object();
// The object whose code holds `address`, null when none does.
[[nodiscard]] const link_map* object_of(const void* address);

// Address of `object`'s default definition of the function `name`, null when it has none. An
// indirect function is resolved.
[[nodiscard]] void* find_function(const link_map& object, const char* name);

// The definition that comes after this library in the search order, as RTLD_NEXT would find it;
// where there is none, the one of any object (one that was opened RTLD_LOCAL).
[[nodiscard]] void* find_next_function(const char* name);

// The definition that `caller` would have got without this library: that of the objects it depends
// on, nearest first; else as find_next_function. For libraries of which a process may hold two.
[[nodiscard]] void* find_function_for(const void* caller, const char* name);

// Executable range of an object.
struct CodeRange {
  std::uintptr_t begin;
  std::uintptr_t end;
  [[nodiscard]] bool holds(const void* address) const {
    const auto value = reinterpret_cast<std::uintptr_t>(address);
    return value >= begin && value < end;
  }
};
[[nodiscard]] CodeRange code_range(const link_map& object);

// Base name of a path, within it.
[[nodiscard]] const char* base_name(const char* path);

}  // namespace reprise::agent
