#include "protocol/decoder.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/annotated/codec.h"
#include "protocol/codec.h"
#include "protocol/datagram/codec.h"
#include "protocol/detection.h"
#include "protocol/http1/codec.h"
#include "protocol/opaque/turns.h"
#include "protocol/pipeline.h"
#include "protocol/postgresql/codec.h"
#include "protocol/resp/codec.h"

namespace reprise::protocol {
namespace {

using event::Protocol;

std::string_view as_text(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
ByteSpan as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// Detection first, then a codec, then turns: each side goes on to the next stage on its own.
class StagedDecoder final : public ConnectionDecoder {
 public:
  StagedDecoder(TransactionSink& sink, Protocol known)
      : sink_(sink), pipeline_(sink), turns_(pipeline_) {
    if (known == Protocol::kHttp1 || known == Protocol::kResp || known == Protocol::kAnnotated ||
        known == Protocol::kPostgres || known == Protocol::kUdp) {
      use(known);
    } else if (known == Protocol::kOpaque) {
      turn_opaque(Protocol::kUnknown, "known to be opaque", client_.offset, server_.offset);
    }
  }

  Protocol protocol() const override {
    return told_opaque_        ? Protocol::kOpaque
           : codec_ != nullptr ? codec_->protocol()
                               : Protocol::kUnknown;
  }

  void feed(Side side, ByteSpan bytes) override {
    if (!bytes.empty() && !detecting()) {
      deliver(side, bytes);
    } else if (!bytes.empty()) {
      detect(side, bytes);
    }
  }

  void skip(Side side, std::uint64_t count) override {
    if (detecting() && count > 0) {
      give_up_detection("its first bytes were not seen");
    }
    Stream& stream = of(side);
    while (count > 0) {
      std::uint64_t passed = count;
      if (stream.opaque) {
        turns_.feed(side, stream.offset, count);
      } else {
        passed = codec_->skip(side, stream.offset, count);
        if (passed == 0) {
          turn_opaque(codec_->protocol(), "bytes were not seen", client_.offset, server_.offset);
          continue;
        }
      }
      stream.offset += passed;
      count -= passed;
    }
  }

  void end(Side side, End how) override {
    if (detecting()) {
      if (client_.first.empty() && server_.first.empty()) {
        return;  // the other side may still speak
      }
      give_up_detection("it ended before it could be told");
    }
    Stream& stream = of(side);
    if (side == Side::kServer && !pipeline_.response_open() && pipeline_.next_answer_is_opaque()) {
      stream.opaque = true;
      turns_.start(side, stream.offset);
    }
    if (stream.opaque) {
      turns_.end(side, stream.offset, how);
    } else {
      codec_->end(side, stream.offset, how);
    }
  }

 private:
  struct Stream {
    std::uint64_t offset = 0;  // of the next byte
    bool opaque = false;       // read as turns
    std::string first;         // bytes held back while the protocol is not known
  };

  Stream& of(Side side) { return side == Side::kClient ? client_ : server_; }
  bool detecting() const { return codec_ == nullptr && !told_opaque_; }

  void detect(Side side, ByteSpan bytes) {
    of(side).first += as_text(bytes);
    if (held_.empty() || held_.back().first != side) {
      held_.emplace_back(side, 0);
    }
    held_.back().second += bytes.size();
    const Detection found = side == Side::kClient ? detect_from_client(client_.first)
                                                  : detect_from_server(server_.first);
    if (found.protocol == Protocol::kOpaque) {
      give_up_detection(found.why);
    } else if (found.protocol != Protocol::kUnknown) {
      use(found.protocol);
      deliver_held();
    } else {
      announce();
    }
  }

  // Tells of a first message before its protocol is known, so that its arrival is not told too
  // late. Empty lines may turn out to belong to no message.
  void announce() {
    const bool begins =
        !client_.first.empty() && client_.first[0] != '\r' && client_.first[0] != '\n';
    if (begins && server_.first.empty() && !pipeline_.request_open()) {
      pipeline_.begin_request(Protocol::kUnknown, 0);
    }
  }

  void use(Protocol protocol) {
    if (pipeline_.request_open()) {
      pipeline_.open_request().protocol = protocol;
    }
    if (protocol == Protocol::kHttp1) {
      codec_ = std::make_unique<http1::Http1Codec>(pipeline_);
    } else if (protocol == Protocol::kAnnotated) {
      codec_ = std::make_unique<annotated::AnnotatedCodec>(pipeline_);
    } else if (protocol == Protocol::kUdp) {
      codec_ = std::make_unique<datagram::DatagramCodec>(pipeline_);
    } else if (protocol == Protocol::kPostgres) {
      codec_ = std::make_unique<postgresql::PostgresCodec>(pipeline_);
    } else {
      codec_ = std::make_unique<resp::RespCodec>(pipeline_);
    }
  }

  void give_up_detection(std::string why) {
    if (!held_.empty() && held_.front().first == Side::kClient && !pipeline_.request_open()) {
      pipeline_.begin_request(Protocol::kUnknown, 0);
    }
    turn_opaque(Protocol::kUnknown, std::move(why), 0, 0);
    deliver_held();
  }

  void deliver_held() {
    const std::string client = std::exchange(client_.first, {});
    const std::string server = std::exchange(server_.first, {});
    std::size_t client_at = 0, server_at = 0;
    for (const auto& [side, size] : std::exchange(held_, {})) {
      const bool is_client = side == Side::kClient;
      std::size_t& at = is_client ? client_at : server_at;
      deliver(side, as_bytes(is_client ? client : server).subspan(at, size));
      at += size;
    }
  }

  void deliver(Side side, ByteSpan bytes) {
    Stream& stream = of(side);
    if (!stream.opaque && !bytes.empty()) {
      const std::size_t taken = codec_->feed(side, stream.offset, bytes);
      stream.offset += taken;
      bytes = bytes.subspan(taken);
      if (codec_->stop(side)) {
        leave_codec(side, *codec_->stop(side));
      }
    }
    if (!bytes.empty()) {
      turns_.feed(side, stream.offset, bytes.size());
      stream.offset += bytes.size();
    }
  }

  void leave_codec(Side side, const Stop& stop) {
    of(side).opaque = true;
    turns_.start(side, of(side).offset);
    if (stop.both_sides) {
      const bool client = side == Side::kClient;
      const std::uint64_t other = client ? server_.offset : client_message_begin();
      turn_opaque(codec_->protocol(), stop.why, client ? stop.offset : other,
                  client ? other : stop.offset);
    } else if (!told_opaque_) {
      pipeline_.turn_opaque();
      tell_opaque(codec_->protocol(), stop.why, stop.offset, server_.offset);
    }
  }

  std::uint64_t client_message_begin() {
    return pipeline_.request_open() ? pipeline_.open_request().request.begin : client_.offset;
  }

  void turn_opaque(Protocol from, std::string_view why, std::uint64_t client,
                   std::uint64_t server) {
    pipeline_.turn_opaque();
    for (const Side side : {Side::kClient, Side::kServer}) {
      if (!of(side).opaque) {
        of(side).opaque = true;
        turns_.start(side, of(side).offset);
      }
    }
    tell_opaque(from, why, client, server);
  }

  void tell_opaque(Protocol from, std::string_view why, std::uint64_t client,
                   std::uint64_t server) {
    if (!std::exchange(told_opaque_, true)) {
      sink_.on_opaque(from, why, client, server);
    }
  }

  TransactionSink& sink_;
  Pipeline pipeline_;
  Turns turns_;
  std::unique_ptr<Codec> codec_;
  Stream client_, server_;
  // Whose held bytes came in which order. Few, as the server's are at most a prefix of "HTTP/1.".
  std::vector<std::pair<Side, std::size_t>> held_;
  bool told_opaque_ = false;
};

}  // namespace

std::unique_ptr<ConnectionDecoder> make_decoder(TransactionSink& sink) {
  return make_decoder(sink, Protocol::kUnknown);
}

std::unique_ptr<ConnectionDecoder> make_decoder(TransactionSink& sink, Protocol known) {
  return std::make_unique<StagedDecoder>(sink, known);
}

}  // namespace reprise::protocol
