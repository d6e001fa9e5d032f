/* Descriptor 5: frames that outlive the clients. A write that fails half-way is cut off, so that later frames stay readable. */
#ifndef CORRAL_JOURNAL_H
#define CORRAL_JOURNAL_H

#include "frame.h"

void journal_init(int fd);
/* False when the frame is not in it. */
bool journal_append(const struct buffer *frame);
/* Whether it may also hold output: it is cut only when nothing runs, so it has a bound beyond which output gets files. */
bool journal_has_room(void);
/* To be called when nothing runs and every end is acknowledged: cuts a journal of more than 1 MiB to 0. */
void journal_compact(void);

#endif
