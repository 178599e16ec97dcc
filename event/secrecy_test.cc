#include "event/secrecy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reprise::event {
namespace {

using testing::ElementsAre;

TEST(SecrecyTest, NamesTellWhatIsASecret) {
  for (const char* name : {"API_TOKEN", "db-password", "requirepass", "X-Api-Key", "Cookie"}) {
    EXPECT_TRUE(names_secret(name)) << name;
  }
  for (const char* name : {"PATH", "port", "Host", ""}) EXPECT_FALSE(names_secret(name)) << name;
}

TEST(SecrecyTest, VariablesAreMaskedByNameAndByWhatTheyHold) {
  EXPECT_EQ(masked_variable("API_TOKEN=abc"), "API_TOKEN=***");
  EXPECT_EQ(masked_variable("DB=postgres://ann:abc@h/shop"), "DB=***");
  EXPECT_EQ(masked_variable("DB=postgres://h:5432/a:b@c"), "DB=postgres://h:5432/a:b@c");
  EXPECT_EQ(masked_variable("PATH=/bin"), "PATH=/bin");
}

TEST(SecrecyTest, OptionsOfACommandAreMaskedWhereverTheirValueStands) {
  EXPECT_THAT(masked_command({"./auth", "--password=a b", "--requirepass", "-x", "--port", "80"}),
              ElementsAre("./auth", "--password=***", "--requirepass", "***", "--port", "80"));
  EXPECT_THAT(masked_command({"env", "DB_PASSWORD=abc", "./shop"}),
              ElementsAre("env", "DB_PASSWORD=***", "./shop"));
}

TEST(SecrecyTest, AnOptionIsNotTheValueOfAnother) {
  EXPECT_THAT(masked_command({"./shop", "--no-auth", "--port", "80", "--token"}),
              ElementsAre("./shop", "--no-auth", "--port", "80", "--token"));
}

TEST(SecrecyTest, AWordIsMaskedFromItsSecretOn) {
  EXPECT_THAT(masked_command({"./shop", "host=db password='a b' user=ann"}),
              ElementsAre("./shop", "host=db password=***"));
  EXPECT_THAT(masked_command({"./shop", "--db=postgres://ann:abc@h/shop?sslmode=on",
                              "redis://:abc@h", "http://h/?access_token=abc"}),
              ElementsAre("./shop", "--db=postgres://***@h/shop?sslmode=on", "redis://***@h",
                          "http://h/?access_token=***"));
}

}  // namespace
}  // namespace reprise::event
