// SPDX-License-Identifier: Apache-2.0
// The recursive descent behind parse_condition(). Internal to detect/rules.
#pragma once

#include <initializer_list>

#include "detect/model/series.h"
#include "detect/rules/condition.h"
#include "detect/rules/condition_lexer.h"

namespace hostmedic::detect {

class ConditionParser {
 public:
  ConditionParser(std::string_view text, Condition& condition, ConditionFault& fault)
      : lexer_(text), condition_(condition), fault_(fault) {}

  // The number of the root node; -1 after a fault.
  int whole();

 private:
  // How much there was before something was read.
  struct Mark {
    std::size_t nodes, refs;
  };

  // Each returns a node, or -1 after a fault. scope: for whose rows it is evaluated.
  int statement(int scope);
  int choice(int scope);
  int any_of(int scope);
  int all_of(int scope);
  int inverse(int scope);
  int comparison(int scope);
  int sum(int scope);
  int product(int scope);
  int factor(int scope);
  int group(int scope);
  int name(int scope);
  int between();
  int days();
  int is_pattern(Op op);
  int quantified(Op op, int scope);
  int known(int scope);
  int called(Function function, bool gathers, bool windows, int scope);
  int series(int scope);
  int shorthand(std::string_view text, int scope, const Token& word);
  int refer(SeriesRef ref, const MetricInfo* info, int scope, const Token& word);
  int arithmetic(Op op, int left, int right, const Token& sign);
  int after(int number, int scope);  // "for", "unless" and "clear" behind a condition
  int held(int number, int scope);   // "for 30s clear after 10s"

  // Each returns false after a fault.
  bool ended(int number, int scope);  // "clear below 85%", "margin 5%"
  bool selectors(SeriesRef& ref);
  bool compare_units(const ConditionNode& left, const ConditionNode& right, const Token& sign);
  bool need_truth(int number);
  bool need_number(int number);
  bool expect(std::string_view symbol);
  std::optional<Duration> duration(std::string_view what);

  bool accept(std::string_view word);
  bool is_truth(int number) const;
  int add(ConditionNode node);
  int open_scope();
  int own_scope(int from, const Mark& mark);
  void place_state(ConditionNode& node);
  int fail(const Token& token, std::string message);  // always -1
  int fail_at(const ConditionNode& node, std::string message);
  ConditionNode& node(int number) { return condition_.nodes[static_cast<std::size_t>(number)]; }
  ConditionScope& scope(int number) { return condition_.scopes[static_cast<std::size_t>(number)]; }

  Lexer lexer_;
  Condition& condition_;
  ConditionFault& fault_;
  int depth_ = 0;
  const Token* inside_ = nullptr;  // the shorthand that is being read: the place of all that it stands for
};

}  // namespace hostmedic::detect
