// SPDX-License-Identifier: Apache-2.0
#include "detect/multivariate/models.h"

namespace hostmedic::detect {

namespace {
constexpr const GroupModelInfo* kModels[] = {&kmeans_netdata, &random_cut_forest, &half_space_trees, &pca_residual,
                                             &gru_forecaster};
}  // namespace

std::span<const GroupModelInfo* const> all_group_models() { return kModels; }

const GroupModelInfo* find_group_model(std::string_view name) {
  for (const GroupModelInfo* info : kModels)
    if (info->name == name) return info;
  return nullptr;
}

}  // namespace hostmedic::detect
