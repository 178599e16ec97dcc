// Any bytes for an archive: whatever they say, a reader ends, and ends well.
#include <cstdint>
#include <memory>

#include "archive/memory_file.h"
#include "archive/reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reprise;
  auto disk = std::make_shared<archive::MemoryDisk>();
  disk->bytes.assign(data, data + size);
  const auto opened = archive::Reader::open(std::make_unique<archive::MemoryFile>(disk));
  if (!opened) return 0;
  archive::Reader& reader = **opened;
  std::uint64_t budget = 2000;  // visits: a small input may claim many
  const auto spend = [&](const auto&) { return --budget > 0; };
  reader.each_event(spend);
  budget = 200;
  reader.each_exchange([&](const event::Exchange& exchange) {
    (void)reader.request(exchange);
    (void)reader.response(exchange);
    (void)reader.calls(event::Context::of(exchange.id));
    reader.each_event_of(exchange.id, [](const event::Event&) { return true; });
    (void)reader.header().unix_time(exchange.first_byte_in);
    return --budget > 0;
  });
  budget = 200;
  reader.each_call([&](const event::Call& call) {
    (void)reader.request(call);
    return --budget > 0;
  });
  budget = 2000;
  reader.each_connection(spend);
  (void)reader.content(1);
  reader.verify();
  return 0;
}
