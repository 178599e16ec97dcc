// Symbols are found where the dynamic linker would find them, without asking it.
#include "agent/link_map.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <link.h>
#include <time.h>

#include <cstring>
#include <string>

#include "agent/original.h"

namespace reprise::agent {
namespace {

const link_map* object_with(const char* part) {
  for (const link_map* object = first_object(); object != nullptr; object = object->l_next) {
    if (strstr(object->l_name, part) != nullptr) return object;
  }
  return nullptr;
}

TEST(LinkMap, FindsWhatDlsymFinds) {
  const link_map* libc = object_with("libc.so.6");
  ASSERT_NE(libc, nullptr);
  void* handle = dlopen("libc.so.6", RTLD_NOW);
  for (const char* name : {"read", "clock_gettime", "epoll_wait", "memfd_create", "qsort"}) {
    EXPECT_EQ(find_function(*libc, name), dlsym(handle, name)) << name;
  }
  EXPECT_EQ(find_function(*libc, "no_such_function_anywhere"), nullptr);
  EXPECT_EQ(find_function(*libc, "environ"), nullptr) << "it is no function";
}

TEST(LinkMap, TakesTheDefaultVersion) {
  const link_map* libc = object_with("libc.so.6");
  void* handle = dlopen("libc.so.6", RTLD_NOW);
  EXPECT_EQ(find_function(*libc, "pthread_cond_wait"),
            dlvsym(handle, "pthread_cond_wait", "GLIBC_2.3.2"));
  EXPECT_EQ(find_function(*libc, "posix_spawn"), dlvsym(handle, "posix_spawn", "GLIBC_2.15"));
}

TEST(LinkMap, ResolvesIndirectFunctions) {
  const link_map* libc = object_with("libc.so.6");
  auto* const resolved = reinterpret_cast<time_t (*)(time_t*)>(find_function(*libc, "time"));
  ASSERT_NE(resolved, nullptr);
  const time_t before = ::time(nullptr);
  EXPECT_GE(resolved(nullptr), before);
}

TEST(LinkMap, ReadsTheVdsoWhichIsNotRelocated) {
  const link_map* vdso = object_with("linux-vdso");
  if (vdso == nullptr) GTEST_SKIP() << "this kernel gives no vDSO";
  EXPECT_NE(find_function(*vdso, "__vdso_clock_gettime"), nullptr);
}

TEST(LinkMap, KnowsWhoseCodeAnAddressIs) {
  EXPECT_EQ(object_of(reinterpret_cast<void*>(&object_with)), first_object());
  // One that no sanitizer intercepts.
  EXPECT_EQ(object_of(dlsym(RTLD_DEFAULT, "getppid")), object_with("libc.so.6"));
  int on_the_stack = 0;
  EXPECT_EQ(object_of(&on_the_stack), nullptr);
}

TEST(LinkMap, GivesEachCallerTheFunctionOfItsOwnLibrary) {
  for (const auto& [path, provider] : {std::pair{"agent/testing/librand_caller_one.so", 1},
                                       std::pair{"agent/testing/librand_caller_two.so", 2}}) {
    void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library, nullptr) << dlerror();
    const void* caller = dlsym(library, "draw_here");
    auto* const found =
        reinterpret_cast<int (*)(unsigned char*, int)>(find_function_for(caller, "RAND_bytes"));
    ASSERT_NE(found, nullptr);
    unsigned char byte = 0;
    EXPECT_EQ(found(&byte, 1), 1);
    EXPECT_EQ(byte, provider);
  }
}

TEST(LinkMap, OriginalsAreAllThereOnThisSystem) {
  const auto* const functions = reinterpret_cast<void* const*>(&original());
  for (std::size_t i = 0; i < sizeof(Originals) / sizeof(void*); ++i) {
    EXPECT_NE(functions[i], nullptr) << "member " << i;
  }
}

}  // namespace
}  // namespace reprise::agent
