#include "journal.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

#define JOURNAL_CUT (1024 * 1024)

static int journal = -1;
static off_t size;

void journal_init(int fd)
{
    struct stat st;
    journal = fd;
    size = fstat(fd, &st) == 0 ? st.st_size : 0;
}

void journal_append(const struct buffer *frame)
{
    if (journal < 0 || frame->failed) return;
    size_t n = buffer_pending(frame);
    if (write_all(journal, frame->data + frame->start, n) == 0) {
        size += (off_t)n;
        return;
    }
    note("journal: write failed, errno %d", errno);
    if (ftruncate(journal, size) != 0) note("journal: cannot cut a torn frame, errno %d", errno);
}

void journal_compact(void)
{
    if (journal >= 0 && size > JOURNAL_CUT && ftruncate(journal, 0) == 0) size = 0;
}
