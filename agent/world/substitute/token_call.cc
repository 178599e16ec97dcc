#include "agent/world/substitute/token_call.h"

#include <errno.h>

// The token must not stay behind in r9: code that runs next and makes a system call without setting
// that register (the patched vDSO, hand-written assembler) would pass for a hook.
asm(R"(
    .text
    .p2align 4
    .globl  reprise_token_call
    .hidden reprise_token_call
    .type   reprise_token_call, @function
reprise_token_call:
    .cfi_startproc
    movq    %rdi, %rax
    movq    %rsi, %rdi
    movq    %rdx, %rsi
    movq    %rcx, %rdx
    movq    %r8, %r10
    movq    %r9, %r8
    movabsq $0x9d3e61c752a8f04b, %r9
    syscall
    .globl  reprise_token_call_return
    .hidden reprise_token_call_return
reprise_token_call_return:
    xorl    %r9d, %r9d
    ret
    .cfi_endproc
    .size   reprise_token_call, . - reprise_token_call
)");

namespace reprise::agent {

static_assert(kCallToken == 0x9d3e61c752a8f04b, "the assembler above spells it out");

long with_errno(long result) {
  if (!failed(result)) return result;
  errno = static_cast<int>(-result);
  return -1;
}

}  // namespace reprise::agent
