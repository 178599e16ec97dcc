#include "protocol/postgresql/statement.h"

#include <gtest/gtest.h>

#include <string>

namespace reprise::protocol::postgresql {
namespace {

std::string operation(std::string_view text) { return describe_statement(text).operation; }

TEST(StatementTest, IsNamedByItsCommandAndRelation) {
  EXPECT_EQ(operation("select count from Stock where id=$1"), "SELECT stock");
  EXPECT_EQ(operation("SELECT (SELECT max(x) FROM inner_one) FROM shop.\"Order\" o"),
            "SELECT shop.\"Order\"");
  EXPECT_EQ(operation("INSERT INTO orders (a) SELECT b FROM stock"), "INSERT orders");
  EXPECT_EQ(operation("UPDATE ONLY stock SET count = 1"), "UPDATE stock");
  EXPECT_EQ(operation("DELETE FROM stock"), "DELETE stock");
  EXPECT_EQ(operation("COPY stock (id, count) FROM STDIN"), "COPY stock");
  EXPECT_EQ(operation("COPY (SELECT 1) TO STDOUT"), "COPY");
  EXPECT_EQ(operation("CREATE TABLE t (a int)"), "CREATE TABLE");
  EXPECT_EQ(operation("LISTEN orders"), "LISTEN orders");
  EXPECT_EQ(operation("BEGIN"), "BEGIN");
}

TEST(StatementTest, NamedQueriesAreNotItsCommand) {
  EXPECT_EQ(operation("WITH old AS (DELETE FROM a RETURNING *), b AS (SELECT 1) "
                      "INSERT INTO archive SELECT * FROM old"),
            "INSERT archive");
}

TEST(StatementTest, WithoutARelationItIsNamedByItsFunction) {
  EXPECT_EQ(operation("SELECT nextval('orders_id')"), "SELECT nextval");
  EXPECT_EQ(operation("SELECT 1 + 1"), "SELECT");
}

TEST(StatementTest, WordsInStringsAndCommentsNameNothing) {
  EXPECT_EQ(operation("SELECT 'x from nowhere', E'\\' from there' -- from comment\n"
                      "/* from /* nested */ one */ FROM $a$ from $a$"),
            "SELECT");
  EXPECT_EQ(operation("SELECT $1::text, $2 FROM it"), "SELECT it");
}

TEST(StatementTest, SeveralStatementsAreAllNamed) {
  EXPECT_EQ(operation("BEGIN; UPDATE stock SET a = ';'; COMMIT;"), "BEGIN; UPDATE stock; COMMIT");
  EXPECT_EQ(operation(" ; "), "EMPTY");
  EXPECT_EQ(operation("a;a;a;a;a;a;a;a"), "A; A; A; A; A; A; …");
}

TEST(StatementTest, LayoutAndCommentsAreNotInItsLine) {
  EXPECT_EQ(one_line("/* trace=1 */ SELECT  a\n\t, b -- all\n FROM 'two  blanks' ; "),
            "SELECT a , b FROM 'two  blanks'");
  EXPECT_NE(one_line("SELECT ab"), one_line("SELECT a b"));
}

TEST(StatementTest, LongTextsWithOneBeginningDiffer) {
  const std::string begin = "SELECT " + std::string(5000, 'x');
  EXPECT_LT(one_line(begin + "1").size(), 1100U);
  EXPECT_NE(one_line(begin + "1"), one_line(begin + "2"));
  EXPECT_NE(one_line(begin, 1), one_line(begin, 2));
}

TEST(StatementTest, WhatSetsAConnectionUpIsKnown) {
  EXPECT_TRUE(describe_statement("SET search_path TO shop").sets_up);
  EXPECT_TRUE(describe_statement("select version();").sets_up);
  EXPECT_FALSE(describe_statement("SELECT 1 FROM stock").sets_up);
  EXPECT_FALSE(describe_statement("SET a = 1; DELETE FROM stock").sets_up);
}

TEST(StatementTest, TextsThatAreCutOrHostileEndSomewhere) {
  for (const char* text : {"'", "\"", "E'\\", "$a$", "/*", "/*/*", "--", "$", "$$", ")))", "(((",
                           "SELECT", "WITH", "SELECT FROM", "INSERT INTO", "a.", "a.."}) {
    (void)describe_statement(text);
  }
}

}  // namespace
}  // namespace reprise::protocol::postgresql
