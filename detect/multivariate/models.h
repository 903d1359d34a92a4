// SPDX-License-Identifier: Apache-2.0
// The compiled-in group models. A new one is a declaration here, a line in group_models.cpp and a file of its own.
#pragma once

#include "detect/multivariate/group_model.h"

namespace hostmedic::detect {

extern const GroupModelInfo kmeans_netdata;     // kmeans_netdata.cpp
extern const GroupModelInfo random_cut_forest;  // random_cut_forest.cpp
extern const GroupModelInfo pca_residual;       // pca_residual.cpp
extern const GroupModelInfo gru_forecaster;     // gru_forecaster.cpp
extern const GroupModelInfo half_space_trees;   // half_space_trees.cpp

}  // namespace hostmedic::detect
