#include "agent/gather.h"

#include "agent/hot.h"

// A cache line at a time for what is usual in a request, the processor's own copy for what is
// long. Every such path ends with the last sixteen bytes, which may overlap what is already there.
// Both functions are one extent.
__asm__(R"(
  .section .text.hot, "ax", @progbits
  .p2align 5
  .hidden reprise_copy_bytes
  .globl reprise_copy_bytes
  .hidden reprise_copy_begin
  .globl reprise_copy_begin
  .hidden reprise_copy_end
  .globl reprise_copy_end
  .hidden reprise_copy_failed
  .globl reprise_copy_failed
  .type reprise_copy_bytes, @function
reprise_copy_bytes:
  .cfi_startproc
  endbr64
reprise_copy_begin:
  cmpq    $16, %rdx
  jb      4f
  cmpq    $1024, %rdx
  jae     3f
  leaq    -16(%rsi,%rdx), %r8
  leaq    -16(%rdi,%rdx), %r9
  subq    $64, %rdx
  jb      9f
0:
  movups  (%rsi), %xmm0
  movups  16(%rsi), %xmm1
  movups  32(%rsi), %xmm2
  movups  48(%rsi), %xmm3
  movups  %xmm0, (%rdi)
  movups  %xmm1, 16(%rdi)
  movups  %xmm2, 32(%rdi)
  movups  %xmm3, 48(%rdi)
  addq    $64, %rsi
  addq    $64, %rdi
  subq    $64, %rdx
  jae     0b
9:
  addq    $48, %rdx
  jle     2f
1:
  movups  (%rsi), %xmm0
  movups  %xmm0, (%rdi)
  addq    $16, %rsi
  addq    $16, %rdi
  subq    $16, %rdx
  ja      1b
2:
  movups  (%r8), %xmm0
  movups  %xmm0, (%r9)
  movl    $1, %eax
  ret
3:
  movq    %rdx, %rcx
  rep movsb
  movl    $1, %eax
  ret
4:
  testb   $8, %dl
  je      5f
  movq    (%rsi), %rax
  movq    %rax, (%rdi)
  addq    $8, %rsi
  addq    $8, %rdi
5:
  testb   $4, %dl
  je      6f
  movl    (%rsi), %eax
  movl    %eax, (%rdi)
  addq    $4, %rsi
  addq    $4, %rdi
6:
  testb   $2, %dl
  je      7f
  movzwl  (%rsi), %eax
  movw    %ax, (%rdi)
  addq    $2, %rsi
  addq    $2, %rdi
7:
  testb   $1, %dl
  je      8f
  movzbl  (%rsi), %eax
  movb    %al, (%rdi)
8:
  movl    $1, %eax
  ret
  .cfi_endproc
  .size reprise_copy_bytes, . - reprise_copy_bytes

  .p2align 5
  .hidden reprise_equal_bytes
  .globl reprise_equal_bytes
  .type reprise_equal_bytes, @function
reprise_equal_bytes:
  .cfi_startproc
  endbr64
  cmpq    $16, %rdx
  jb      4f
  leaq    -16(%rsi,%rdx), %r8
  leaq    -16(%rdi,%rdx), %r9
  subq    $64, %rdx
  jb      9f
0:
  movups  (%rsi), %xmm0
  movups  16(%rsi), %xmm1
  movups  32(%rsi), %xmm2
  movups  48(%rsi), %xmm3
  movups  (%rdi), %xmm4
  movups  16(%rdi), %xmm5
  movups  32(%rdi), %xmm6
  movups  48(%rdi), %xmm7
  pcmpeqb %xmm4, %xmm0
  pcmpeqb %xmm5, %xmm1
  pcmpeqb %xmm6, %xmm2
  pcmpeqb %xmm7, %xmm3
  pand    %xmm1, %xmm0
  pand    %xmm3, %xmm2
  pand    %xmm2, %xmm0
  pmovmskb %xmm0, %eax
  cmpl    $0xffff, %eax
  jne     reprise_copy_failed
  addq    $64, %rsi
  addq    $64, %rdi
  subq    $64, %rdx
  jae     0b
9:
  addq    $48, %rdx
  jle     2f
1:
  movups  (%rsi), %xmm0
  movups  (%rdi), %xmm4
  pcmpeqb %xmm4, %xmm0
  pmovmskb %xmm0, %eax
  cmpl    $0xffff, %eax
  jne     reprise_copy_failed
  addq    $16, %rsi
  addq    $16, %rdi
  subq    $16, %rdx
  ja      1b
2:
  movups  (%r8), %xmm0
  movups  (%r9), %xmm4
  pcmpeqb %xmm4, %xmm0
  pmovmskb %xmm0, %eax
  cmpl    $0xffff, %eax
  jne     reprise_copy_failed
  movl    $1, %eax
  ret
4:
  testq   %rdx, %rdx
  je      6f
5:
  movzbl  -1(%rsi,%rdx), %eax
  cmpb    %al, -1(%rdi,%rdx)
  jne     reprise_copy_failed
  subq    $1, %rdx
  jne     5b
6:
  movl    $1, %eax
  ret
reprise_copy_end:
reprise_copy_failed:
  xorl    %eax, %eax
  ret
  .cfi_endproc
  .size reprise_equal_bytes, . - reprise_equal_bytes
  .text
)");

namespace reprise::agent {

void Gather::advance(std::size_t length) {
  used_ += length;
  while (count_ > 1 && used_ == vector().iov_len) {
    ++vectors_;
    --count_;
    used_ = 0;
  }
}

REPRISE_HOT_CODE bool Gather::copy_scattered(std::byte* to, std::size_t length) {
  bool whole = true;
  while (length > 0) {
    const iovec& from = vector();
    const std::size_t here = from.iov_len - used_ < length ? from.iov_len - used_ : length;
    whole =
        reprise_copy_bytes(to, static_cast<const std::byte*>(from.iov_base) + used_, here) && whole;
    to += here;
    length -= here;
    advance(here);
  }
  return whole;
}

bool Gather::equals_scattered(const std::byte* earlier, std::size_t length) const {
  Gather rest = *this;
  while (length > 0) {
    const iovec& from = rest.vector();
    const std::size_t here =
        from.iov_len - rest.used_ < length ? from.iov_len - rest.used_ : length;
    const auto* bytes = static_cast<const std::byte*>(from.iov_base) + rest.used_;
    if (!reprise_equal_bytes(earlier, bytes, here)) return false;
    earlier += here;
    length -= here;
    rest.advance(here);
  }
  return true;
}

void Gather::skip(std::size_t length) {
  while (length > 0) {
    const std::size_t left = vector().iov_len - used_;
    const std::size_t here = left < length ? left : length;
    length -= here;
    advance(here);
  }
}

std::size_t total_bytes(const iovec* vectors, std::size_t count) {
  std::size_t total = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (__builtin_add_overflow(total, vectors[i].iov_len, &total)) return SIZE_MAX;
  }
  return total;
}

}  // namespace reprise::agent
