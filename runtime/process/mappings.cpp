#include "runtime/process/mappings.h"

#include <fstream>
#include <string>

namespace osr {

MappingCount count_mappings() {
  MappingCount count;
  std::ifstream file("/proc/thread-self/maps");
  for (std::string line; std::getline(file, line);) {
    const std::string permissions = line.substr(line.find(' ') + 1, 4); // such as r-xp
    ++count.total;
    count.writable_and_executable += permissions.size() == 4 && permissions[1] == 'w' && permissions[2] == 'x';
  }
  return count;
}

} // namespace osr
