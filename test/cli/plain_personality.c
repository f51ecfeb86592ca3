// A personality function as runtimes of other languages have it: it reads the tables that compilers usually write, and
// stops at anything else. Landing pads count from the function, call sites are in ULEB128 or in four bytes.
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unwind.h>

struct reader {
  const uint8_t *at;
};

static uint64_t read_uleb(struct reader *from) {
  uint64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    uint8_t byte = *from->at++;
    value |= (uint64_t)(byte & 0x7f) << shift;
    if (!(byte & 0x80))
      return value;
  }
}

static uint64_t read_number(struct reader *from, int encoding) {
  uint32_t value;
  if (encoding == 1)
    return read_uleb(from);
  memcpy(&value, from->at, sizeof value);
  from->at += sizeof value;
  return value;
}

static void stop(const char *what) {
  printf("%s\n", what);
  fflush(stdout);
  _exit(3);
}

static uint64_t find_landing_pad(const uint8_t *table, uint64_t start, uint64_t ip) {
  struct reader from = {table};
  if (*from.at++ != 0xff)
    stop("unexpected base of landing pads");
  if (*from.at++ != 0xff)
    read_uleb(&from);
  int encoding = *from.at++;
  if (encoding != 1 && encoding != 3)
    stop("unexpected encoding of call sites");
  uint64_t size = read_uleb(&from);
  for (const uint8_t *end = from.at + size; from.at < end;) {
    uint64_t begin = read_number(&from, encoding), length = read_number(&from, encoding);
    uint64_t pad = read_number(&from, encoding);
    read_uleb(&from);
    if (begin <= ip - start && ip - start < begin + length)
      return pad ? start + pad : 0;
  }
  return 0;
}

_Unwind_Reason_Code plain_personality(int version, _Unwind_Action actions, uint64_t class_,
                                      struct _Unwind_Exception *exception, struct _Unwind_Context *context) {
  const uint8_t *table = (const uint8_t *)_Unwind_GetLanguageSpecificData(context);
  uint64_t pad =
      table ? find_landing_pad(table, _Unwind_GetRegionStart(context), _Unwind_GetIP(context) - 1) : 0;
  if (!pad)
    return _URC_CONTINUE_UNWIND;
  if (actions & _UA_SEARCH_PHASE)
    return _URC_HANDLER_FOUND;
  _Unwind_SetGR(context, __builtin_eh_return_data_regno(0), (uint64_t)exception);
  _Unwind_SetGR(context, __builtin_eh_return_data_regno(1), 1);
  _Unwind_SetIP(context, pad);
  return _URC_INSTALL_CONTEXT;
}

struct fault {
  long value;
  struct _Unwind_Exception header;
};

static void forget(_Unwind_Reason_Code reason, struct _Unwind_Exception *exception) {}

void raise_fault(long value) {
  struct fault *fault = calloc(1, sizeof *fault);
  fault->value = value;
  fault->header.exception_class = 0x504c41494e000000;
  fault->header.exception_cleanup = forget;
  _Unwind_RaiseException(&fault->header);
  stop("nobody handles it");
}

long take_fault(struct _Unwind_Exception *exception) {
  struct fault *fault = (struct fault *)((char *)exception - offsetof(struct fault, header));
  long value = fault->value;
  free(fault);
  return value;
}
