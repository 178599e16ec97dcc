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

inline CollectedSink derived_from(const std::shared_ptr<archive::MemoryDisk>& journal) {
  CollectedSink sink;
  auto reader = archive::reader_on(journal);
  EXPECT_TRUE(reader);
  EXPECT_NE((*reader)->header().journal, 0u);
  auto disk = std::make_shared<archive::MemoryDisk>();
  const auto writer = archive::writer_on(disk);
  archive::Trailer trailer;
  EXPECT_TRUE(derive(**reader, *writer, trailer));
  EXPECT_TRUE(writer->finish(trailer));
  EXPECT_TRUE((*reader)->damage().empty());
  auto events = archive::reader_on(disk);
  (*events)->each_event([&](const event::Event& event) { return sink.on_event(event), true; });
  (*events)->each_exchange([&](const event::Exchange& e) { return sink.on_exchange(e), true; });
  (*events)->each_call([&](const event::Call& call) { return sink.on_call(call), true; });
  return sink;
}

}  // namespace reprise::recorder
