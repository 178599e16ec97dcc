// usage: write_sample_journal FILE   writes the sample journal, for tests/golden
#include <fstream>
#include <iostream>

#include "recorder/testing/sample_journal.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: write_sample_journal FILE\n";
    return 2;
  }
  const auto disk = reprise::recorder::sample_journal();
  std::ofstream file(argv[1], std::ios::binary);
  file.write(reinterpret_cast<const char*>(disk->bytes.data()),
             static_cast<std::streamsize>(disk->bytes.size()));
  return file.flush() ? 0 : 1;
}
