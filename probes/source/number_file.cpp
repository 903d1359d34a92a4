// SPDX-License-Identifier: Apache-2.0
#include "probes/source/number_file.h"

#include <algorithm>

namespace hostmedic {

NumberFile::NumberFile(KeptFile file, std::span<const NumberRow> rows, std::unique_ptr<KeyedText> parser)
    : file_(std::move(file)),
      rows_(rows),
      parser_(std::move(parser)),
      values_(rows.size()),
      series_(rows.size(), kNoSeries) {}

Status NumberFile::read(Sink& sink) {
  const auto fail = [&](Error error) {
    std::fill(values_.begin(), values_.end(), std::nullopt);
    emit(sink);
    return error;
  };
  auto text = file_.read();
  if (!text) return fail(std::move(text).error());
  seen_ = true;
  if (auto parsed = parser_->parse(*text, values_); !parsed) return fail(std::move(parsed).error().in(path()));
  emit(sink);
  return ok();
}

std::optional<double> NumberFile::value(std::size_t row) const {
  if (!values_[row]) return std::nullopt;
  return static_cast<double>(*values_[row]);
}

void NumberFile::emit(Sink& sink) {
  for (std::size_t i = 0; i < rows_.size();) {
    const NumberRow& first = rows_[i];
    std::optional<double> sum;
    std::size_t end = i;
    for (; end < rows_.size() && rows_[end].metric == first.metric && rows_[end].attributes == first.attributes; ++end)
      if (values_[end]) sum = sum.value_or(0) + static_cast<double>(*values_[end]) * rows_[end].scale;
    if (first.metric != nullptr) {
      if (sum && series_[i] == kNoSeries)
        series_[i] =
            sink.series(sink.entity(EntityKind::host, ""), *first.metric, prefix_ + std::string(first.attributes));
      sink.sample(series_[i], sum);
    }
    i = end;
  }
}

Status read_all(std::span<NumberFile> files, Sink& sink) {
  Status status = ok();
  for (NumberFile& file : files) {
    auto one = file.read(sink);
    const bool lacking = !one && one.error().code == ErrorCode::not_found && !file.seen();
    if (!one && !lacking && status) status = std::move(one).error();
  }
  return status;
}

}  // namespace hostmedic
