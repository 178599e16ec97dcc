#include "examples/fulfilment/spool.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace fulfilment {
namespace {

class SpoolTest : public ::testing::Test {
 protected:
  SpoolTest() : directory_(::testing::TempDir() + "/spool") {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }

  void Drop(const std::string& name, const std::string& content) {
    const std::string written = directory_ + "/" + name + ".new";
    std::ofstream(written) << content;
    std::filesystem::rename(written, directory_ + "/" + name + ".order");
  }

  const std::string directory_;
};

TEST_F(SpoolTest, OrdersAreTakenOnceAndInTheOrderOfTheirNames) {
  Drop("2", "o-2 cup 1");
  Drop("1", "o-1 tea 3");
  Spool spool(directory_);
  const auto first = spool.Pop(), second = spool.Pop();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->id, "o-1");
  EXPECT_EQ(first->quantity, 3);
  EXPECT_EQ(second->sku, "cup");
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
}

TEST_F(SpoolTest, OneThatWaitsGetsWhatComes) {
  Spool spool(directory_);
  std::thread shop([this] { Drop("1", "o-1 tea 1"); });
  const auto order = spool.Pop();
  shop.join();
  ASSERT_TRUE(order);
  EXPECT_EQ(order->id, "o-1");
}

TEST_F(SpoolTest, AClosedOneGivesNothingMore) {
  Spool spool(directory_);
  std::thread stop([&] { spool.Close(); });
  EXPECT_FALSE(spool.Pop());
  stop.join();
}

}  // namespace
}  // namespace fulfilment
