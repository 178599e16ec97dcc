#include "agent/link_map.h"

#include <elf.h>
#include <string.h>
#include <sys/auxv.h>

namespace reprise::agent {
namespace {

// The tables of one object that a lookup needs. The dynamic linker has usually relocated the
// addresses in place, and leaves them alone where the section is read-only (the vDSO).
struct SymbolTables {
  const ElfW(Sym) * symbols = nullptr;
  const char* strings = nullptr;
  const std::uint32_t* gnu_hash = nullptr;
  const std::uint32_t* hash = nullptr;
  const ElfW(Half) * versions = nullptr;
};

template <typename Table>
const Table* table_at(const link_map& object, ElfW(Addr) address) {
  if (address < object.l_addr) address += object.l_addr;
  return reinterpret_cast<const Table*>(address);
}

SymbolTables tables_of(const link_map& object) {
  SymbolTables tables;
  for (const ElfW(Dyn)* entry = object.l_ld; entry != nullptr && entry->d_tag != DT_NULL; ++entry) {
    const ElfW(Addr) address = entry->d_un.d_ptr;
    switch (entry->d_tag) {
      case DT_SYMTAB:
        tables.symbols = table_at<ElfW(Sym)>(object, address);
        break;
      case DT_STRTAB:
        tables.strings = table_at<char>(object, address);
        break;
      case DT_GNU_HASH:
        tables.gnu_hash = table_at<std::uint32_t>(object, address);
        break;
      case DT_HASH:
        tables.hash = table_at<std::uint32_t>(object, address);
        break;
      case DT_VERSYM:
        tables.versions = table_at<ElfW(Half)>(object, address);
        break;
      default:
        break;
    }
  }
  return tables;
}

// Whether symbol `index` is a definition of `name` that an unversioned reference would get.
bool is_default_definition(const SymbolTables& tables, std::uint32_t index, const char* name) {
  constexpr ElfW(Half) kHiddenVersion = 0x8000;
  const ElfW(Sym)& symbol = tables.symbols[index];
  if (symbol.st_shndx == SHN_UNDEF || symbol.st_value == 0) return false;
  if (tables.versions != nullptr && (tables.versions[index] & kHiddenVersion) != 0) return false;
  return strcmp(tables.strings + symbol.st_name, name) == 0;
}

// The GNU hash section: four words, a Bloom filter of addresses, buckets, chains whose last entry
// has the low bit set (source: https://sourceware.org/legacy-ml/binutils/2006-10/msg00377.html).
const ElfW(Sym) * find_in_gnu_hash(const SymbolTables& tables, const char* name) {
  std::uint32_t hash = 5381;
  for (const char* c = name; *c != '\0'; ++c) hash = hash * 33 + static_cast<unsigned char>(*c);
  const std::uint32_t bucket_count = tables.gnu_hash[0];
  const std::uint32_t first_symbol = tables.gnu_hash[1];
  const std::uint32_t bloom_words = tables.gnu_hash[2];
  const std::uint32_t* buckets =
      tables.gnu_hash + 4 + bloom_words * (sizeof(ElfW(Addr)) / sizeof(std::uint32_t));
  const std::uint32_t* chains = buckets + bucket_count;
  if (bucket_count == 0) return nullptr;
  std::uint32_t index = buckets[hash % bucket_count];
  if (index < first_symbol) return nullptr;
  for (;; ++index) {
    const std::uint32_t entry = chains[index - first_symbol];
    if ((entry | 1) == (hash | 1) && is_default_definition(tables, index, name)) {
      return &tables.symbols[index];
    }
    if ((entry & 1) != 0) return nullptr;
  }
}

const ElfW(Sym) * find_in_hash(const SymbolTables& tables, const char* name) {
  std::uint32_t hash = 0;
  for (const char* c = name; *c != '\0'; ++c) {
    hash = (hash << 4) + static_cast<unsigned char>(*c);
    const std::uint32_t high = hash & 0xf0000000u;
    hash = (hash ^ (high >> 24)) & ~high;
  }
  const std::uint32_t bucket_count = tables.hash[0];
  if (bucket_count == 0) return nullptr;
  const std::uint32_t* chains = tables.hash + 2 + bucket_count;
  for (std::uint32_t index = tables.hash[2 + hash % bucket_count]; index != 0;
       index = chains[index]) {
    if (is_default_definition(tables, index, name)) return &tables.symbols[index];
  }
  return nullptr;
}

struct ProgramHeaders {
  const ElfW(Phdr) * first = nullptr;
  std::size_t count = 0;
};

// The list does not say where an object's program headers are. The kernel told the program's own; a
// library's first page, at its bias, is its ELF header.
ProgramHeaders program_headers(const link_map& object) {
  if (&object == first_object()) {
    return {reinterpret_cast<const ElfW(Phdr)*>(getauxval(AT_PHDR)), getauxval(AT_PHNUM)};
  }
  if (object.l_addr == 0) return {};
  const auto* header = reinterpret_cast<const ElfW(Ehdr)*>(object.l_addr);
  if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return {};
  return {reinterpret_cast<const ElfW(Phdr)*>(object.l_addr + header->e_phoff), header->e_phnum};
}

// The loaded object of this DT_SONAME or file name.
const link_map* object_named(const char* name) {
  for (const link_map* object = first_object(); object != nullptr; object = object->l_next) {
    if (object->l_name != nullptr && strcmp(base_name(object->l_name), base_name(name)) == 0) {
      return object;
    }
  }
  return nullptr;
}

// Searches what `object` needs, nearest first: its own needs, then theirs, to a depth at which
// libraries have long repeated themselves.
void* find_in_needed(const link_map& object, const char* name, int depth) {
  const SymbolTables tables = tables_of(object);
  if (tables.strings == nullptr) return nullptr;
  for (int round = 0; round < 2; ++round) {
    for (const ElfW(Dyn)* entry = object.l_ld; entry->d_tag != DT_NULL; ++entry) {
      if (entry->d_tag != DT_NEEDED) continue;
      const link_map* needed = object_named(tables.strings + entry->d_un.d_val);
      if (needed == nullptr || needed == own_object()) continue;
      void* found = round == 0 ? find_function(*needed, name)
                               : (depth > 0 ? find_in_needed(*needed, name, depth - 1) : nullptr);
      if (found != nullptr) return found;
    }
  }
  return nullptr;
}

}  // namespace

const link_map* first_object() { return _r_debug.r_map; }

const link_map* own_object() {
  for (const link_map* object = first_object(); object != nullptr; object = object->l_next) {
    if (object->l_ld == _DYNAMIC) return object;
  }
  return nullptr;
}

void* find_function(const link_map& object, const char* name) {
  const SymbolTables tables = tables_of(object);
  if (tables.symbols == nullptr || tables.strings == nullptr) return nullptr;
  const ElfW(Sym)* symbol = tables.gnu_hash != nullptr ? find_in_gnu_hash(tables, name)
                            : tables.hash != nullptr   ? find_in_hash(tables, name)
                                                       : nullptr;
  if (symbol == nullptr) return nullptr;
  const int type = ELF64_ST_TYPE(symbol->st_info);
  auto* address = reinterpret_cast<void*>(object.l_addr + symbol->st_value);
  if (type == STT_GNU_IFUNC) return reinterpret_cast<void* (*)()>(address)();
  return type == STT_FUNC || type == STT_NOTYPE ? address : nullptr;
}

void* find_next_function(const char* name) {
  const link_map* own = own_object();
  if (own == nullptr) return nullptr;
  for (const link_map* object = own->l_next; object != nullptr; object = object->l_next) {
    if (void* found = find_function(*object, name)) return found;
  }
  return nullptr;
}

void* find_function_for(const void* caller, const char* name) {
  if (const link_map* object = object_of(caller)) {
    if (void* found = find_in_needed(*object, name, 3)) return found;
  }
  return find_next_function(name);
}

CodeRange code_range(const link_map& object) {
  const ProgramHeaders headers = program_headers(object);
  CodeRange range{~std::uintptr_t{0}, 0};
  for (std::size_t i = 0; i < headers.count; ++i) {
    const ElfW(Phdr)& header = headers.first[i];
    if (header.p_type != PT_LOAD || (header.p_flags & PF_X) == 0) continue;
    const std::uintptr_t begin = object.l_addr + header.p_vaddr;
    if (begin < range.begin) range.begin = begin;
    if (begin + header.p_memsz > range.end) range.end = begin + header.p_memsz;
  }
  return range.end == 0 ? CodeRange{0, 0} : range;
}

const link_map* object_of(const void* address) {
  for (const link_map* object = first_object(); object != nullptr; object = object->l_next) {
    if (code_range(*object).holds(address)) return object;
  }
  return nullptr;
}

const char* base_name(const char* path) {
  const char* slash = strrchr(path, '/');
  return slash == nullptr ? path : slash + 1;
}

}  // namespace reprise::agent
