// Any bytes for the payload of a block: past the checksums, where a crafted archive gets. What
// decodes must come back the same when it is encoded and decoded again.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "archive/block.h"
#include "archive/record.h"

namespace {

using namespace reprise;
using namespace reprise::archive;

template <typename Record>
void check(const RawRecord& raw, Coding coding) {
  Record record;
  if (!decode(raw, coding, record)) return;
  ByteBuffer again;
  encode(record, coding.base, again);
  const RawRecord back{raw.tag, 0, again.view().subspan(kRecordHeadBytes)};
  Record same;
  if (!decode(back, {coding.base, kMinorVersion}, same)) std::abort();
  ByteBuffer third;
  encode(same, coding.base, third);
  const auto one = again.view(), other = third.view();
  if (!std::equal(one.begin(), one.end(), other.begin(), other.end())) std::abort();
}

template <typename Reference>
void check_reference(const RawRecord& raw, Coding coding) {
  Reference reference;
  if (decode(raw, coding, reference) && reference.head.size() > raw.body.size()) std::abort();
}

}  // namespace

// The first byte is the minor version.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  RecordCursor cursor(std::span(data, size).subspan(1));
  const Coding coding{cursor.base(), data[0]};
  while (const auto raw = cursor.next()) {
    switch (raw->tag) {
      case RecordTag::kHeader:
        check<Header>(*raw, coding);
        break;
      case RecordTag::kEvent:
        check<event::Event>(*raw, coding);
        break;
      case RecordTag::kConnection:
        check<event::Connection>(*raw, coding);
        break;
      case RecordTag::kExchange:
        check<event::Exchange>(*raw, coding);
        break;
      case RecordTag::kCall:
        check<event::Call>(*raw, coding);
        break;
      case RecordTag::kContentChunk:
        check<ContentChunk>(*raw, coding);
        break;
      case RecordTag::kTrailer:
        check<Trailer>(*raw, coding);
        break;
      case RecordTag::kTableRoots:
        check<TableRoots>(*raw, coding);
        break;
      case RecordTag::kJournalNote:
        check<journal::Note>(*raw, coding);
        break;
      case RecordTag::kJournalRun: {
        JournalRun run;
        if (decode(*raw, coding, run) && run.records.size() > raw->body.size()) std::abort();
        break;
      }
      case RecordTag::kJournalReference:
        check_reference<JournalReference>(*raw, coding);
        break;
      case RecordTag::kJournalEarlier:
        check_reference<JournalEarlier>(*raw, coding);
        break;
    }
  }
  return 0;
}
