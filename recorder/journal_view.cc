#include "recorder/journal_view.h"

namespace reprise::recorder {

archive::journal::Process to_note(const ProcessIdentity& identity) {
  return {identity.slot,    identity.pid,   identity.parent,
          identity.ordinal, identity.image, identity.path};
}

archive::journal::Thread to_note(const ThreadIdentity& identity) {
  return {identity.slot, identity.ordinal, identity.creator, identity.tid,
          to_note(identity.process)};
}

ProcessIdentity to_identity(const archive::journal::Process& note) {
  return {note.slot, note.pid, note.parent, note.ordinal, note.image, note.path};
}

ThreadIdentity to_identity(const archive::journal::Thread& note) {
  return {note.slot, note.ordinal, note.creator, note.tid, to_identity(note.process)};
}

}  // namespace reprise::recorder
