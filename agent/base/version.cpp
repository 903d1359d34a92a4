// SPDX-License-Identifier: Apache-2.0
#include "agent/base/version.h"

#include <elf.h>
#include <link.h>

#include <cstddef>
#include <cstring>

#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr std::string_view kOwner{"GNU\0", 4};

constexpr std::size_t padded(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes) out += strf("%02x", static_cast<unsigned>(static_cast<unsigned char>(byte)));
  return out;
}

// A note is a head, the owner's name and the description, each padded to four bytes.
std::string build_id_among(std::string_view notes) {
  ElfW(Nhdr) head{};
  while (notes.size() >= sizeof head) {
    std::memcpy(&head, notes.data(), sizeof head);
    const std::size_t description = sizeof head + padded(head.n_namesz);
    if (description + head.n_descsz > notes.size()) break;
    if (head.n_type == NT_GNU_BUILD_ID && notes.substr(sizeof head, head.n_namesz) == kOwner)
      return hex(notes.substr(description, head.n_descsz));
    const std::size_t whole = description + padded(head.n_descsz);
    notes.remove_prefix(whole < notes.size() ? whole : notes.size());
  }
  return {};
}

// The first object told of is the program itself.
int first_object(dl_phdr_info* object, std::size_t, void* found) {
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    const char* begin = reinterpret_cast<const char*>(object->dlpi_addr + segment.p_vaddr);
    std::string id = build_id_among({begin, segment.p_memsz});
    if (id.empty()) continue;
    *static_cast<std::string*>(found) = std::move(id);
    break;
  }
  return 1;
}

}  // namespace

std::string version() { return HM_VERSION; }

std::string build_id() {
  std::string id;
  ::dl_iterate_phdr(first_object, &id);
  return id;
}

std::string version_line(std::string_view program) {
  const std::string id = build_id();
  return std::string(program) + " " + version() + (id.empty() ? "" : " (build " + id + ")");
}

}  // namespace hostmedic
