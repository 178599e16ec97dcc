// The end of the pipeline: what the collector made, into an archive. Borrows the writer; none
// discards.
#pragma once

#include "archive/writer.h"
#include "recorder/sink.h"

namespace reprise::recorder {

class ArchiveSink final : public Sink {
 public:
  explicit ArchiveSink(archive::Writer* writer) : writer_(writer) {}

  void on_event(const event::Event& event) override {
    if (writer_ != nullptr) writer_->append(event);
  }
  void on_connection(const event::Connection& connection) override {
    if (writer_ != nullptr) writer_->append(connection);
  }
  void on_exchange(const event::Exchange& exchange) override {
    if (writer_ != nullptr) writer_->append(exchange);
  }
  void on_call(const event::Call& call) override {
    if (writer_ != nullptr) writer_->append(call);
  }
  std::uint64_t store(const event::Bytes& content) override {
    return writer_ == nullptr ? 0 : writer_->store(content);
  }

 private:
  archive::Writer* writer_;
};

}  // namespace reprise::recorder
