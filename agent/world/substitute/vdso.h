// Making the clock functions of the vDSO visible.
//
// The kernel maps code into every process that reads the clocks without a system call, and programs
// that look for it themselves pass every hook by. Its functions are overwritten, in this process's
// own copy, with the system calls they stand for, which the leak filter sees.
//
// Threading: start-up only.
#pragma once

namespace reprise::agent {

// Does nothing when there is no vDSO, or when its pages may not be written.
void send_vdso_to_kernel();

}  // namespace reprise::agent
