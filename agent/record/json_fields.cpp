// SPDX-License-Identifier: Apache-2.0
#include "agent/record/json_fields.h"

#include "agent/record/record.h"

namespace hostmedic {

namespace {
std::string_view view(const boost::json::string& text) { return {text.data(), text.size()}; }
}  // namespace

std::string JsonFields::path(std::string_view name) const {
  if (where_.empty()) return std::string(name);
  if (name.empty()) return where_;
  return where_ + '.' + std::string(name);
}

void JsonFields::fail(ErrorCode code, std::string_view name, std::string_view what) {
  if (error_) return;
  const std::string where = path(name);
  error_ = make_error(code, where.empty() ? std::string(what) : where + ": " + printable(what, 128));
}

const boost::json::value* JsonFields::find(std::string_view name) {
  if (error_) return nullptr;
  const boost::json::value* value = object_->if_contains({name.data(), name.size()});
  if (value == nullptr) fail(ErrorCode::malformed, name, "missing");
  return value;
}

const boost::json::array* JsonFields::array(std::string_view name, std::size_t most) {
  const boost::json::value* value = find(name);
  if (value == nullptr) return nullptr;
  const boost::json::array* values = value->if_array();
  if (values == nullptr) {
    fail(ErrorCode::malformed, name, "not a list");
    return nullptr;
  }
  if (values->size() > most) {
    fail(ErrorCode::limit, name, strf("more than %zu entries", most));
    return nullptr;
  }
  return values;
}

void JsonFields::text(std::string_view name, std::string& out, std::size_t most) {
  const boost::json::value* value = find(name);
  if (value == nullptr) return;
  const boost::json::string* string = value->if_string();
  if (string == nullptr) return fail(ErrorCode::malformed, name, "not a string");
  if (string->size() > most) return fail(ErrorCode::limit, name, strf("longer than %zu bytes", most));
  out = printable(view(*string), most);
}

void JsonFields::boolean(std::string_view name, bool& out) {
  const boost::json::value* value = find(name);
  if (value == nullptr) return;
  if (!value->is_bool()) return fail(ErrorCode::malformed, name, "not true or false");
  out = value->get_bool();
}

std::optional<double> JsonFields::as_number(const boost::json::value& value) const {
  if (value.is_double()) return value.get_double();
  if (value.is_int64()) return static_cast<double>(value.get_int64());
  if (value.is_uint64()) return static_cast<double>(value.get_uint64());
  return std::nullopt;
}

void JsonFields::number(std::string_view name, double& out) {
  const boost::json::value* value = find(name);
  if (value == nullptr) return;
  const std::optional<double> read = as_number(*value);
  if (!read || !std::isfinite(*read)) return fail(ErrorCode::malformed, name, "not a number");
  out = *read;
}

void JsonFields::number_or_null(std::string_view name, std::optional<double>& out) {
  const boost::json::value* value = find(name);
  if (value == nullptr || value->is_null()) return;
  double read = 0;
  number(name, read);
  out = read;
}

std::int64_t JsonFields::integer64(std::string_view name) {
  const boost::json::value* value = find(name);
  if (value == nullptr) return 0;
  if (value->is_int64()) return value->get_int64();
  if (value->is_uint64())  // Boost.JSON keeps what exceeds int64 here
    fail(ErrorCode::limit, name, "out of range");
  else
    fail(ErrorCode::malformed, name, "not an integer");
  return 0;
}

void JsonFields::time_or_null(std::string_view name, std::optional<WallTime>& out) {
  const boost::json::value* value = find(name);
  if (value == nullptr || value->is_null()) return;
  out = wall_from_ns(integer64(name));
}

void JsonFields::entity(std::string_view name, Entity& out) { word(name, out, entity_from, kMostEntityName + 32); }

void JsonFields::entities(std::string_view name, std::vector<Entity>& out, std::size_t most) {
  list(name, out, most, [](const boost::json::value& value, const std::string& where) -> Result<Entity> {
    const boost::json::string* text = value.if_string();
    if (text == nullptr) return make_error(ErrorCode::malformed, where + ": not a string");
    const std::optional<Entity> entity = entity_from(view(*text));
    if (!entity) return make_error(ErrorCode::malformed, where + ": not an entity");
    return *entity;
  });
}

void JsonFields::attributes(std::string_view name, std::vector<Attribute>& out) {
  const boost::json::value* value = find(name);
  if (value == nullptr) return;
  const boost::json::object* object = value->if_object();
  if (object == nullptr) return fail(ErrorCode::malformed, name, "not an object");
  if (object->size() > kMostRecordAttributes)
    return fail(ErrorCode::limit, name, strf("more than %zu entries", kMostRecordAttributes));
  for (const auto& [key, entry] : *object) {
    const boost::json::string* text = entry.if_string();
    if (text == nullptr) return fail(ErrorCode::malformed, name, "a value is not a string");
    if (key.size() > kMostAttributeKey || text->size() > kMostAttributeValue)
      return fail(ErrorCode::limit, name, "an attribute is too long");
    out.push_back(
        {printable({key.data(), key.size()}, kMostAttributeKey), printable(view(*text), kMostAttributeValue)});
  }
}

}  // namespace hostmedic
