#include "recorder/recover.h"

#include <fstream>
#include <memory>
#include <utility>

#include "archive/reader.h"
#include "archive/writer.h"
#include "recorder/arena.h"
#include "recorder/drain.h"
#include "recorder/journal.h"
#include "recorder/process_watch.h"
#include "recorder/surroundings.h"

namespace reprise::recorder {
namespace {

tl::unexpected<Error> failure(std::string message) {
  return tl::unexpected(Error{std::move(message)});
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

// What the arena still holds goes into the journal, behind what a killed recorder wrote.
tl::expected<void, Error> go_on(archive::Reader& written, archive::Writer& writer, Arena& arena,
                                bool service_is_gone) {
  ProcessWatch watch(arena);
  LiveSurroundings surroundings(
      watch, [&arena] { return arena.clock().now(); },
      [&writer](const event::Bytes& content) { return writer.store(content); }, {});
  Journal journal(writer, surroundings, nullptr);
  journal.take_up(written);
  Drain drain(arena, watch, journal, Drain::Mode::kRecover);
  drain.finish(service_is_gone);
  journal.finish();
  journal.hand_on();
  archive::Trailer trailer;
  trailer.recovered = true;
  trailer.gaps = journal.counts().gaps;
  trailer.dropped = journal.counts().dropped;
  if (const auto finished = writer.finish(trailer); !finished) {
    return failure(finished.error().message + "; the session is kept: make room and try again");
  }
  return {};
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
  auto reader = archive::Reader::open(result.archive);
  if (!reader) {
    return failure(reader.error().message +
                   " (if the archive was moved, say where it is now with "
                   "--archive FILE)");
  }
  if ((*reader)->header().session != directory->notes().session) {
    return failure(result.archive + " is the archive of another session");
  }
  const bool is_journal = (*reader)->header().journal != 0,
             is_finished = (*reader)->trailer().has_value();
  result.was_replay = !is_journal && !is_finished;
  result.was_finished = is_finished;
  if (result.was_replay || result.was_finished) {
    directory->remove();
    return result;
  }
  // A service that still runs goes on unrecorded: what it writes from here on would be cut off.
  arena->header().capture_stopped.store(1, std::memory_order_seq_cst);
  result.service_lives = service_lives(*arena, directory->notes().key);

  auto writer = archive::Writer::resume(result.archive, {});
  if (!writer) return failure(writer.error().message);
  if (const auto done = go_on(**reader, **writer, *arena, !result.service_lives); !done) {
    return tl::unexpected(done.error());
  }
  directory->remove();
  return result;
}

}  // namespace reprise::recorder
