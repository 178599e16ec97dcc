// Writes the sample recording to a file: for golden archives, fuzz corpora and tests of the
// program.
//
//   write_sample FILE [EXCHANGES] [cut|newer]
//
// `cut` leaves the end out, as a killed recorder does; `newer` says the next major version of the
// format.
#include <cstdlib>
#include <iostream>
#include <string>

#include "archive/block.h"
#include "archive/file.h"
#include "archive/little_endian.h"
#include "archive/sample_recording.h"
#include "archive/writer.h"

namespace reprise::archive {
namespace {

// Rewrites the header of the first block.
bool make_newer(const std::string& path) {
  const auto file = OutputFile::open(path, OutputFile::Mode::kResume);
  std::uint8_t header[kBlockHeaderBytes];
  if (!file || (*file)->read_at(0, header) != sizeof(header)) return false;
  store_le(header + 8, static_cast<std::uint16_t>(kJournalMajorVersion + 1));
  store_le(header + 10, std::uint16_t{0});
  store_le(header + 64, header_checksum(header));
  return (*file)->write_at(0, header) == 0;
}

}  // namespace
}  // namespace reprise::archive

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: write_sample FILE [EXCHANGES] [cut|newer]\n";
    return 2;
  }
  using namespace reprise::archive;
  SampleOptions options;
  if (argc > 2) options.exchanges = std::strtoull(argv[2], nullptr, 10);
  const std::string form = argc > 3 ? argv[3] : "";
  auto writer = Writer::create(argv[1], sample_header(), {});
  if (!writer) {
    std::cerr << writer.error().message << "\n";
    return 2;
  }
  write_sample(**writer, options);
  const auto written = form == "cut" ? (*writer)->flush() : (*writer)->finish(sample_trailer());
  if (!written) {
    std::cerr << written.error().message << "\n";
    return 2;
  }
  writer->reset();
  if (form == "newer" && !make_newer(argv[1])) return 2;
  return 0;
}
