/* What the library offers, and what it takes from the program that uses it. */
int level(void);              /* the library has one; the program has another */
extern int threshold;         /* likewise */
int ask_level(int times);     /* calls level() */
int ask_threshold(void);
int ask_program(int x);       /* calls program_answer(), which only the program has */
int ask_if_there(void);       /* calls program_option() if the program has that */
char *copy_upper(const char *text); /* allocated by a call that the program replaces */
void drop(char *text);
