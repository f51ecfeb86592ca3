# Commands of gdb_test; what they print is compared with the expression in CMakeLists.txt.
set confirm off
set pagination off
set debuginfod enabled off
set breakpoint pending on
break osr_stop_here
break osr_stop_at_the_end
run
backtrace
info functions ^chain_inner$
continue
echo at the end:\n
info functions ^chain_inner$
continue
