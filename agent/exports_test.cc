// The shape of the libraries themselves: what they export, need and contain.
#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::agent {
namespace {

constexpr char kCapture[] = "agent/libreprise.so";
constexpr char kReplay[] = "agent/libreprise-replay.so";
constexpr char kList[] = "agent/exports.lds";

std::string read(const char* path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  std::string bytes(static_cast<std::size_t>(file.tellg()), '\0');
  file.seekg(0).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

// A shared object, from its section headers.
class Elf {
 public:
  explicit Elf(const char* path) : bytes_(read(path)) {}

  // Names of symbols that other objects can bind to.
  [[nodiscard]] std::set<std::string> exports() const {
    std::set<std::string> names;
    const Elf64_Shdr table = section(SHT_DYNSYM);
    for (std::uint64_t at = 0; at < table.sh_size; at += sizeof(Elf64_Sym)) {
      const auto symbol = load<Elf64_Sym>(table.sh_offset + at);
      const int binding = ELF64_ST_BIND(symbol.st_info);
      if (symbol.st_shndx == SHN_UNDEF || binding == STB_LOCAL) continue;
      names.insert(string(table.sh_link, symbol.st_name));
    }
    return names;
  }

  [[nodiscard]] std::vector<std::string> needed() const {
    std::vector<std::string> names;
    const Elf64_Shdr table = section(SHT_DYNAMIC);
    for (std::uint64_t at = 0; at < table.sh_size; at += sizeof(Elf64_Dyn)) {
      const auto entry = load<Elf64_Dyn>(table.sh_offset + at);
      if (entry.d_tag == DT_NEEDED) names.push_back(string(table.sh_link, entry.d_un.d_val));
    }
    return names;
  }

  [[nodiscard]] std::uint64_t dynamic_value(std::int64_t tag) const {
    const Elf64_Shdr table = section(SHT_DYNAMIC);
    for (std::uint64_t at = 0; at < table.sh_size; at += sizeof(Elf64_Dyn)) {
      const auto entry = load<Elf64_Dyn>(table.sh_offset + at);
      if (entry.d_tag == tag) return entry.d_un.d_val;
    }
    return 0;
  }

  // Bytes of static thread-local storage that every thread of the service pays for.
  [[nodiscard]] std::uint64_t thread_storage() const {
    const auto header = load<Elf64_Ehdr>(0);
    for (unsigned i = 0; i < header.e_phnum; ++i) {
      const auto segment = load<Elf64_Phdr>(header.e_phoff + i * sizeof(Elf64_Phdr));
      if (segment.p_type == PT_TLS) return segment.p_memsz;
    }
    return 0;
  }

  // All that is loaded, and the names of all symbols, local ones too. Without debug information,
  // which knows the names of constants that the code does not have.
  [[nodiscard]] std::string contents() const {
    std::string all;
    const auto header = load<Elf64_Ehdr>(0);
    for (unsigned i = 0; i < header.e_shnum; ++i) {
      const auto one = load<Elf64_Shdr>(header.e_shoff + i * sizeof(Elf64_Shdr));
      const bool loaded = (one.sh_flags & SHF_ALLOC) != 0 && one.sh_type != SHT_NOBITS;
      const std::string name = string(header.e_shstrndx, one.sh_name);
      if (loaded || name == ".strtab") all += bytes_.substr(one.sh_offset, one.sh_size) + '\0';
    }
    return all;
  }

 private:
  template <typename Value>
  [[nodiscard]] Value load(std::uint64_t at) const {
    Value value{};
    EXPECT_LE(at + sizeof(Value), bytes_.size());
    memcpy(&value, bytes_.data() + at, sizeof(Value));
    return value;
  }
  [[nodiscard]] Elf64_Shdr section_at(std::uint64_t index) const {
    return load<Elf64_Shdr>(load<Elf64_Ehdr>(0).e_shoff + index * sizeof(Elf64_Shdr));
  }
  [[nodiscard]] Elf64_Shdr section(std::uint32_t type) const {
    for (unsigned i = 0; i < load<Elf64_Ehdr>(0).e_shnum; ++i) {
      if (section_at(i).sh_type == type) return section_at(i);
    }
    return {};
  }
  [[nodiscard]] std::string string(std::uint64_t table, std::uint64_t at) const {
    return bytes_.c_str() + section_at(table).sh_offset + at;
  }

  std::string bytes_;
};

// The names of the list, those that only the replay library has apart.
struct Listed {
  std::set<std::string> both;
  std::set<std::string> replay_only;
};

Listed listed() {
  const std::string text = read(kList);
  const std::size_t global = text.find("global:");
  const std::size_t apart = text.find("Hooked by the replay library alone");
  const std::size_t local = text.find("local:");
  EXPECT_TRUE(global < apart && apart < local) << "the list has another form than this test knows";
  auto names = [&](std::size_t from, std::size_t to) {
    std::set<std::string> found;
    const std::string part = text.substr(from, to - from);
    static const std::regex kName("([A-Za-z_][A-Za-z0-9_]*);");
    for (auto it = std::sregex_iterator(part.begin(), part.end(), kName);
         it != std::sregex_iterator(); ++it) {
      found.insert((*it)[1]);
    }
    return found;
  };
  return {names(global, apart), names(apart, local)};
}

TEST(Exports, OfCaptureAreTheHooksThatAreListed) {
  EXPECT_THAT(Elf(kCapture).exports(), ::testing::ElementsAreArray(listed().both));
}

TEST(Exports, OfReplayAreThoseAndItsOwn) {
  const Listed list = listed();
  std::set<std::string> all = list.both;
  all.insert(list.replay_only.begin(), list.replay_only.end());
  EXPECT_EQ(all.size(), list.both.size() + list.replay_only.size()) << "listed twice";
  EXPECT_THAT(Elf(kReplay).exports(), ::testing::ElementsAreArray(all));
}

// Nobody can turn a service's clock, randomness, peers or verification off through a library that
// has no code for it.
TEST(Libraries, CaptureContainsNothingThatSubstitutes) {
  const std::string capture = Elf(kCapture).contents();
  const std::string replay = Elf(kReplay).contents();
  for (const char* trace : {"REPRISE_CONTROL", "virtual", "mailbox", "Mailbox", "ubstitute", "tape",
                            "Cursor", "control_mapping"}) {
    EXPECT_EQ(capture.find(trace), std::string::npos) << trace;
  }
  // The control: what is looked for is found where it belongs.
  for (const char* trace : {"REPRISE_CONTROL", "ursor"}) {
    EXPECT_NE(replay.find(trace), std::string::npos) << trace;
  }
}

TEST(Libraries, NeedTheCLibraryAlone) {
  for (const char* path : {kCapture, kReplay}) {
    for (const std::string& name : Elf(path).needed()) {
      EXPECT_TRUE(name == "libc.so.6" || name == "ld-linux-x86-64.so.2") << path << name;
    }
  }
}

TEST(Libraries, TakeLittleOfTheStaticThreadStorage) {
  for (const char* path : {kCapture, kReplay}) {
    EXPECT_LE(Elf(path).thread_storage(), 64u) << path;
    EXPECT_NE(Elf(path).dynamic_value(DT_FLAGS) & DF_STATIC_TLS, 0u)
        << path << ": another model would call into the dynamic linker";
    EXPECT_NE(Elf(path).dynamic_value(DT_FLAGS) & DF_BIND_NOW, 0u) << path;
    EXPECT_NE(Elf(path).dynamic_value(DT_FLAGS_1) & DF_1_NODELETE, 0u) << path;
  }
}

}  // namespace
}  // namespace reprise::agent
