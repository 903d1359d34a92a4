// SPDX-License-Identifier: Apache-2.0
// It lives with the vocabulary, where the response finds it too.
#pragma once

#include "detect/model/state_codec.h"
