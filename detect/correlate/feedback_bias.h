// SPDX-License-Identifier: Apache-2.0
// How much the word of people moves what a rule's signal on an entity counts, as a shift of its log-odds: down by 1 for
// each incident that was none, up by 1/2 for each that was real, within [-3, 1]. So one word takes a probability of
// 0.95 to 0.88, two to 0.72, and none takes it to nothing: what is sure enough by other signals still opens. Signals
// that are proof are not moved. Looked up per judgement, not per sample; one owner.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detect/model/feedback.h"

namespace hostmedic::detect {

class FeedbackBias {
 public:
  // Replaces what was set.
  void set(const std::vector<Feedback>& all);
  double moved(double probability, std::string_view rule, const Entity& root) const;
  // "2 times said to be none"; empty: nobody said anything of this rule on this root.
  std::string text(std::string_view rule, const Entity& root) const;

  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.words_);
  }

 private:
  struct Words {
    std::uint32_t real = 0, none = 0;
    template <class Self>
    static auto whole(Self& self) {
      return std::tie(self.real, self.none);
    }
  };
  const Words* find(std::string_view rule, const Entity& root) const;
  std::map<std::pair<Entity, std::string>, Words> words_;
};

}  // namespace hostmedic::detect
