// Writes the sample recording to a file: for golden archives, fuzz corpora and tests of the
// program.
//
//   write_sample FILE [EXCHANGES] [cut]
//
// `cut` leaves the end out, as a killed recorder does.
#include <cstdlib>
#include <iostream>
#include <string>

#include "archive/sample_recording.h"
#include "archive/writer.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: write_sample FILE [EXCHANGES] [cut]\n";
    return 2;
  }
  using namespace reprise::archive;
  SampleOptions options;
  if (argc > 2) options.exchanges = std::strtoull(argv[2], nullptr, 10);
  const bool cut = argc > 3 && std::string(argv[3]) == "cut";
  const auto writer = Writer::create(argv[1], sample_header(), {});
  if (!writer) {
    std::cerr << writer.error().message << "\n";
    return 2;
  }
  write_sample(**writer, options);
  const auto written = cut ? (*writer)->flush() : (*writer)->finish(sample_trailer());
  if (!written) {
    std::cerr << written.error().message << "\n";
    return 2;
  }
  return 0;
}
