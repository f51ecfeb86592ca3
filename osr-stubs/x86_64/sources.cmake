set(osr_machine_stubs
  call_on_stack.S context.S emitter.cpp enter_program.S entry_hook.S generic_trampoline.S leave_stack.S result_pads.S result_pads.cpp saved_state.cpp
  stub_assembler.cpp stub_prologue.cpp switch_stack.S value_code.cpp vfork.S waiting_call.S)
