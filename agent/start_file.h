// Files that a process opens to read before it serves anybody.
//
// What was in them decides how it behaves, and no tape holds it: files are environment. They are
// told so that a replay can say which of them are other ones. The start is over with the first
// client, for the process and those it forks.
//
// Threading: any thread.
#pragma once

#include "agent/thread.h"

namespace reprise::agent {

// `fd` is `path`, just opened with these flags of open(2). Nothing is told of what is no regular
// file, is only written or was emptied, or of any file once the start is over.
void note_start_file(Thread& thread, int fd, const char* path, int flags);

// A client's connection was accepted, or an input came in.
void end_start();

}  // namespace reprise::agent
