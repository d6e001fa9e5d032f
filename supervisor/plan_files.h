/* What a plan may touch: its roots, the files behind redirections, the folders of cd. */
#ifndef CORRAL_PLAN_FILES_H
#define CORRAL_PLAN_FILES_H

#include <stdbool.h>

#include "plan.h"

/* errno values of our own, beside those of beneath.h. */
#define E_HIDDEN 10010
#define E_LINK 10011

/* Opens the roots; NULL when all is well, else the one that cannot be opened (errno says why). */
const char *plan_files_open(const struct plan *plan);

/* Whether a path, with all links followed, lies beneath a root. */
bool plan_files_inside(const char *path);

/* The descriptor that a redirection puts in place of its own, not to be kept over exec; -1 and errno. Not for REDIRECT_FD. */
int plan_files_redirect(const struct redirect *redirect);

/* Changes the folder to one beneath a root. 0 or an error. */
int plan_files_change(const char *path);

/* strerror, and the errors of our own. */
const char *plan_files_error(int err);

#endif
