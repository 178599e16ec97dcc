// main() of a fuzz test outside --config=fuzz: gives every corpus file to the fuzz target once.
//
// Arguments are files and directories (searched recursively). Each file is one input; the empty
// input is always tried as well. Exit codes: 0 every input was survived, 2 the corpus is unusable.
// A target reports a finding by aborting, as under libFuzzer; the name of the input that was being
// run is the last line of the output then.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr int kUnusableCorpus = 2;

// Appends the regular files at `root` to `files`; returns false when `root` cannot be searched.
bool CollectInputs(const std::filesystem::path& root, std::vector<std::filesystem::path>& files) {
  std::error_code error;
  if (std::filesystem::is_regular_file(root, error)) {
    files.push_back(root);
    return true;
  }
  std::filesystem::recursive_directory_iterator entry(root, error);
  for (; !error && entry != std::filesystem::recursive_directory_iterator();
       entry.increment(error)) {
    if (entry->is_regular_file()) {
      files.push_back(entry->path());
    }
  }
  return !error;
}

void RunInput(const std::string& name, const std::vector<char>& bytes) {
  std::fprintf(stderr, "input %s (%zu bytes)\n", name.c_str(), bytes.size());
  // A copy of exactly this size, so that a sanitizer sees a read one past the end.
  const std::vector<std::uint8_t> exact(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::filesystem::path> files;
  for (int i = 1; i < argc; ++i) {
    if (!CollectInputs(argv[i], files)) {
      std::fprintf(stderr, "%s: cannot be searched for corpus files; check the corpus attribute\n",
                   argv[i]);
      return kUnusableCorpus;
    }
  }
  if (files.empty()) {
    std::fprintf(stderr, "no corpus files: a fuzz test without a corpus tests nothing\n");
    return kUnusableCorpus;
  }
  std::sort(files.begin(), files.end());
  RunInput("(empty)", {});
  for (const std::filesystem::path& file : files) {
    std::ifstream stream(file, std::ios::binary);
    if (!stream) {
      std::fprintf(stderr, "%s: cannot be read\n", file.c_str());
      return kUnusableCorpus;
    }
    RunInput(file.string(), {std::istreambuf_iterator<char>(stream), {}});
  }
  std::fprintf(stderr, "%zu corpus files survived\n", files.size());
  return 0;
}
