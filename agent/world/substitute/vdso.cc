#include "agent/world/substitute/vdso.h"

#include <elf.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "agent/system_call.h"

namespace reprise::agent {
namespace {

struct Replacement {
  const char* name;
  std::uint32_t system_call;
};
// vdso(7), and the entry point for getrandom that Linux 6.11 added.
constexpr Replacement kReplacements[] = {{"__vdso_clock_gettime", SYS_clock_gettime},
                                         {"__vdso_gettimeofday", SYS_gettimeofday},
                                         {"__vdso_time", SYS_time},
                                         {"__vdso_getrandom", SYS_getrandom}};

constexpr std::uintptr_t kPage = 4096;

//   mov $number, %eax; syscall; ret
constexpr std::size_t kCodeBytes = 8;
void write_system_call(std::byte* code, std::uint32_t number) {
  const std::uint8_t bytes[kCodeBytes] = {0xb8,
                                          static_cast<std::uint8_t>(number),
                                          static_cast<std::uint8_t>(number >> 8),
                                          0,
                                          0,
                                          0x0f,
                                          0x05,
                                          0xc3};
  std::memcpy(code, bytes, kCodeBytes);
}

// The vDSO is an ELF object of one segment that the dynamic linker's list may not hold.
class Image {
 public:
  explicit Image(std::byte* base) : base_(base) {
    const auto& header = *reinterpret_cast<const ElfW(Ehdr)*>(base);
    const auto* program = reinterpret_cast<const ElfW(Phdr)*>(base + header.e_phoff);
    const ElfW(Dyn)* dynamic = nullptr;
    for (int i = 0; i < header.e_phnum; ++i) {
      if (program[i].p_type == PT_LOAD) {
        bytes_ = program[i].p_memsz;
        bias_ = base - program[i].p_vaddr + program[i].p_offset;
      } else if (program[i].p_type == PT_DYNAMIC) {
        dynamic = reinterpret_cast<const ElfW(Dyn)*>(base + program[i].p_offset);
      }
    }
    for (; dynamic != nullptr && dynamic->d_tag != DT_NULL; ++dynamic) read(*dynamic);
  }

  bool is_usable() const { return symbols_ != nullptr && strings_ != nullptr && hash_ != nullptr; }

  // Calls `visit(name, code, bytes)` for each function.
  template <typename Visit>
  void for_each_function(Visit visit) const {
    const std::uint32_t count = hash_[1];  // of chains, which is that of symbols
    for (std::uint32_t i = 0; i < count; ++i) {
      const ElfW(Sym)& symbol = symbols_[i];
      if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx == SHN_UNDEF) continue;
      visit(strings_ + symbol.st_name, bias_ + symbol.st_value, symbol.st_size);
    }
  }

  bool protect(int protection) const {
    const std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(base_) & ~(kPage - 1);
    const std::uintptr_t end = reinterpret_cast<std::uintptr_t>(base_) + bytes_;
    return system_call(SYS_mprotect, static_cast<long>(begin),
                       static_cast<long>((end - begin + kPage - 1) & ~(kPage - 1)),
                       protection) == 0;
  }

 private:
  void read(const ElfW(Dyn) & entry) {
    const std::byte* at = bias_ + entry.d_un.d_ptr;
    if (entry.d_tag == DT_SYMTAB) symbols_ = reinterpret_cast<const ElfW(Sym)*>(at);
    if (entry.d_tag == DT_STRTAB) strings_ = reinterpret_cast<const char*>(at);
    if (entry.d_tag == DT_HASH) hash_ = reinterpret_cast<const std::uint32_t*>(at);
  }

  std::byte* base_;
  std::byte* bias_ = nullptr;
  std::size_t bytes_ = 0;
  const ElfW(Sym) * symbols_ = nullptr;
  const char* strings_ = nullptr;
  const std::uint32_t* hash_ = nullptr;
};

}  // namespace

void send_vdso_to_kernel() {
  auto* base = reinterpret_cast<std::byte*>(getauxval(AT_SYSINFO_EHDR));
  if (base == nullptr) return;
  const Image image(base);
  if (!image.is_usable() || !image.protect(PROT_READ | PROT_WRITE | PROT_EXEC)) return;
  image.for_each_function([](const char* name, std::byte* code, std::size_t bytes) {
    for (const Replacement& replacement : kReplacements) {
      if (bytes >= kCodeBytes && std::strcmp(name, replacement.name) == 0) {
        write_system_call(code, replacement.system_call);
      }
    }
  });
  image.protect(PROT_READ | PROT_EXEC);
}

}  // namespace reprise::agent
