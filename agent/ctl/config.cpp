// SPDX-License-Identifier: Apache-2.0
// `hostmedic config reference`: the shipped files, and the keys behind them, made of the rows that validate them.
#include "agent/base/text.h"
#include "agent/config/reference.h"
#include "agent/ctl/verbs.h"

namespace hostmedic {

namespace json = boost::json;

namespace {

std::vector<KeyText> rows_of(const std::string& which) {
  if (which == "runbook") return runbook_reference_rows();
  if (which == "policy") return reference_rows(ConfigFile::policy);
  return reference_rows(which == "aggregator" ? ConfigFile::aggregator : ConfigFile::agent);
}

json::array json_of(const std::vector<KeyText>& rows) {
  json::array out;
  for (const KeyText& key : rows)
    out.push_back({{"table", key.table},
                   {"name", key.name},
                   {"type", key.type},
                   {"default", key.fallback},
                   {"restart", key.restart},
                   {"doc", key.doc}});
  return out;
}

// "[store]", "[[rule]]"; the top level has no name.
std::string table_name(const std::string& table) {
  return table.empty() || table.starts_with('[') ? table : "[" + table + "]";
}

std::string escaped(std::string_view text) {
  // A line that begins with dots is lost on the way through roff.
  if (text.starts_with("... ")) text.remove_prefix(4);
  std::string out;
  for (const char c : text) {
    if (c == '_' || c == '*' || c == '\\' || c == '+') out += '\\';
    out += c;
  }
  return out;
}

// The source of a manual page's section: a heading for each table, a paragraph for each key.
std::string scdoc_of(const std::vector<KeyText>& rows) {
  std::string out, table;
  for (const KeyText& key : rows) {
    if (table_name(key.table) != table || out.empty()) {
      table = table_name(key.table);
      out += "# " + (table.empty() ? "TOP LEVEL" : escaped(table)) + "\n\n";
    }
    out += "*" + escaped(key.name) + "* = " + escaped(key.fallback) + "\n\t" + escaped(key.doc) + " (" +
           escaped(key.type) + (key.restart ? "; needs a restart" : "") + ")\n\n";
  }
  return out;
}

std::string plain_of(const std::vector<KeyText>& rows, const Look& look) {
  Table table({"KEY", "DEFAULT", ""});
  for (const KeyText& key : rows)
    table.add({{table_name(key.table) + (key.table.empty() ? "" : " ") + key.name, Tone::strong},
               {key.fallback},
               {key.doc + " (" + key.type + ")"}});
  return table.render(look);
}

}  // namespace

Exit print_config_reference(Context& context, const std::string& which, bool scdoc) {
  if (context.json) {
    write_json(context, json_of(rows_of(which)));
  } else if (scdoc) {
    context.out << scdoc_of(rows_of(which));
  } else if (which == "runbook") {
    context.out << plain_of(rows_of(which), context.look);
  } else {
    const bool policy = which == "policy", aggregator = which == "aggregator";
    context.out << print_reference(policy       ? ConfigFile::policy
                                   : aggregator ? ConfigFile::aggregator
                                                : ConfigFile::agent);
  }
  return Exit::fine;
}

}  // namespace hostmedic
