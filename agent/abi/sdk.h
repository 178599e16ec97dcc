/* The C entry points of the agent that the SDK calls (sdk/reprise.h), and what they say.

   Both libraries export them; a program declares them weak, so that without the agent each is null.
   They are for the SDK alone: begin and end come in pairs on one thread, in the order given here.

   What the SDK tells is told as a conversation: one line, then as many bytes as the line counts
   ("CALL keystore.get 25 REPRISE/1\n…", "DONE 8 REPRISE/1\n…"; docs/sdk.md has the grammar). A
   recording has these bytes on connections that exist in the recording only; in a replay they are
   real connections, to the replayer. So annotated calls and entry points are recorded, matched,
   scheduled, shown and compared as all other traffic is.

   C and C++. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#if defined(__cplusplus)
extern "C" {
#endif

/* Weak for both sides: a program need not have it, and whether a definition is weak means nothing to
   the dynamic linker. A program that is not position independent must reach it through the table of
   addresses too, else the linker decides for ever that there is none. */
#if defined(__clang__)
#if !defined(__PIC__) && !defined(__PIE__)
#error "reprise: clang would bind the SDK to no agent for ever here; compile with -fPIE"
#endif
#define REPRISE_SDK_CALL __attribute__((weak, visibility("default")))
#else
#define REPRISE_SDK_CALL __attribute__((weak, noplt, visibility("default")))
#endif

enum reprise_verdict {
  REPRISE_ASIDE = 0,    /* go on as if there were no agent; no end is to be told */
  REPRISE_PERFORM = 1,  /* do it, then tell the end */
  REPRISE_ANSWERED = 2, /* a replay: do not do it; the outcome is to be read */
  REPRISE_MISSED = 3,   /* a replay: nothing is recorded to give */
  REPRISE_ENDED = 4     /* a replay, of a source: there are no more inputs */
};

/* What is to be read: `length` bytes. */
struct reprise_answer {
  uint64_t length;
  uint32_t threw; /* 1: of a call, they are the exception's */
  uint32_t reserved;
};

/* --- An annotated call. What the thread does between begin and end is not recorded. --- */
int reprise_call_begin(const char* name, const void* arguments, size_t length,
                       struct reprise_answer* answer) REPRISE_SDK_CALL;
/* After REPRISE_ANSWERED: all of the outcome. 0 when it did not come whole. */
int reprise_call_read(void* to, size_t length) REPRISE_SDK_CALL;
/* After REPRISE_PERFORM. */
void reprise_call_end(int threw, const void* result, size_t length)
    REPRISE_SDK_CALL;

/* --- A source of inputs that no socket drives. 0 is no source. --- */
uint64_t reprise_source_open(const char* name) REPRISE_SDK_CALL;
void reprise_source_close(uint64_t source) REPRISE_SDK_CALL;
/* The next input: REPRISE_PERFORM (get it, then tell it or its absence; nothing in between is
   recorded), REPRISE_ANSWERED (`*entry` is open, its bytes are to be read) or REPRISE_ENDED. */
int reprise_entry_next(uint64_t source, uint64_t* entry, struct reprise_answer* answer)
    REPRISE_SDK_CALL;
int reprise_entry_read(uint64_t entry, void* to, size_t length)
    REPRISE_SDK_CALL;
uint64_t reprise_entry_open(uint64_t source, const char* name, const void* payload, size_t length)
    REPRISE_SDK_CALL;
/* There was none: `ended`, or getting it threw. */
void reprise_entry_none(uint64_t source, const char* name, int ended) REPRISE_SDK_CALL;
/* The work on an input is over, whoever did it; the thread works for nobody after it. */
void reprise_entry_close(uint64_t entry, int threw, const void* reply, size_t length)
    REPRISE_SDK_CALL;

/* --- For whom a thread works --- */
/* A name for what this thread works on, for one take; 0 without an agent. */
uint64_t reprise_context_give(void) REPRISE_SDK_CALL;
/* This thread goes on with what was given under `token`; and after it with what it was at before. */
void reprise_context_take(uint64_t token) REPRISE_SDK_CALL;
void reprise_context_leave(uint64_t token) REPRISE_SDK_CALL;

#undef REPRISE_SDK_CALL

#if defined(__cplusplus)
}
#endif
