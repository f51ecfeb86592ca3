// Static objects of the compiler, which the C library destroys when the process ends.
//
// Threads of the runtime may be within the compiler then, whose function-local statics were made after every handler
// that the runtime could register, and so go before it is called. The end of a program is not to wait for a compile
// either. So in a process that links interposed_atexit.cpp these objects can stay: the process takes the threads with
// it. Told apart they are by the library that registers them: an executable that holds the compiler keeps its own
// static objects, too. What the runtime has of the kind is never destroyed.
#pragma once

namespace osr {

/// From here on no static object of the library or executable that the compiler is in is destroyed. False: they cannot
/// be kept in this process, and whoever ends it has to wait for the threads.
bool keep_static_objects();
bool static_objects_stay();

/// By whoever looks at static_objects_stay() when it is to destroy one.
void set_static_objects_can_stay();

} // namespace osr
