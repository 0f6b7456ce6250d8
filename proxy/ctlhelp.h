/*
 * What cardproxyctl says about itself, made of its verbs and options: the help,
 * and a completion for bash.
 */
#ifndef PROXY_CTLHELP_H
#define PROXY_CTLHELP_H

#include <stdbool.h>

/* Both write to standard output; false: they could not. */
bool ctlhelp_print(void);
bool ctlhelp_print_completion(void);

#endif
