#include "journal.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

#define JOURNAL_CUT (1024 * 1024)
#define JOURNAL_OUTPUT_MAX (64 * 1024 * 1024)

static int journal = -1;
static off_t size;

void journal_init(int fd)
{
    struct stat st;
    journal = fd;
    size = fstat(fd, &st) == 0 ? st.st_size : 0;
}

bool journal_append(const struct buffer *frame)
{
    if (journal < 0 || frame->failed) return false;
    size_t n = buffer_pending(frame);
    if (write_all(journal, frame->data + frame->start, n) == 0) {
        size += (off_t)n;
        return true;
    }
    note("journal: write failed, errno %d", errno);
    if (ftruncate(journal, size) != 0) note("journal: cannot cut a torn frame, errno %d", errno);
    return false;
}

bool journal_has_room(void) { return size < JOURNAL_OUTPUT_MAX; }

void journal_compact(void)
{
    if (journal >= 0 && size > JOURNAL_CUT && ftruncate(journal, 0) == 0) size = 0;
}
