// dlopen: objects that are loaded late, and RTLD_DEEPBIND, which would let them bind past the
// agent.
//
// The dynamic linker looks at dlopen's return address to know whose search path and namespace to
// use, so the hook must not stand between: it drops the flag and jumps. What was loaded is recorded
// by the thread's next record that names a caller.
#include <dlfcn.h>

#include "agent/hooks/hook.h"
#include "agent/link_map.h"
#include "agent/original.h"
#include "agent/thread.h"

extern "C" [[gnu::visibility("hidden"), gnu::used]] void* reprise_before_dlopen() {
  using namespace reprise::agent;
  if (Thread* thread = this_thread()) thread->modules_changed = 1;
  // Before glibc 2.34 dlopen is in a library that may be loaded later than this one.
  if (original().dlopen == nullptr) return find_next_function("dlopen");
  return reinterpret_cast<void*>(original().dlopen);
}

static_assert(RTLD_DEEPBIND == 8);
__asm__(R"(
  .text
  .globl dlopen
  .type dlopen, @function
dlopen:
  .cfi_startproc
  endbr64
  pushq   %rdi
  .cfi_adjust_cfa_offset 8
  pushq   %rsi
  .cfi_adjust_cfa_offset 8
  subq    $8, %rsp
  .cfi_adjust_cfa_offset 8
  call    reprise_before_dlopen
  addq    $8, %rsp
  .cfi_adjust_cfa_offset -8
  popq    %rsi
  .cfi_adjust_cfa_offset -8
  popq    %rdi
  .cfi_adjust_cfa_offset -8
  andl    $~8, %esi
  jmp     *%rax
  .cfi_endproc
  .size dlopen, . - dlopen
)");
