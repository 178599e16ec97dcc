// usage: older_archive ARCHIVE COPY WHAT…   copies an archive without what an older agent left out,
//                                           or a recorder lost
//
// WHAT: accepts, listens, threads, processes, environment, modules (facts), or clock (how fast the
// recording's clock counted).
#include <iostream>
#include <set>
#include <string>
#include <variant>

#include "archive/reader.h"
#include "archive/writer.h"
#include "recorder/derived_archive.h"

namespace {

using reprise::event::Event;

template <typename Fact>
bool is(const Event& event) {
  return std::holds_alternative<Fact>(event.fact);
}

bool is_left_out(const Event& event, const std::set<std::string>& what) {
  namespace facts = reprise::event;
  return (what.contains("accepts") && is<facts::Accepted>(event)) ||
         (what.contains("listens") && is<facts::Listened>(event)) ||
         (what.contains("threads") && is<facts::ThreadStarted>(event)) ||
         (what.contains("processes") && is<facts::ProcessStarted>(event)) ||
         (what.contains("modules") && is<facts::ModuleLoaded>(event));
}

bool copy(reprise::archive::Reader& from, const std::string& to,
          const std::set<std::string>& what) {
  reprise::archive::Header header = from.header();
  if (what.contains("clock")) header.stamps_per_second = 0;
  auto writer = reprise::archive::Writer::create(to, header, {.overwrite = true});
  if (!writer) return false;
  const auto append = [&](const auto& record) {
    (*writer)->append(record);
    return true;
  };
  from.each_connection(append);
  from.each_event([&](Event event) {
    if (is_left_out(event, what)) return true;
    if (auto* started = std::get_if<reprise::event::ProcessStarted>(&event.fact);
        started != nullptr && what.contains("environment")) {
      started->environment.clear();
    }
    return append(event);
  });
  from.each_exchange(append);
  from.each_call(append);
  return (*writer)->finish(from.trailer().value_or(reprise::archive::Trailer{})).has_value();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: older_archive ARCHIVE COPY WHAT…\n";
    return 2;
  }
  auto reader = reprise::recorder::open_archive(argv[1]);
  return reader && copy(**reader, argv[2], {argv + 3, argv + argc}) ? 0 : 1;
}
