#include "recorder/recover.h"

#include <fstream>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "archive/reader.h"
#include "archive/writer.h"
#include "recorder/archive_sink.h"
#include "recorder/arena.h"
#include "recorder/collector.h"
#include "recorder/drain.h"
#include "recorder/process_watch.h"
#include "recorder/socket_journal.h"
#include "recorder/thread_numbers.h"

namespace reprise::recorder {
namespace {

tl::unexpected<Error> failure(std::string message) {
  return tl::unexpected(Error{std::move(message)});
}

// Up to which position each thread of the archive is known to be in the file, with all that follows
// from it. Threads that are not listed are there as a whole.
std::map<event::ThreadId, std::uint64_t> durable_positions(Arena& arena,
                                                           std::span<const std::uint64_t> numbers) {
  std::map<event::ThreadId, std::uint64_t> positions;
  for (std::uint32_t index = 0; index < arena.geometry().segment_count; ++index) {
    const abi::SegmentHeader& segment = arena.segment(index);
    if (segment.published.load(std::memory_order_acquire) != 1) continue;
    if (segment.thread >= numbers.size() || numbers[segment.thread] == 0) continue;
    const std::uint64_t position =
        segment.base_position + segment.durable.load(std::memory_order_relaxed);
    const auto [entry, fresh] =
        positions.emplace(event::ThreadId{numbers[segment.thread]}, position);
    if (!fresh) entry->second = std::min(entry->second, position);
  }
  return positions;
}

// Whether a process of the session still has the arena mapped. One that cannot be looked into
// counts as living.
bool is_mapped_by(std::int32_t pid, const std::string& key) {
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  if (!maps) return std::ifstream("/proc/" + std::to_string(pid) + "/status").good();
  for (std::string line; std::getline(maps, line);) {
    if (line.find(key) != std::string::npos) return true;
  }
  return false;
}

bool service_lives(Arena& arena, const std::string& key) {
  for (std::uint32_t slot = 0; slot < arena.geometry().process_count; ++slot) {
    const abi::ProcessSlot& process = arena.process(slot);
    const auto state = process.state.load(std::memory_order_acquire);
    const bool running =
        state == abi::ProcessState::kLive || state == abi::ProcessState::kExecuting;
    if (running && process.pid > 0 && is_mapped_by(process.pid, key)) return true;
  }
  return false;
}

// Lets the collector read what the archive has.
void absorb(archive::Reader& reader, Collector& collector,
            const std::map<event::ThreadId, std::uint64_t>& durable,
            const std::map<event::ConnectionId, abi::Cookie>& sockets) {
  std::vector<event::Connection> open;
  reader.each_connection([&](const event::Connection& connection) {
    if (connection.closed.ticks == 0) open.push_back(connection);
    return true;
  });
  collector.absorb_connections(open, sockets);
  reader.each_event([&](const event::Event& event) {
    const auto limit = durable.find(event.thread);
    collector.absorb(event, limit == durable.end() || event.position < limit->second);
    return true;
  });
  collector.absorbed(reader.exchange_count(), reader.call_count());
}

CollectorSetting setting_for(Arena& arena, ProcessWatch& watch, ThreadNumbers& numbers) {
  CollectorSetting setting;
  setting.identify = [&watch](std::uint32_t slot) { return watch.identity(slot); };
  setting.ticks_per_second = arena.clock().ticks_per_second;
  setting.thread_numbers = numbers.values();
  return setting;
}

archive::Trailer trailer_of(const Collector& collector) {
  archive::Trailer trailer;
  trailer.recovered = true;
  trailer.unattributed = collector.counts().unattributed;
  trailer.exited = collector.root_exit().has_value();
  if (trailer.exited) trailer.exit = *collector.root_exit();
  return trailer;
}

SessionSummary summary_of(const Collector& collector, const archive::Writer& writer) {
  SessionSummary summary;
  summary.exchanges = collector.counts().exchanges;
  summary.calls = collector.counts().calls;
  summary.connections = collector.connections();
  summary.gaps = collector.gaps().gaps;
  summary.dropped = collector.gaps().dropped;
  summary.unattributed = collector.counts().unattributed;
  summary.archive_bytes = writer.bytes_written();
  summary.captured = true;
  return summary;
}

}  // namespace

tl::expected<RecoveredSession, Error> recover(const std::string& path, const std::string& archive) {
  auto directory = SessionDirectory::take_over(path);
  if (!directory) return tl::unexpected(directory.error());
  RecoveredSession result;
  result.archive = archive.empty() ? directory->notes().archive : archive;
  if (result.archive.empty()) {
    return failure("the session " + path +
                   " had no archive; there is nothing to recover, and the "
                   "directory can be removed");
  }
  auto arena = Arena::open(directory->shared_file("arena"));
  if (!arena) return tl::unexpected(arena.error());
  auto numbers =
      ThreadNumbers::open(directory->private_file(kThreadsFile), arena->geometry().thread_count);
  if (!numbers) return tl::unexpected(numbers.error());
  auto reader = archive::Reader::open(result.archive);
  if (!reader) {
    return failure(reader.error().message +
                   " (if the archive was moved, say where it is now with "
                   "--archive FILE)");
  }
  if ((*reader)->header().session != directory->notes().session) {
    return failure(result.archive + " is the archive of another session");
  }
  if ((*reader)->trailer()) {
    directory->remove();
    result.was_finished = true;
    return result;
  }
  // A service that still runs goes on unrecorded: what it writes from here on would be cut off.
  arena->header().capture_stopped.store(1, std::memory_order_seq_cst);
  result.service_lives = service_lives(*arena, directory->notes().key);

  auto writer = archive::Writer::resume(result.archive, {});
  if (!writer) return failure(writer.error().message);
  ArchiveSink sink(writer->get());
  ProcessWatch watch(*arena);
  Collector collector(sink, setting_for(*arena, watch, *numbers));
  absorb(**reader, collector, durable_positions(*arena, numbers->values()),
         SocketJournal::read(directory->private_file(kSocketsFile)));
  reader->reset();
  Drain drain(*arena, watch, collector, Drain::Mode::kRecover);
  drain.finish(!result.service_lives);
  collector.finish();
  if (const auto finished = (*writer)->finish(trailer_of(collector)); !finished) {
    return failure(finished.error().message + "; the session is kept: make room and try again");
  }
  result.summary = summary_of(collector, **writer);
  directory->remove();
  return result;
}

}  // namespace reprise::recorder
