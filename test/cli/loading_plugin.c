// Calls the program from its constructor, while the dynamic linker's lock is held.
extern void while_loading(void);
__attribute__((constructor)) static void begin(void) { while_loading(); }
