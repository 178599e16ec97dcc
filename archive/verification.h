// Reads everything in an archive and lists all that is wrong with it.
#pragma once

#include "archive/block_store.h"

namespace reprise::archive {

// Every block, every record, and whether the stored index says what the blocks do. Damage goes to
// the list of `store`. `has_trailer`: the archive was finished.
void verify_blocks(BlockStore& store, bool has_trailer);

}  // namespace reprise::archive
