// What is derived from a journal, for tests to look at.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "archive/reader.h"
#include "archive/sample_disk.h"
#include "archive/writer.h"
#include "recorder/derivation.h"
#include "recorder/testing/collected_sink.h"

namespace reprise::recorder {

// The archive that is derived from a journal.
inline std::unique_ptr<archive::Reader> archive_derived_from(archive::Reader& journal) {
  const auto disk = std::make_shared<archive::MemoryDisk>();
  const auto writer = archive::writer_on(disk);
  archive::Trailer trailer;
  EXPECT_TRUE(derive(journal, *writer, trailer));
  EXPECT_TRUE(writer->finish(trailer));
  auto archive = archive::reader_on(disk);
  EXPECT_TRUE(archive);
  return *std::move(archive);
}

// What is in it, of a journal without damage.
inline CollectedSink derived_from(const std::shared_ptr<archive::MemoryDisk>& journal) {
  CollectedSink sink;
  auto reader = archive::reader_on(journal);
  EXPECT_TRUE(reader);
  EXPECT_NE((*reader)->header().journal, 0u);
  const auto archive = archive_derived_from(**reader);
  EXPECT_TRUE((*reader)->damage().empty());
  archive->each_event([&](const event::Event& event) { return sink.on_event(event), true; });
  archive->each_exchange([&](const event::Exchange& e) { return sink.on_exchange(e), true; });
  archive->each_call([&](const event::Call& call) { return sink.on_call(call), true; });
  return sink;
}

}  // namespace reprise::recorder
