// SPDX-License-Identifier: Apache-2.0
// The main of every unit test program. A test case that asserts nothing fails: it could not be wrong.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>

namespace {

struct AssertsSomething : doctest::IReporter {
  explicit AssertsSomething(const doctest::ContextOptions&) {}
  void test_case_start(const doctest::TestCaseData& test) override { name = test.m_name; }
  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    if (stats.numAssertsCurrentTest == 0 && stats.failure_flags == 0) {
      std::fprintf(stderr, "test case without an assertion: %s\n", name);
      std::exit(2);
    }
  }
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
  const char* name = "";
};

}  // namespace

REGISTER_LISTENER("asserts-something", 1, AssertsSomething);
