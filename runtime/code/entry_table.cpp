#include "runtime/code/entry_table.h"

#include "compiler/base/check.h"
#include "compiler/base/error_code.h"
#include "runtime/machine/instructions.h"

#include <llvm/Support/Endian.h>

namespace osr {

namespace {

constexpr std::uint32_t max_batches = EntryTable::max_functions / EntryTable::batch_size;
constexpr std::uint64_t cell_size = sizeof(std::uint64_t);

} // namespace

EntryTable::EntryTable(SlabArena &arena, CodeMemory way, SlabMemory hook_cells)
    : arena_(arena), way_(way), hook_cells_(hook_cells), batches_(new std::atomic<Batch *>[max_batches]()) {}

llvm::Expected<std::unique_ptr<EntryTable>> EntryTable::create(SlabArena &arena) {
  auto way = arena.allocate_code(hook_way_size, thunk_size);
  if (!way)
    return way.takeError();
  auto hook_cells = arena.allocate(SlabKind::Data, 2 * cell_size, cell_size);
  if (!hook_cells) {
    arena.release(*way);
    return hook_cells.takeError();
  }
  return std::unique_ptr<EntryTable>(new EntryTable(arena, *way, *hook_cells));
}

EntryTable::~EntryTable() {
  for (std::uint32_t i = 0; i != batch_count_; ++i) {
    const std::unique_ptr<Batch> batch(batches_[i].load());
    arena_.release(batch->thunks);
    arena_.release(batch->cells);
  }
  arena_.release(hook_cells_);
  arena_.release(way_);
}

llvm::Error EntryTable::reserve(std::uint32_t count) {
  if (count > max_functions)
    return make_error(ErrorCode::NoMemory, "there is room for the addresses of {} functions, {} are wanted",
                      max_functions, count);
  Lock lock(mutex_);
  while (batch_count_ * batch_size < count) {
    auto batch = make_batch(batch_count_ * batch_size);
    if (!batch)
      return batch.takeError();
    batches_[batch_count_].store(batch->release(), std::memory_order_release);
    batch_count_.fetch_add(1, std::memory_order_release);
  }
  if (count > size_)
    size_.store(count, std::memory_order_release);
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<EntryTable::Batch>> EntryTable::make_batch(std::uint32_t first) {
  auto thunks = arena_.allocate_code((1 + 2 * batch_size) * thunk_size, thunk_size);
  if (!thunks)
    return thunks.takeError();
  auto cells = arena_.allocate(SlabKind::Data, batch_size * cell_size, cell_size);
  if (!cells) {
    arena_.release(*thunks);
    return cells.takeError();
  }
  auto *values = reinterpret_cast<std::uint64_t *>(cells->writable);
  for (std::uint32_t i = 0; i != batch_size; ++i) {
    const std::uint64_t entry = (1 + i) * thunk_size;
    const std::uint64_t hook = entry + batch_size * thunk_size;
    write_entry_thunk(thunks->writable + entry, thunks->address + entry, cells->address + i * cell_size);
    write_hook_thunk(thunks->writable + hook, thunks->address + hook, first + i, hook_cells_.address);
    values[i] = thunks->address + hook;
  }
  return std::make_unique<Batch>(Batch{*thunks, *cells});
}

const EntryTable::Batch &EntryTable::batch_of(EntryId entry) const {
  OSR_CHECK(index_of(entry) < size(), "function {} of {} has no entry", index_of(entry), size());
  return *batches_[index_of(entry) / batch_size].load(std::memory_order_acquire);
}

std::atomic_ref<std::uint64_t> EntryTable::cell(EntryId entry) const {
  auto *cells = reinterpret_cast<std::uint64_t *>(batch_of(entry).cells.writable);
  return std::atomic_ref(cells[index_of(entry) % batch_size]);
}

std::uint64_t EntryTable::entry_address(EntryId entry) const {
  return first_thunk(batch_of(entry)) + index_of(entry) % batch_size * thunk_size;
}

std::uint64_t EntryTable::hook_address(EntryId entry) const { return entry_address(entry) + batch_size * thunk_size; }

void EntryTable::set_type_hash(EntryId entry, std::uint32_t hash) {
  char *thunk = batch_of(entry).thunks.writable + (1 + index_of(entry) % batch_size) * thunk_size;
  llvm::support::endian::write32le(thunk - sizeof hash, hash);
}

void EntryTable::set_target(EntryId entry, std::uint64_t pc) { cell(entry).store(pc, std::memory_order_release); }

std::uint64_t EntryTable::target(EntryId entry) const { return cell(entry).load(std::memory_order_acquire); }

void EntryTable::set_hook(std::uint64_t pc, const void *context) {
  hook_context_ = context;
  write_hook_way(way_.writable, way_.address, context, hook_cells_.address + cell_size);
  auto *cells = reinterpret_cast<std::uint64_t *>(hook_cells_.writable);
  cells[1] = pc;
  std::atomic_ref(cells[0]).store(way_.address, std::memory_order_release);
}

std::optional<EntryId> EntryTable::find_entry(std::uint64_t address) const {
  if (!arena_.contains_code(address))
    return std::nullopt;
  const std::uint32_t count = batch_count_.load(std::memory_order_acquire);
  for (std::uint32_t i = 0; i != count; ++i) {
    const std::uint64_t offset = address - first_thunk(*batches_[i].load(std::memory_order_acquire));
    if (offset >= batch_size * thunk_size)
      continue;
    const std::uint32_t index = i * batch_size + std::uint32_t(offset / thunk_size);
    return offset % thunk_size == 0 && index < size() ? std::optional(EntryId(index)) : std::nullopt;
  }
  return std::nullopt;
}

bool EntryTable::contains(std::uint64_t pc) const {
  if (!arena_.contains_code(pc))
    return false;
  if (pc - way_.address < hook_way_size)
    return true;
  const std::uint32_t count = batch_count_.load(std::memory_order_acquire);
  for (std::uint32_t i = 0; i != count; ++i)
    if (pc - first_thunk(*batches_[i].load(std::memory_order_acquire)) < 2 * batch_size * thunk_size)
      return true;
  return false;
}

} // namespace osr
