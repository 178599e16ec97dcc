#include "recorder/stamp_clock.h"

#include <gtest/gtest.h>

namespace reprise::recorder {
namespace {

TscEvidence bare_metal() {
  return {.invariant = true,
          .several_processors = true,
          .available = "tsc hpet acpi_pm",
          .current = "tsc",
          .read_in_process = true};
}

TEST(TscIsStable, WhereProcessorAndKernelVouchForIt) {
  EXPECT_TRUE(tsc_is_stable(bare_metal()));
  TscEvidence other_source = bare_metal();
  other_source.current = "hpet";
  other_source.read_in_process = false;
  EXPECT_TRUE(tsc_is_stable(other_source)) << "somebody chose another clock, the TSC is no worse";
}

TEST(TscIsStable, NotWithoutTheProcessorsWord) {
  TscEvidence evidence = bare_metal();
  evidence.invariant = false;
  EXPECT_FALSE(tsc_is_stable(evidence));
}

TEST(TscIsStable, NotWhereTheKernelStruckItOff) {
  TscEvidence evidence = bare_metal();
  evidence.available = "hpet acpi_pm";
  evidence.current = "hpet";
  EXPECT_FALSE(tsc_is_stable(evidence));
  evidence.available = "tsc-early hpet";
  EXPECT_FALSE(tsc_is_stable(evidence));
}

TEST(TscIsStable, InAVirtualMachineWhoseClockIsComputedFromIt) {
  TscEvidence evidence = bare_metal();
  for (const char* source : {"kvm-clock", "hyperv_clocksource_tsc_page"}) {
    evidence.available = evidence.current = source;
    evidence.read_in_process = true;
    EXPECT_TRUE(tsc_is_stable(evidence)) << source;
    evidence.read_in_process = false;
    EXPECT_FALSE(tsc_is_stable(evidence)) << source;
  }
  evidence.available = evidence.current = "xen";
  evidence.read_in_process = true;
  EXPECT_FALSE(tsc_is_stable(evidence)) << "nothing is known of that one";
}

TEST(TscIsStable, OfOneProcessorAloneWhereTheKernelSaysNothing) {
  TscEvidence evidence{.invariant = true, .several_processors = true, .available = ""};
  EXPECT_FALSE(tsc_is_stable(evidence));
  evidence.several_processors = false;
  EXPECT_TRUE(tsc_is_stable(evidence));
}

TEST(StampClock, StampsOfThisMachineAreTurnedIntoItsTime) {
  const StampClock clock = calibrate_stamp_clock();
  const std::uint64_t before = monotonic_now_ns();
  const std::uint64_t stamp = clock.now();
  const std::uint64_t after = monotonic_now_ns();
  // Measured for 20 ms, the frequency may be off by the brackets of its pairs.
  const std::uint64_t off = 1'000'000;
  EXPECT_GT(clock.monotonic_ns(stamp) + off, before);
  EXPECT_LT(clock.monotonic_ns(stamp), after + off);
}

}  // namespace
}  // namespace reprise::recorder
